"""Questions asked in an application: of its owner alone, and kept in the evidence of its contract."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Role
from marketplace.application import queries as applications
from marketplace.consultation import queries
from marketplace.consultation import services as consultation
from marketplace.consultation.values import Asker, NewQuestion
from marketplace.infra import business_clock
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.privacy import services as privacy
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import an_insurer
from tests.factories.consultation import NINETY, WAITING
from tests.factories.evidence import File, faults
from tests.factories.evidence import asked as evidence_of
from tests.web.asking import ELSEWHERE, OF_APPLICATION, OUTSIDE, OUTSIDE_TOLD, CodeFor, IntoTheLog, Work, answers, asks
from tests.web.conftest import ANSWERS, the_sale
from tests.web.desk_visits import ILL, LI_NA, Clerk, apply, at_the_desk, links


@pytest.mark.requirement("T26-29")
@pytest.mark.requirement("T26-43")
def test_two_messages_of_an_application_are_in_its_contracts_evidence(
    *, shop: Flask, desk: Visitor, work: Work, code_for: CodeFor, into_the_log: IntoTheLog, no_browser: None,
    compliance: Account,
) -> None:  # fmt: skip
    """With staff number and time, word by word, and the file of the sale shows them to both desks."""
    customer, led_to = apply(shop, code_for)
    assert led_to == "pay"
    (there,) = links(customer.text, OF_APPLICATION)
    customer.get(there)
    customer.post({"words": WAITING})
    answers(desk)
    customer.get(there)
    assert NINETY in words(customer.text)
    customer.get(there.replace("/ask", ""))
    assert customer.pay()
    work()
    sale = the_sale(shop)
    assert sale.application_id is not None
    with shop.app_context():
        into_the_log()
        entries = [each for each in trail.journey_entries(sale.journey_id) if each.type.startswith("consultation:")]
        file = File.of(evidence_of(sale.application_id, compliance), compliance)
        assert faults(file.data) == set()
    assert [each.type for each in entries] == [EntryType.CONSULTATION_ASKED, EntryType.CONSULTATION_ANSWERED]
    question, answer = entries
    assert question.application_id == answer.application_id == sale.application_id
    assert question.page_version_id is not None, "asked on a sales page, of which the version is known"
    assert answer.body["certificate_no"] == "SPECIMEN-4711"
    assert answer.body["sha256"] == sha256_hex(NINETY.encode())
    assert list(file.exhibits("message").values()) == [WAITING.encode(), NINETY.encode()]
    shown = [page for name, page in file.files.items() if name.startswith("core/pages/")]
    assert any(NINETY.encode() in page for page in shown), "that the customer read it is kept too"
    admin = at_the_desk(shop, Role.ADMIN_SALES)
    admin.get(f"/admin/sales/{sale.id}")
    assert NINETY in words(admin.text)
    assert "by the holder of certificate SPECIMEN-4711" in words(admin.text)


def test_a_conversation_is_restricted_as_the_file_of_its_sale_is(
    shop: Flask, desk: Visitor, work: Work, code_for: CodeFor
) -> None:
    """Whoever leaves is left alone once cover is over; until then the insurer of the contract reads it."""
    customer, _led_to = apply(shop, code_for)
    back = customer.at
    customer.get(links(customer.text, OF_APPLICATION)[0])
    customer.post({"words": WAITING})
    question = answers(desk)
    customer.get(back)
    assert customer.pay()
    work()
    with shop.app_context():
        (found,) = queries.threads(1).threads
        assert found.account_id is not None
        privacy.close_account(found.account_id)
        db.session.commit()
    assert WAITING in words(desk.get(question))
    with shop.app_context():
        business_clock.move_to_offset(timedelta(days=365 * 21))
        db.session.commit()
    for path in (question, f"{question}/public"):
        desk.get(path)
        assert desk.status == 403
        assert WAITING not in words(desk.text)


@pytest.mark.requirement("T26-43")
@pytest.mark.parametrize("inside", [(), (WAITING, NINETY)])
def test_what_was_asked_outside_the_application_hinders_no_evidence(
    *, shop: Flask, visitor: Visitor, desk: Visitor, work: Work, code_for: CodeFor, into_the_log: IntoTheLog,
    no_browser: None, compliance: Account, inside: tuple[str, ...],
) -> None:  # fmt: skip
    """At the product's page before the purchase, and of another insurer: no message is taken for another's of the same
    number, and no word of it is in the contract's file.
    """
    asks(visitor, code_for, OUTSIDE)
    with shop.app_context():
        (mine,) = queries.threads(1).threads
        assert mine.account_id is not None
        by, others = Asker(mine.journey_id, mine.account_id), an_insurer("farshore")
        new = NewQuestion(others.id, mine.product_version_id, ELSEWHERE, "en")
        consultation.ask_question(by, new, accounts.account(mine.account_id))
        db.session.commit()
    answers(desk, OUTSIDE_TOLD)
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    if inside:
        visitor.get(links(visitor.text, OF_APPLICATION)[0])
        there = visitor.at
        visitor.post({"words": WAITING})
        answers(desk)
        visitor.get(there.replace("/ask", ""))
    visitor.give_address(LI_NA.email)
    visitor.give_people(LI_NA)
    visitor.answer(LI_NA)
    assert visitor.submit() == "pay"
    assert visitor.pay()
    work()
    sale = the_sale(shop)
    assert sale.application_id is not None
    with shop.app_context():
        into_the_log()
        file = File.of(evidence_of(sale.application_id, compliance), compliance)
        assert faults(file.data) == set()
        asked = [each for each in trail.journey_entries(sale.journey_id) if each.type.startswith("consultation:")]
    assert len(asked) == 3 + len(inside), "what was asked in the visit is proven to have been asked"
    assert [each.decode() for each in file.exhibits("message").values()] == list(inside)
    said = b"".join(data for name, data in file.files.items() if not name.startswith("core/pages/"))
    for words_ in (OUTSIDE, OUTSIDE_TOLD, ELSEWHERE):
        assert words_.encode() not in said


def test_every_page_of_an_application_leads_to_the_insurers_staff(at_step: Callable[..., Visitor]) -> None:
    for step in ("email", "code", "people", "questions", "documents", "exclusions", "review", "pay"):
        page = at_step(step)
        assert len(links(page.text, OF_APPLICATION)) == 1, step


def test_one_asks_in_an_application_before_the_address_is_proven(
    visitor: Visitor, desk: Visitor, code_for: CodeFor, shop: Flask
) -> None:
    visitor.get("/")
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    (there,) = links(visitor.text, OF_APPLICATION)
    visitor.get(there)
    visitor.post({"words": WAITING, "email": LI_NA.email})
    visitor.expect("/ask/code$")
    visitor.post({"code": code_for(LI_NA.email)})
    visitor.expect("/ask$")
    answers(desk)
    with shop.app_context():
        (found,) = queries.threads(1).threads
        assert str(found.application_id) in there
    visitor.get(there.replace("/ask", ""))
    visitor.expect("/needs$")  # the application is of the address that was proven
    assert NINETY in words(visitor.get(there))


def test_what_another_began_to_ask_reaches_nobody_and_is_in_nobodys_way(
    visitor: Visitor, desk: Visitor, code_for: CodeFor, shop: Flask
) -> None:
    """Two people at one computer: what the one wrote is neither read by the other nor in the other's way."""
    visitor.get("/")
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    (there,) = links(visitor.text, OF_APPLICATION)
    visitor.get(there)
    visitor.post({"words": OUTSIDE, "email": ILL.email})
    visitor.expect("/ask/code$")
    visitor.get(there.replace("/ask", ""))
    visitor.give_address(LI_NA.email)
    visitor.give_code(code_for(LI_NA.email))
    visitor.get("/ask/code")
    assert "A code works in the browser that asked for it." in words(visitor.text), "signing in ended what was begun"
    desk.get("/insurer/questions")
    assert "No question waits" in words(desk.text)
    assert OUTSIDE not in words(visitor.get(there))
    visitor.post({"words": WAITING})
    visitor.expect("/ask$")
    assert "waits for an answer" in words(visitor.text)
    visitor.get(there.replace("/ask", "/email"))
    visitor.expect("/people$")
    with shop.app_context():
        (found,) = queries.threads(1).threads
        assert found.account_id == applications.application(UUID(there.split("/")[2])).account_id


def test_one_thread_for_each_application_goes_on(at_step: Callable[..., Visitor], shop: Flask) -> None:
    visitor = at_step("people")
    (there,) = links(visitor.text, OF_APPLICATION)
    for said in (WAITING, "And for an accident?"):
        visitor.get(there)
        visitor.post({"words": said})
    page = words(visitor.get(there))
    assert WAITING in page
    assert "And for an accident?" in page
    with shop.app_context():
        (found,) = queries.threads(1).threads
    visitor.get(f"/account/questions/{found.id}")
    assert visitor.at == there, "while the application is under way it is read where it is recorded"


def test_an_admin_reads_what_was_asked_in_an_application_for_a_reason_only(
    at_step: Callable[..., Visitor], shop: Flask
) -> None:
    visitor = at_step("people")
    visitor.get(links(visitor.text, OF_APPLICATION)[0])
    visitor.post({"words": WAITING})
    admin = at_the_desk(shop, Role.ADMIN_SALES)
    (question,) = links(admin.get("/admin/questions"), "/admin/questions/[0-9a-f-]{36}")
    Clerk.knock(admin, question)  # type: ignore[arg-type]  # it is one
    assert WAITING not in words(admin.text)
    assert 'list="reasons"' in admin.text
