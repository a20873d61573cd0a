"""Consent to the use of answers about health: asked apart, unticked, recorded by its text, withdrawn as easily."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.application import queries as applications
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.everything import every_row
from tests.factories.accounts import an_insurer
from tests.factories.catalog import catalog_files, published
from tests.web.conftest import LI_NA, NothingWritten, asked, count, form_for, go_on
from tests.web.desk_visits import at_the_desk, buy, links

AtStep = Callable[..., Visitor]
CodeFor = Callable[[str], str]
Work = Callable[[], list[str]]
HOME = {
    "building_area": "92", "building_type": "concrete", "contents_sum": "100000", "let_out": "no", "region": "shanghai",
}  # fmt: skip


def wording(shop: Flask, locale: str) -> str:
    with shop.app_context():
        return disclosure.wording(WordingKey.HEALTH_CONSENT, locale).sha256


def application_of(visitor: Visitor) -> str:
    """The address of the application the visitor is in, without its step."""
    return "/".join(urlsplit(visitor.at).path.split("/")[:3])


def given(shop: Flask, kind: str = "health_consent") -> int:
    return count(shop, "application_confirmation", f"kind = '{kind}'")


@pytest.mark.requirement("T26-30")
@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_it_is_asked_before_the_questions_apart_and_unticked(shop: Flask, at_step: AtStep, locale: str) -> None:
    visitor = at_step("questions")
    visitor.locale = locale
    visitor.get(visitor.at)
    box = re.search(r'<input type="checkbox" name="health_consent"[^>]*>', visitor.text)
    assert box
    assert "checked" not in box[0]
    assert visitor.text.index(box[0]) < visitor.text.index('type="radio"')
    assert "I need not agree." in words(visitor.text) or "本人可以不同意。" in words(visitor.text)
    assert hidden_fields(visitor.text)["consent_sha256"] == wording(shop, locale)


@pytest.mark.requirement("T26-30", "EU-27")
@pytest.mark.parametrize("ticked", [{}, {"notice": "yes"}, {"notice": "yes", "health_consent": ""}])
def test_without_it_the_questions_cannot_be_sent(
    shop: Flask, at_step: AtStep, nothing_written: NothingWritten, ticked: dict[str, str]
) -> None:
    visitor = at_step("questions")
    with nothing_written():
        visitor.post(ticked | dict.fromkeys(asked(visitor.text), "no"))
    assert visitor.status == 422
    assert visitor.at.endswith("/questions")
    assert "Use of your answers" in words(visitor.text)
    with nothing_written():
        visitor.get(f"{application_of(visitor)}/documents/1")
    assert visitor.at.endswith("/questions"), "nor can they be passed over"


def test_consent_to_another_text_is_none(shop: Flask, at_step: AtStep, nothing_written: NothingWritten) -> None:
    visitor = at_step("questions")
    ticked = {"notice": "yes", "health_consent": "yes", "consent_sha256": "0" * 64}
    with nothing_written():
        visitor.post(ticked | dict.fromkeys(asked(visitor.text), "no"))
    assert visitor.status == 409
    assert given(shop) == 0


def test_it_is_recorded_by_its_text_once(shop: Flask, at_step: AtStep, code_for: CodeFor) -> None:
    visitor = at_step("questions")
    visitor.locale = "zh_Hans_CN"
    visitor.get(visitor.at)
    go_on(visitor, "documents", LI_NA, code_for)
    shown = wording(shop, "zh_Hans_CN")
    assert count(shop, "application_confirmation", f"kind = 'health_consent' AND subject_sha256 = '{shown}'") == 1
    visitor.get(f"{application_of(visitor)}/questions")
    assert 'name="health_consent"' not in visitor.text
    assert "撤回对使用我的回答的同意" in words(visitor.text)
    visitor.post(dict.fromkeys(asked(visitor.text), "no"))
    assert given(shop) == 1
    with shop.app_context(), every_row() as reader:
        (journey,) = reader.exec_driver_sql(
            "SELECT id FROM traceability_journey WHERE attribution ->> 'log' IS NULL"
        ).scalars()
        (entry,) = [each for each in trail.journey_entries(journey) if each.type is EntryType.HEALTH_CONSENT_GIVEN]
        page = trail.page_version(str(entry.page_version_id))
    assert (entry.body["subject_sha256"], entry.body["locale"]) == (shown, "zh_Hans_CN")
    assert page.manifest["wordings"]["health_consent"] == shown, "on the page that showed it"


def test_a_home_is_not_asked_for_its_health(shop: Flask, visitor: Visitor, code_for: CodeFor) -> None:
    with shop.app_context():
        published(an_insurer("oakroof"), catalog_files("oakroof"))
        db.session.commit()
    visitor.enter(visitor.compare("household", HOME)[0])
    go_on(visitor, "questions", LI_NA, code_for)
    assert 'name="health_consent"' not in visitor.text
    go_on(visitor, "documents", LI_NA, code_for)
    assert "Withdraw my consent" not in words(visitor.text)
    visitor.get(f"{application_of(visitor)}/consent")
    assert visitor.at.endswith("/documents/1"), "there is nothing to withdraw"


@pytest.mark.requirement("T26-30")
@pytest.mark.parametrize("step", ["documents", "review", "pay"])
def test_while_applying_it_is_withdrawn_by_a_link_and_a_button(shop: Flask, at_step: AtStep, step: str) -> None:
    visitor = at_step(step)
    application = application_of(visitor)
    (link,) = links(visitor.text, f"{application}/consent")
    visitor.get(link)
    assert "is erased at once" in words(visitor.text)
    visitor.post({})
    assert (visitor.at, visitor.status) == ("/account/data", 200)
    assert "Your answers are erased and the application is taken back." in words(visitor.text)
    assert "Your consent to the use of answers about health" not in words(visitor.text)
    with shop.app_context():
        kept = applications.application(UUID(application.split("/")[2]))
    assert (kept.erased, kept.answers, kept.people) == (True, {}, None)
    assert count(shop, "privacy_erasure", "subject = 'application' AND reason = 'withdrawal'") == 1
    for path in (application, f"{application}/review", f"{application}/consent"):
        visitor.get(path)
        assert visitor.status == 404, path


def test_a_form_that_was_not_shown_withdraws_nothing(
    shop: Flask, at_step: AtStep, stranger: Visitor, nothing_written: NothingWritten
) -> None:
    visitor = at_step("documents")
    path = f"{application_of(visitor)}/consent"
    stranger.get("/verify")
    with nothing_written():
        token = {"csrf_token": hidden_fields(visitor.text)["csrf_token"]}
        assert visitor.client.post(path, data=token).status_code == 409
        assert stranger.client.post(path, data=form_for(shop, stranger, path)).status_code == 404


@pytest.mark.requirement("T26-30")
def test_the_page_of_ones_data_leads_to_it_and_a_contract_makes_it_a_request(
    shop: Flask, work: Work, code_for: CodeFor
) -> None:
    li_na = buy(shop, work, code_for)
    li_na.get("/account/data")
    (link,) = links(li_na.text, "/application/[0-9a-f-]+/consent")
    li_na.get(link)
    assert "A contract rests on these answers now" in words(li_na.text)
    li_na.post({})
    assert (li_na.at, li_na.status) == ("/account/data", 200)
    assert "A person decides about it and answers you." in words(li_na.text)
    assert "withdrawn on" in words(li_na.text)
    assert "Withdraw a consent" in words(li_na.text)
    assert links(li_na.text, "/application/[0-9a-f-]+/consent") == []
    assert count(shop, "privacy_erasure") == 0
    assert count(shop, "application_application", "state = 'contracted' AND answers IS NOT NULL") == 1
    officer = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    (path,) = links(officer.get("/admin/privacy"), "/admin/privacy/requests/[0-9a-f-]+")
    assert "withdrawal of consent" in words(officer.text)
    officer.get(path)
    assert "I withdraw my consent" in words(officer.text)


def test_it_is_withdrawn_once(shop: Flask, work: Work, code_for: CodeFor) -> None:
    li_na = buy(shop, work, code_for)
    li_na.get("/account/data")
    (link,) = links(li_na.text, "/application/[0-9a-f-]+/consent")
    form = hidden_fields(li_na.get(link))
    assert li_na.client.post(link, data=form).status_code == 303
    again = li_na.client.post(link, data=form)
    assert again.status_code == 409
    assert "There is no consent here that could be withdrawn." in words(again.text)
    assert count(shop, "privacy_request") == 1
    assert given(shop, "health_withdrawn") == 1


def test_the_desk_sees_that_it_was_given(shop: Flask, work: Work, code_for: CodeFor) -> None:
    buy(shop, work, code_for)
    clerk = at_the_desk(shop, Role.ADMIN_SALES)
    (sale,) = links(clerk.get("/admin"), "/admin/sales/[0-9a-f-]+")
    page = words(clerk.get(sale))
    assert "Consented to the use of answers about health" in page
    assert "Use of the answers about health" in page
    assert wording(shop, "en") in page


def test_the_notice_says_how_it_is_withdrawn(shop: Flask, visitor: Visitor) -> None:
    for locale, said in (("en", "You may withdraw your consent"), ("zh_Hans_CN", "撤回对使用健康回答的同意")):
        visitor.locale = locale
        assert said in words(visitor.get("/privacy"))
