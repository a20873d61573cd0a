"""Register, confirm, sign in, reset, and find a purchase: the pages, and what they keep to themselves."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import event

from marketplace.accounts import services
from marketplace.accounts.services import hashes
from marketplace.accounts.values import CodePurpose
from marketplace.correspondence import queries as correspondence
from marketplace.infra import present
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import PASSWORD, a_customer, a_guest, a_member_of_staff
from tests.web.conftest import ANSWERS, LI_NA, NothingWritten, count

AtStep = Callable[..., Visitor]
LinkFor = Callable[[str, str], str]
CodeFor = Callable[[str], str]
OTHER_PASSWORD = "four quiet otters swim"
KNOWN, UNKNOWN = "known@example.com", "never@example.com"


@pytest.fixture
def registered(shop: Flask) -> str:
    """The address of a registered customer whose password is PASSWORD."""
    with shop.app_context():
        a_customer(KNOWN)
        db.session.commit()
    return KNOWN


def register(visitor: Visitor, email: str, password: str = PASSWORD) -> None:
    visitor.get("/register")
    visitor.post({"name": "Li Na", "email": email, "password": password})


def sign_in(visitor: Visitor, email: str, password: str = PASSWORD) -> None:
    visitor.get("/sign-in")
    visitor.post({"email": email, "password": password})


def session_of(visitor: Visitor) -> str:
    cookie = visitor.client.get_cookie("evenfold")
    assert cookie
    return cookie.value


def test_register_confirm_and_sign_in(shop: Flask, visitor: Visitor, link_for: LinkFor) -> None:
    register(visitor, UNKNOWN)
    assert "We have sent you a mail" in words(visitor.text)
    assert count(shop, "accounts_account") == 0, "nothing before the address is confirmed"
    link = link_for(UNKNOWN, "confirm_address")
    visitor.get(link)
    visitor.post({"password": OTHER_PASSWORD})
    assert visitor.status == 422
    assert count(shop, "accounts_account") == 0, "the link alone opens nothing"
    visitor.post({"password": PASSWORD})
    assert visitor.at == "/account"
    again = Visitor(shop.test_client())
    again.get(link)
    again.post({"password": PASSWORD})
    assert again.status == 422
    assert "This link was used already" in words(again.text)
    sign_in(again, UNKNOWN)
    assert again.at == "/account"


@pytest.mark.asvs("6.3.8")
def test_a_wrong_password_says_nothing_about_the_address(visitor: Visitor, registered: str) -> None:
    answers = []
    for email in (registered, UNKNOWN):
        sign_in(visitor, email, "wrong wrong wrong")
        answers.append((visitor.status, comparable(visitor.text, email)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422
    visitor.get("/account")
    assert visitor.at.startswith("/sign-in?next=")


@pytest.fixture
def everybody(shop: Flask, registered: str) -> tuple[str, ...]:
    """One address of each kind: a customer's, a guest's, one of staff, nobody's."""
    with shop.app_context():
        guest, staff = a_guest("guest@example.com"), a_member_of_staff()
        db.session.commit()
    return registered, guest.email, staff.email, UNKNOWN


@pytest.mark.asvs("6.3.8")
@pytest.mark.parametrize("path", ["/register", "/reset", "/find", "/sign-in"])
def test_every_kind_of_address_gets_the_same_answer_after_the_same_work(
    visitor: Visitor, everybody: tuple[str, ...], work_done: list[str], path: str
) -> None:
    answers, done = [], []
    fields = {
        "/register": {"name": "Li Na", "password": PASSWORD},
        "/sign-in": {"password": "wrong wrong wrong"},
    }.get(path, {})
    for email in (UNKNOWN, *everybody):  # the first to warm up
        visitor.get(path)
        present.forget()
        work_done.clear()
        visitor.post({"email": email} | fields)
        done.append(list(work_done))
        answers.append((visitor.status, visitor.at, comparable(visitor.text, email)))
    assert [each == answers[1] for each in answers[1:]] == [True] * 4
    assert [each == done[1] for each in done[1:]] == [True] * 4, done
    assert answers[0][0] == (422 if path == "/sign-in" else 200)
    assert any("accounts_limit" in each for each in done[1])


