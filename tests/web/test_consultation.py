"""Questions to insurers at a browser: asked at a product, answered, mailed, shown to everybody."""

import re
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts.values import Insurer, Role
from marketplace.catalog import queries as catalog
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.infra.letterhead import letterhead
from marketplace.quoting import queries as quoting
from marketplace.web.storefront import consultation as storefront
from sandbox.demo.visitor import Visitor, words
from tests.everything import every_row
from tests.factories.consultation import NINETY, PUBLIC, WAITING, a_public_answer
from tests.factories.quoting import a_need
from tests.web.asking import (
    ASK,
    SCRIPT,
    CodeFor,
    Work,
    answers,
    asks,
    at_product,
    token,
)
from tests.web.conftest import ANSWERS
from tests.web.desk_visits import LI_NA, at_the_desk, links


@pytest.mark.requirement("O13-21")
def test_a_visitor_asks_from_a_product_and_reads_the_answer(
    visitor: Visitor, desk: Visitor, work: Work, code_for: CodeFor, shop: Flask
) -> None:
    asks(visitor, code_for)
    assert "waits for an answer" in words(visitor.text)
    answers(desk)
    work()
    with shop.app_context():
        mail = next(
            each for each in correspondence.inbox(recipient=LI_NA.email) if each.kind == "consultation_answered"
        )
        text = correspondence.message_parts(mail.id).text
    assert NINETY not in text
    visitor.get(re.search(r"/account/questions/[0-9a-f-]+", text)[0])  # type: ignore[index]  # it is there
    page = words(visitor.text)
    assert NINETY in page
    assert "Zhao Lei, Harbour Life Insurance Co., practising certificate SPECIMEN-4711" in page
    visitor.post({"words": "And for an accident?"})
    desk.get("/insurer/questions")
    assert "No question waits" not in words(desk.text)


def test_nobody_reads_a_question_before_the_address_is_proven(
    visitor: Visitor, stranger: Visitor, desk: Visitor, code_for: CodeFor
) -> None:
    (there,) = links(at_product(visitor).text, ASK)
    visitor.get(there)
    visitor.post({"words": WAITING, "email": LI_NA.email})
    code = code_for(LI_NA.email)
    desk.get("/insurer/questions")
    assert "No question waits" in words(desk.text)
    stranger.get("/ask/code")
    assert stranger.at == "/", "another browser has nothing to confirm"
    visitor.post({"code": "000000" if code != "000000" else "111111"})
    assert visitor.status == 422
    desk.get("/insurer/questions")
    assert "No question waits" in words(desk.text)
    visitor.get("/ask/code")
    visitor.post({"code": code})
    visitor.expect("/account/questions/")
    desk.get("/insurer/questions")
    assert "No question waits" not in words(desk.text)


def test_what_is_typed_stays_when_something_is_wrong(visitor: Visitor, shop: Flask) -> None:
    (there,) = links(at_product(visitor).text, ASK)
    visitor.get(there)
    visitor.post({"words": "a question", "email": "no address"})
    assert visitor.status == 422
    assert "a question</textarea>" in visitor.text
    assert 'value="no address"' in visitor.text
    visitor.post({"words": "x" * 2001, "email": LI_NA.email})
    assert visitor.status == 422
    assert "Please use at most 2000 characters." in words(visitor.text)
    with shop.app_context(), every_row() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM consultation_thread").scalar() == 0


def test_what_is_written_is_shown_as_text_and_nothing_in_it_is_live(
    visitor: Visitor, desk: Visitor, code_for: CodeFor
) -> None:
    asks(visitor, code_for, SCRIPT)
    (first,) = links(desk.get("/insurer/questions"), "/insurer/questions/[0-9a-f-]{36}")
    for page in (visitor.text, desk.get(first)):
        main = page.split("<main", 1)[1].split("</main>")[0]
        assert "&lt;script&gt;alert(1)&lt;/script&gt; http://evil.example" in main
        assert 'href="http' not in main
        assert "\x00" not in main
        assert re.search(r'<p class="said" dir="auto">[^<]*evil', main), "a change of direction ends with its paragraph"


def test_the_insurer_sees_neither_name_nor_address_of_who_asks(
    visitor: Visitor, desk: Visitor, code_for: CodeFor
) -> None:
    asks(visitor, code_for)
    pages = desk.get("/insurer/questions") + desk.get(links(desk.text, "/insurer/questions/[0-9a-f-]{36}")[0])
    assert LI_NA.email not in pages
    assert LI_NA.email.partition("@")[0] not in pages


