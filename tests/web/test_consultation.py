"""Questions to insurers at a browser: asked, answered, mailed, kept in the contract's evidence, shown to everybody."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Insurer, Role
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, words
from tests.everything import every_row
from tests.factories.accounts import a_member_of_staff
from tests.factories.consultation import NINETY, WAITING, registered
from tests.factories.evidence import File, faults
from tests.factories.evidence import asked as evidence_of
from tests.web.conftest import ANSWERS, the_sale
from tests.web.desk_visits import LI_NA, apply, at_the_desk, links, sign_in

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]
IntoTheLog = Callable[[], int]
ASK = "/offers/[0-9a-f-]+/ask"
OF_APPLICATION = "/application/[0-9a-f-]+/ask"
SCRIPT = "<script>alert(1)</script> http://evil.example\u202e\x00 [x](http://evil.example)"


@pytest.fixture
def insurer(shop: Flask) -> Insurer:
    with shop.app_context():
        return accounts.insurer_by_code("harbour")


@pytest.fixture
def practitioner(shop: Flask, insurer: Insurer) -> Account:
    """Zhao Lei of Harbour Life, with certificate SPECIMEN-4711."""
    with shop.app_context():
        staff = a_member_of_staff(Role.INSURER_CLAIMS, insurer, name="Zhao Lei")
        registered(staff, insurer, ("term_life",), certificate_no="SPECIMEN-4711")
        db.session.commit()
    return staff


@pytest.fixture
def desk(shop: Flask, practitioner: Account) -> Visitor:
    return sign_in(shop, Visitor(shop.test_client()), practitioner)


def at_product(visitor: Visitor) -> Visitor:
    visitor.get(visitor.compare("term_life", ANSWERS)[0])
    return visitor


def asks(visitor: Visitor, code_for: CodeFor, said: str = WAITING, email: str = LI_NA.email) -> Visitor:
    """A visitor asks at the page of a product, and proves the address."""
    (there,) = links(at_product(visitor).text, ASK)
    visitor.get(there)
    visitor.post({"words": said, "email": email})
    assert visitor.at == "/ask/code", words(visitor.text)
    visitor.post({"code": code_for(email)})
    visitor.expect("/account/questions/")
    return visitor


def answers(desk: Visitor, said: str = NINETY) -> str:
    """The staff answers what waits first; its path at the desk."""
    desk.get("/insurer/questions")
    first = links(desk.text, "/insurer/questions/[0-9a-f-]{36}")[0]
    desk.get(first)
    desk.post({"words": said})
    assert desk.status == 200, words(desk.text)
    return first


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