@pytest.fixture
def work_done(shop: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What was asked of the database, and of argon2, in order."""
    done: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        done.append(statement)

    for name in ("hash", "verify"):
        asked = getattr(type(hashes._hasher), name)
        monkeypatch.setattr(
            type(hashes._hasher), name, lambda self, *a, n=name, f=asked, **k: (done.append(n), f(self, *a, **k))[1]
        )
    with shop.app_context():
        engines = list(db.engines.values())
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield done
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def comparable(page: str, email: str) -> str:
    """A page without tokens, nonces and the address typed."""
    return re.sub(r'(nonce|value)="[^"]{20,}"', "", page.replace(email, "EMAIL"))


def test_a_new_password_by_link_ends_other_sessions(
    shop: Flask, visitor: Visitor, registered: str, link_for: LinkFor
) -> None:
    elsewhere = Visitor(shop.test_client())
    sign_in(elsewhere, registered)
    assert elsewhere.at == "/account"
    visitor.get("/reset")
    visitor.post({"email": registered})
    link = link_for(registered, "password_reset")
    visitor.get(link)
    visitor.post({"password": "short"})
    assert visitor.status == 422
    visitor.post({"password": OTHER_PASSWORD})
    assert visitor.at == "/account"
    elsewhere.get("/account")
    assert elsewhere.at.startswith("/sign-in")
    sign_in(elsewhere, registered)
    assert elsewhere.status == 422, "the old password is gone"
    visitor.get(link)
    visitor.post({"password": PASSWORD})
    assert visitor.status == 422, "the link worked once"


def test_a_guest_finds_the_purchase_by_code_and_keeps_it_when_registering(
    shop: Flask, at_step: AtStep, work: Callable[[], list[str]], code_for: CodeFor, link_for: LinkFor
) -> None:
    assert at_step("pay").pay()
    work()
    finder = Visitor(shop.test_client())
    finder.get("/find")
    finder.post({"email": LI_NA.email})
    assert finder.at == "/find/code"
    finder.post({"code": "000000"})
    assert finder.status == 422
    assert "EF" not in words(finder.text)
    code = code_for(LI_NA.email)
    finder.post({"code": code})
    assert finder.at == "/account"
    number = number_on(finder)
    with finder.client.session_transaction() as session:
        kept = {name: session[name] for name in ("find", "asked") if name in session}
    assert kept == {}, "what was asked for is gone once somebody is in"
    other = Visitor(shop.test_client())
    register(other, LI_NA.email)
    other.get(link_for(LI_NA.email, "confirm_address"))
    other.post({"password": PASSWORD})
    assert number_on(other) == number
    assert count(shop, "accounts_account") == 1


def number_on(visitor: Visitor) -> str:
    found = re.search(r'class="num">(EF\S+)<', visitor.get("/account"))
    assert found, words(visitor.text)
    return found[1]


def ask(visitor: Visitor, email: str, place: str = "127.0.0.1") -> Visitor:
    """Ask for a code at this browser, from this network address."""
    visitor.client.environ_base["REMOTE_ADDR"] = place
    visitor.get("/find")
    visitor.post({"email": email})
    return visitor


@pytest.mark.asvs("6.6.2")
def test_a_code_works_in_the_browser_that_asked_for_it(shop: Flask, visitor: Visitor, code_for: CodeFor) -> None:
    ask(visitor, KNOWN)
    code = code_for(KNOWN)
    other = ask(Visitor(shop.test_client()), KNOWN)
    fresh = code_for(KNOWN)
    other.post({"code": code if code != fresh else "no code"})
    assert other.status == 422
    assert "or was asked for by another browser" in words(other.text)
    third = Visitor(shop.test_client())
    third.get("/find/code")
    assert third.at == "/find"
    assert "A code works in the browser that asked for it" in words(third.text)
    visitor.post({"code": code})
    assert visitor.at == "/account", "though a later one was mailed"
    other.post({"code": fresh})
    assert other.at == "/account"


def test_a_cookie_that_lost_what_was_asked_says_so(visitor: Visitor, code_for: CodeFor) -> None:
    ask(visitor, KNOWN)
    with visitor.client.session_transaction() as session:
        del session["asked"]
    visitor.post({"code": code_for(KNOWN)})
    assert visitor.status == 422
    assert "This code was asked for by another browser" in words(visitor.text)


@pytest.mark.asvs("6.6.2")
def test_an_application_takes_the_code_that_its_own_browser_asked_for(
    shop: Flask, at_step: AtStep, code_for: CodeFor
) -> None:
    applicant = at_step("code")
    page, mine = applicant.at, code_for(LI_NA.email)
    ask(Visitor(shop.test_client()), LI_NA.email)
    theirs = code_for(LI_NA.email)
    applicant.post({"code": theirs if theirs != mine else "no code"})
    assert (applicant.status, applicant.at) == (422, page)
    with applicant.client.session_transaction() as session:
        kept = session.pop("asked")
    applicant.post({"code": mine})
    assert applicant.status == 422
    assert "This code was asked for by another browser" in words(applicant.text)
    assert count(shop, "application_application", "account_id IS NOT NULL") == 0
    with applicant.client.session_transaction() as session:
        session["asked"] = kept
    applicant.post({"code": mine})
    assert applicant.at.endswith("/needs")


@pytest.mark.asvs("6.3.1")
def test_strangers_who_ask_and_guess_do_not_keep_a_guest_out(shop: Flask, visitor: Visitor, code_for: CodeFor) -> None:
    with shop.app_context():
        a_guest(KNOWN)
        db.session.commit()
    ask(visitor, KNOWN)
    code = code_for(KNOWN)
    for number in range(12):
        stranger = ask(Visitor(shop.test_client()), KNOWN, f"198.18.9.{number}")
        for _ in range(6):
            stranger.post({"code": "000000" if code != "000000" else "111111"})
        stranger.get("/reset")
        stranger.post({"email": KNOWN})
    visitor.post({"code": code})
    assert visitor.at == "/account"
    again = ask(Visitor(shop.test_client()), KNOWN, "198.18.8.1")
    again.post({"code": code_for(KNOWN)})
    assert again.at == "/account"


@pytest.mark.asvs("6.3.1")
def test_when_strangers_used_all_codes_up_the_page_says_what_helps(
    shop: Flask, visitor: Visitor, link_for: LinkFor, nothing_written: NothingWritten
) -> None:
    with shop.app_context():
        a_guest(KNOWN)
        for number in range(99):
            services.request_code(KNOWN, CodePurpose.FIND_PURCHASE, f"198.18.9.{number}", "en")
        db.session.commit()
    with nothing_written():
        ask(visitor, KNOWN)
    assert (visitor.at, visitor.status) == ("/find", 429)
    assert "Please set a password by mail instead" in words(visitor.text)
    assert 'href="/reset"' in visitor.text
    visitor.get("/reset")
    visitor.post({"email": KNOWN})
    with shop.app_context():
        for number in range(9):
            services.request_password_reset(KNOWN, f"198.18.9.{number}", "en")
        db.session.commit()
    other = Visitor(shop.test_client())
    other.get("/reset")
    other.post({"email": KNOWN})
    assert other.status == 429
    assert "Please look for the newest link in your mail" in words(other.text)
    visitor.get(link_for(KNOWN, "password_reset"))
    visitor.post({"password": OTHER_PASSWORD})
    assert visitor.at == "/account"


@pytest.mark.asvs("6.2.8")
def test_a_password_is_taken_as_typed_blanks_included(shop: Flask, visitor: Visitor, link_for: LinkFor) -> None:
    typed = "  three calm herons "
    register(visitor, UNKNOWN, typed)
    visitor.get(link_for(UNKNOWN, "confirm_address"))
    visitor.post({"password": typed.strip()})
    assert visitor.status == 422
    visitor.post({"password": typed})
    assert visitor.at == "/account"
    other = Visitor(shop.test_client())
    for wrong in (typed.strip(), typed.rstrip(), typed.upper(), f"{typed} "):
        sign_in(other, UNKNOWN, wrong)
        assert other.status == 422, repr(wrong)
    sign_in(other, UNKNOWN, typed)
    assert other.at == "/account"


def test_a_mail_to_an_address_that_is_not_proven_says_nothing_a_stranger_typed(
    shop: Flask, visitor: Visitor, work: Callable[[], list[str]]
) -> None:
    with shop.app_context():
        a_customer(KNOWN)
        db.session.commit()
    for email in (KNOWN, UNKNOWN):
        visitor.get("/register")
        visitor.post({"name": "Prize Waiting Call Now", "email": email, "password": PASSWORD})
        assert visitor.status == 200
    work()
    with shop.app_context():
        mails = correspondence.inbox()
        assert sorted(mail.kind for mail in mails) == ["address_in_use", "confirm_address"]
        for mail in mails:
            parts = correspondence.message_parts(mail.id)
            assert "Prize" not in parts.subject + parts.text + parts.html


def test_codes_are_limited_for_each_address_and_place(
    shop: Flask, visitor: Visitor, nothing_written: NothingWritten
) -> None:
    for _ in range(5):
        visitor.get("/find")
        visitor.post({"email": UNKNOWN})
        assert visitor.at == "/find/code"
    with nothing_written():
        visitor.get("/find")
        visitor.post({"email": UNKNOWN})
    assert (visitor.at, visitor.status) == ("/find", 429)
    assert "There were too many tries. Please try again in 15 minutes." in words(visitor.text)


def test_codes_are_limited_for_each_source(shop: Flask, visitor: Visitor, nothing_written: NothingWritten) -> None:
    for number in range(20):
        visitor.get("/find")
        visitor.post({"email": f"somebody{number}@example.com"})
        assert visitor.at == "/find/code"
    with nothing_written():
        visitor.get("/find")
        visitor.post({"email": "somebody20@example.com"})
    assert visitor.at == "/find"


def test_a_code_is_tried_five_times_at_most(shop: Flask, visitor: Visitor, code_for: CodeFor) -> None:
    with shop.app_context():
        a_guest("guest@example.com")
        db.session.commit()
    visitor.get("/find")
    visitor.post({"email": "guest@example.com"})
    code = code_for("guest@example.com")
    for _ in range(5):
        visitor.post({"code": "000000" if code != "000000" else "111111"})
    visitor.post({"code": code})
    assert visitor.status == 422
    assert visitor.at == "/find/code"


def test_signing_in_begins_a_new_session_and_keeps_the_journey(shop: Flask, visitor: Visitor, registered: str) -> None:
    visitor.get("/")
    visitor.compare("term_life", ANSWERS)
    comparison, before = visitor.at, session_of(visitor)
    sign_in(visitor, registered)
    assert session_of(visitor) != before
    visitor.get(comparison)
    assert count(shop, "traceability_journey", "attribution ->> 'log' IS NULL") == 1
    old = shop.test_client()
    old.set_cookie("evenfold", before)
    assert old.get("/account").status_code == 302, "the session from before is signed in nowhere"


def test_signing_in_leads_on_to_our_own_pages_only(visitor: Visitor, registered: str) -> None:
    for address in ("https://evil.example/", "//evil.example", "http://["):
        visitor.get(f"/sign-in?next={address}")
        visitor.post({"email": registered, "password": PASSWORD})
        assert visitor.at == "/account"
        visitor.client.delete_cookie("evenfold")
    visitor.get("/sign-in?next=/verify")
    visitor.post({"email": registered, "password": PASSWORD})
    assert visitor.at == "/verify"
