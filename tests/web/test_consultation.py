"""Questions to insurers at a browser: asked, answered, mailed, kept in the contract's evidence, shown to everybody."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts import services as account_services
from marketplace.accounts.values import Account, Insurer, NewPractitioner, Role, Standing
from marketplace.application import queries as applications
from marketplace.catalog import queries as catalog
from marketplace.consultation import queries
from marketplace.consultation import services as consultation
from marketplace.consultation.values import Asker, NewQuestion
from marketplace.correspondence import queries as correspondence
from marketplace.infra import business_clock
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.privacy import services as privacy
from marketplace.quoting import queries as quoting
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from marketplace.web.storefront import consultation as storefront
from sandbox.demo.visitor import Visitor, words
from tests.everything import every_row
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.consultation import NINETY, PUBLIC, WAITING, a_public_answer, registered
from tests.factories.evidence import File, faults
from tests.factories.evidence import asked as evidence_of
from tests.factories.quoting import a_need
from tests.web.conftest import ANSWERS, the_sale
from tests.web.desk_visits import ILL, LI_NA, Clerk, apply, at_the_desk, links, sign_in

Work = Callable[[], list[str]]
CodeFor = Callable[[str], str]
IntoTheLog = Callable[[], int]
ASK = "/offers/[0-9a-f-]+/ask"
OF_APPLICATION = "/application/[0-9a-f-]+/ask"
OUTSIDE, OUTSIDE_TOLD = "Does it cover diving at all?", "It covers diving down to forty metres."
ELSEWHERE = "Do you cover gliding?"
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


@pytest.mark.requirement("N108-02")
def test_without_a_certificate_a_member_of_staff_cannot_answer(
    shop: Flask, visitor: Visitor, desk: Visitor, insurer: Insurer, code_for: CodeFor
) -> None:
    """And with one, the answer names institution and number; nobody is written to who did not ask."""
    asks(visitor, code_for)
    colleague = at_the_desk(shop, Role.INSURER_ADMIN, insurer)
    question = links(colleague.get("/insurer/questions"), "/insurer/questions/[0-9a-f-]{36}")[0]
    colleague.get(question)
    assert "<textarea" not in colleague.text
    assert "You have no valid practising certificate" in words(colleague.text)
    colleague.post({"words": NINETY, "csrf_token": _token(colleague)}, question)
    assert colleague.status == 403
    assert "Only staff with a valid practising certificate" in words(colleague.text)
    with shop.app_context(), every_row() as reader:
        assert reader.exec_driver_sql("SELECT count(*) FROM consultation_message").scalar() == 1
        answered = "SELECT count(*) FROM traceability_evidence_intake WHERE type = 'consultation:answered'"
        assert reader.exec_driver_sql(answered).scalar() == 0
    answers(desk)
    assert "practising certificate SPECIMEN-4711" in words(visitor.get(visitor.at))
    assert "<textarea" not in desk.text, "no question waits, so there is nothing to write in"
    desk.post({"words": "Buy more!", "csrf_token": _token(desk)}, question)
    assert desk.status == 409
    assert "Buy more!" not in words(visitor.get(visitor.at))


def _token(visitor: Visitor) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.text)
    assert found
    return found[1]


def test_staff_of_another_insurer_find_no_question(
    shop: Flask, visitor: Visitor, desk: Visitor, code_for: CodeFor
) -> None:
    asks(visitor, code_for)
    question = links(desk.get("/insurer/questions"), "/insurer/questions/[0-9a-f-]{36}")[0]
    with shop.app_context():
        others = an_insurer("farshore")
        db.session.commit()
    stranger = at_the_desk(shop, Role.INSURER_ADMIN, others)
    assert "Nobody has asked yet." in words(stranger.get("/insurer/questions"))
    for path in (question, f"{question}/public"):
        stranger.get(path)
        assert stranger.status == 404
    assert visitor.client.get(question).status_code == 403


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
    visitor.post({"csrf_token": _token(visitor)}, f"{thread}/public/withdraw")
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


@pytest.mark.requirement("O13-39")
def test_everybody_can_check_who_advises(shop: Flask, visitor: Visitor, insurer: Insurer) -> None:
    """A known number gives name, institution, scope and state; an unknown one, or one not checked yet, is not found."""
    with shop.app_context():
        staff = a_member_of_staff(Role.INSURER_CLAIMS, insurer, name="Zhao Lei")
        entry = registered(staff, insurer, ("term_life", "travel"), certificate_no="SPECIMEN-4711")
        owner = a_member_of_staff(Role.INSURER_ADMIN, insurer)
        today = clock.today(ZONE)
        new = NewPractitioner(owner.id, "SPECIMEN-4712", ("travel",), today, today)
        account_services.propose_practitioner(new, owner)
        db.session.commit()
    page = words(visitor.get("/practitioners?number=specimen-+4711"))
    assert visitor.status == 200
    for said in ("Zhao Lei", "Harbour Life Insurance Co.", "SPECIMEN-4711", "Term life, Travel", "State valid"):
        assert said in page, said
    for number in ("SPECIMEN-4712", "SPECIMEN-9999"):
        assert "This number is not in our register." in words(visitor.get(f"/practitioners?number={number}"))
        assert visitor.status == 404
        assert "Zhao Lei" not in visitor.text
    with shop.app_context():
        account_services.end_practitioner(entry.id, owner)
        db.session.commit()
    assert "State ended" in words(visitor.get("/practitioners?number=SPECIMEN-4711"))


def test_a_number_is_looked_up_so_often_and_no_more(visitor: Visitor) -> None:
    answered = [visitor.client.get(f"/practitioners?number=SPECIMEN-{number}").status_code for number in range(31)]
    assert answered == [404] * 30 + [429]


def test_who_leaves_answers_no_more(shop: Flask, insurer: Insurer) -> None:
    with shop.app_context():
        staff = a_member_of_staff(Role.INSURER_CLAIMS, insurer)
        registered(staff, insurer, ("term_life",))
        account_services.end_access(staff.id, a_member_of_staff(Role.INSURER_ADMIN, insurer))
        (entry,) = accounts.practitioners_of(insurer.id)
    assert entry.standing is Standing.ENDED


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
    visitor.expect("/people$")  # the application is of the address that was proven
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


def test_an_owner_enters_a_certificate_and_another_institutions_person_checks_it(
    shop: Flask, insurer: Insurer, visitor: Visitor
) -> None:
    """Until it is checked nobody finds it, and nothing typed is lost on the way."""
    with shop.app_context():
        colleague = a_member_of_staff(Role.INSURER_CLAIMS, insurer, name="Zhao Lei")
        db.session.commit()
    owner, admin = at_the_desk(shop, Role.INSURER_ADMIN, insurer), at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    assert " checked" not in owner.get("/insurer/practitioners"), "nothing is ticked beforehand"
    days = {"valid_from": "2026-01-01", "valid_to": "2030-12-31"}
    entry = {"colleague": str(colleague.id), "certificate_no": "specimen-4711", **days}
    owner.post(entry, "/insurer/practitioners/enter")
    assert owner.status == 422
    assert "Please tick what the certificate covers." in words(owner.text)
    assert 'value="specimen-4711"' in owner.text
    owner.post(entry | {"lines-term_life": "yes"}, "/insurer/practitioners/enter")
    assert "to be checked by the marketplace" in words(owner.text)
    owner.post(entry | {"lines-term_life": "yes"}, "/insurer/practitioners/enter")
    assert "There is an entry with this number in the register already." in words(owner.text)
    visitor.get("/practitioners?number=SPECIMEN-4711")
    assert visitor.status == 404
    accept = re.findall(r'action="(/admin/practitioners/[0-9a-f-]+/accept)"', admin.get("/admin/practitioners"))
    assert len(accept) == 1
    admin.post({}, accept[0])
    assert "Zhao Lei" in words(visitor.get("/practitioners?number=SPECIMEN-4711"))