def test_an_answer_for_everybody_is_found_inside_a_sentence_and_goes_with_the_consent(
    shop: Flask, visitor: Visitor, desk: Visitor, code_for: CodeFor
) -> None:
    """Consent, a second person, the page of the product, the search in both languages, and back."""
    asks(visitor, code_for)
    thread, question = visitor.at, answers(desk)
    visitor.get(thread)
    assert " checked" not in visitor.text.split('id="public"')[1], "nothing is ticked beforehand"
    visitor.post({}, f"{thread}/public")
    assert visitor.status == 422
    visitor.post({"consent": "yes", "sha256": _value(visitor, "sha256")}, f"{thread}/public")
    visitor.expect(thread)
    desk.get(f"{question}/public")
    said = {
        f"{name}_{locale}": getattr(each, name) for locale, each in PUBLIC.items() for name in ("question", "answer")
    }
    desk.post(said)
    product, reader = visitor.compare("term_life", ANSWERS)[0], Visitor(shop.test_client())
    assert "No answer about this product is public yet." in words(reader.get(product))
    admin = at_the_desk(shop, Role.ADMIN_SALES)
    answer = links(admin.get("/admin/questions"), "/admin/questions/public/[0-9a-f-]{36}")[0]
    admin.get(answer)
    admin.post({}, f"{answer}/publish")
    assert PUBLIC["en"].answer in words(reader.get(product))
    assert "Zhao Lei, Harbour Life Insurance Co., practising certificate SPECIMEN-4711" in words(reader.text)
    reader.locale = "zh_Hans_CN"
    assert PUBLIC["zh_Hans_CN"].question in words(reader.get("/questions?text=等待期"))
    assert PUBLIC["zh_Hans_CN"].question not in words(reader.get("/questions?text=期待"))
    reader.locale = "en"
    assert PUBLIC["en"].question in words(reader.get("/questions?text=waiting"))
    visitor.get(thread)
    visitor.post({"csrf_token": token(visitor)}, f"{thread}/public/withdraw")
    assert PUBLIC["en"].answer not in words(reader.get(product)), "also where the page was kept in memory"
    assert PUBLIC["en"].question not in words(reader.get("/questions?text=waiting"))


def _value(visitor: Visitor, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', visitor.text)
    assert found
    return found[1]


def test_an_answer_for_a_former_version_says_so(shop: Flask, visitor: Visitor, insurer: Insurer) -> None:
    with shop.app_context():
        (version,) = catalog.products_of_insurer(insurer.id)
        a_public_answer(quoting.offers_for(a_need(line=version.line).id)[0])
        db.session.commit()
    product = visitor.compare("term_life", ANSWERS)[0]
    assert "answered for version" not in words(visitor.get(product))
    with shop.app_context():
        db.session.execute(text("UPDATE consultation_public_answer SET version_number = 0"))
        db.session.commit()
    assert "answered for version 0" in words(visitor.get(product))


@pytest.mark.requirement("EU-23")
def test_a_person_can_be_reached_from_every_page_and_it_says_how_fast(
    visitor: Visitor, desk: Visitor, code_for: CodeFor
) -> None:
    for path in ("/", "/compare/term_life", "/sign-in", "/verify", "/insurers/harbour"):
        assert 'href="/talk"' in visitor.get(path), path
    asks(visitor, code_for)
    page = words(visitor.get("/talk"))
    assert "400-000-0001" in page
    assert "Half of the answers came within not known yet" in page
    answers(desk)
    visitor.get("/talk?anew=1")
    assert "Half of the answers came within 1 minute" in words(visitor.text)
    assert "100.0% of 1" in words(visitor.text)
    visitor.get("/insurers/harbour?anew=1")
    assert "Half of the answers came within 1 minute" in words(visitor.text)


def test_a_telephone_that_we_have_not_is_not_shown(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the setting says; of an insurer it is a gap that a reader should see."""
    known = letterhead()
    for phone, shown in (("", False), ("400-000-0000", True)):
        monkeypatch.setattr(storefront, "letterhead", lambda: replace(known, support_phone=phone))  # noqa: B023
        ours = visitor.get(f"/talk?phone={phone}").split('id="us"')[1].split("</section>")[0]
        assert ("Telephone" in ours, "400-000-0000" in ours) == (shown, shown)
        assert "not known" not in words(ours)


def test_what_waits_at_a_desk_is_no_waiting_period(desk: Visitor) -> None:
    desk.locale = "zh_Hans_CN"
    page = words(desk.get("/insurer/questions"))
    assert "待答复" in page
    assert "等待期" not in page


def test_no_address_stands_in_the_cookie_of_a_browser_that_asks(visitor: Visitor, code_for: CodeFor) -> None:
    """It is signed and not sealed: whoever reads the browser's files reads it."""
    (there,) = links(at_product(visitor).text, ASK)
    visitor.get(there)
    visitor.post({"words": WAITING, "email": LI_NA.email})
    visitor.expect("/ask/code$")
    assert LI_NA.email in visitor.text
    with visitor.client.session_transaction() as kept:
        assert LI_NA.email not in repr(dict(kept))
        assert "question" in kept


def test_what_was_not_sent_is_in_no_record(visitor: Visitor, shop: Flask) -> None:
    """The page that shows it again is not kept: question and address would be in the file of a contract."""
    (there,) = links(at_product(visitor).text, ASK)
    visitor.get(there)
    with shop.app_context(), every_row() as reader:
        views = "SELECT count(*) FROM traceability_evidence_intake WHERE page_sha256 IS NOT NULL"
        before = reader.exec_driver_sql(views).scalar_one()
    visitor.post({"words": "unmistakable-words", "email": "no address"})
    assert visitor.status == 422
    assert "unmistakable-words</textarea>" in visitor.text
    with shop.app_context(), every_row() as reader:
        assert reader.exec_driver_sql(views).scalar_one() == before
    assert "is kept with your comparison" not in words(visitor.text)
    visitor.post({"words": WAITING, "email": LI_NA.email})
    visitor.expect("/ask/code$")
