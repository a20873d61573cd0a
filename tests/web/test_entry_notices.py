"""The two notices of the entry page: read unfolded, each confirmed by itself, nothing ticked in advance."""

import re
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.application import services
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra.db import db
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, hidden_fields, ticked, words
from tests.web.conftest import ANSWERS, NothingWritten, count

NOTICES = {
    "client_notice": ("client_sha256", WordingKey.CLIENT_NOTICE, EntryType.CLIENT_NOTICE_ACKNOWLEDGED),
    "privacy_notice": ("privacy_sha256", WordingKey.PRIVACY_NOTICE, EntryType.PRIVACY_NOTICE_ACKNOWLEDGED),
}


@pytest.fixture
def entering(visitor: Visitor) -> Visitor:
    """In front of the entry page."""
    visitor.get(visitor.compare("term_life", ANSWERS)[0].replace("/offers/", "/apply/"))
    return visitor


def notices(shop: Flask, locale: str) -> dict[str, str]:
    """The hash that each notice has, by the hidden field that names it."""
    with shop.app_context():
        return {name: disclosure.wording(key, locale).sha256 for name, key, _type in NOTICES.values()}


@pytest.mark.requirement("O13-47", "T26-30", "T26-24")
@pytest.mark.parametrize("locale", ["en", "zh_Hans_CN"])
def test_both_are_read_in_full_each_with_a_box_of_its_own(shop: Flask, entering: Visitor, locale: str) -> None:
    entering.locale = locale
    page = entering.get(entering.at)
    assert "<details" not in page.split("<main")[1].split("</main>")[0]
    with shop.app_context():
        for _name, key, _type in NOTICES.values():
            last = disclosure.wording(key, locale).text.splitlines()[-1]
            assert last in words(page)
    for name in NOTICES:
        (box,) = re.findall(rf'<input type="checkbox" name="{name}"[^>]*>', page)
        assert "checked" not in box
    assert notices(shop, locale).items() <= hidden_fields(page).items()


@pytest.mark.requirement("O13-47", "T26-30")
@pytest.mark.parametrize("missing", [*NOTICES, "both"])
def test_without_either_nothing_begins(
    shop: Flask, entering: Visitor, nothing_written: NothingWritten, missing: str
) -> None:
    boxes = {name: "yes" for name in NOTICES if missing not in {name, "both"}}
    with nothing_written():
        entering.post(boxes)
    assert (entering.status, entering.text.count(" checked")) == (422, 0)
    assert "Please tick this box to go on." in words(entering.text)
    assert count(shop, "application_application") == 0
    entering.post(ticked(entering.text))
    assert entering.at.endswith("/email")


@pytest.mark.parametrize("name", NOTICES)
def test_another_text_than_the_one_shown_is_not_confirmed(
    shop: Flask, entering: Visitor, nothing_written: NothingWritten, name: str
) -> None:
    with nothing_written():
        entering.post(ticked(entering.text) | {NOTICES[name][0]: "0" * 64})
    assert entering.status == 409
    assert count(shop, "application_application") == 0


@pytest.mark.requirement("O13-47", "T26-23", "T26-30")
def test_each_leaves_an_entry_of_its_own_with_the_hash_of_its_text(shop: Flask, entering: Visitor) -> None:
    shown = notices(shop, "en")
    entering.post(ticked(entering.text))
    with shop.app_context():
        entries = trail.entries_of_application(UUID(entering.at.split("/")[2]))
    confirmed = [each for each in entries if each.type.endswith(":acknowledged")]
    assert [each.type for each in confirmed] == [
        EntryType.ENTRY_ACKNOWLEDGED,
        EntryType.PRIVACY_NOTICE_ACKNOWLEDGED,
        EntryType.CLIENT_NOTICE_ACKNOWLEDGED,
    ]
    said = {each.type: each.body["subject_sha256"] for each in confirmed}
    assert {field: said[type_] for field, _key, type_ in NOTICES.values()} == shown
    assert len({each.page_version_id for each in confirmed}) == 1


def test_an_application_without_a_notice_is_led_back_to_the_entry(
    shop: Flask, entering: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was begun before the notices were confirmed by themselves."""
    entrance = entering.at
    with monkeypatch.context() as before:
        before.setattr(services, "acknowledge_client_notice", lambda *_told: None)
        entering.post(ticked(entering.text))
    assert entering.at == entrance
    with shop.app_context():
        (application_id,) = db.session.execute(text("SELECT id FROM application_application")).scalars()
    here = f"/application/{application_id}"
    for path in (here, f"{here}/email", f"{here}/people"):
        entering.get(path)
        assert entering.at == entrance
    entering.post(ticked(entering.text))
    assert entering.at == f"{here}/email"
    assert count(shop, "application_application") == 1
