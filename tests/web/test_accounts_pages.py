"""Register, confirm, sign in, reset, and find a purchase: the pages, and what they keep to themselves."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, words
from tests.factories.accounts import PASSWORD, a_customer, a_guest
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


def test_a_wrong_password_says_nothing_about_the_address(visitor: Visitor, registered: str) -> None:
    answers = []
    for email in (registered, UNKNOWN):
        sign_in(visitor, email, "wrong wrong wrong")
        answers.append((visitor.status, comparable(visitor.text, email)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422
    visitor.get("/account")
    assert visitor.at.startswith("/sign-in?next=")


@pytest.mark.parametrize("path", ["/register", "/reset", "/find"])
def test_known_and_unknown_addresses_get_the_same_answer(visitor: Visitor, registered: str, path: str) -> None:
    answers = []
    for email in (registered, UNKNOWN):
        visitor.get(path)
        fields = {"name": "Li Na", "password": PASSWORD} if path == "/register" else {}
        visitor.post({"email": email} | fields)
        answers.append((visitor.status, visitor.at, comparable(visitor.text, email)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 200


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
    other = Visitor(shop.test_client())
    other.get("/")
    with other.client.session_transaction() as session:
        session["find"] = LI_NA.email
    other.get("/find/code")
    other.post({"code": code})
    assert other.status == 422, "a code works once"
    register(other, LI_NA.email)
    other.get(link_for(LI_NA.email, "confirm_address"))
    other.post({"password": PASSWORD})
    assert number_on(other) == number
    assert count(shop, "accounts_account") == 1


def number_on(visitor: Visitor) -> str:
    found = re.search(r'class="num">(EF\S+)<', visitor.get("/account"))
    assert found, words(visitor.text)
    return found[1]


def test_codes_are_limited_for_each_address(shop: Flask, visitor: Visitor, nothing_written: NothingWritten) -> None:
    for _ in range(5):
        visitor.get("/find")
        visitor.post({"email": UNKNOWN})
        assert visitor.at == "/find/code"
    with nothing_written():
        visitor.get("/find")
        visitor.post({"email": UNKNOWN})
    assert (visitor.at, visitor.status) == ("/find", 429)
    assert "There were too many tries" in words(visitor.text)


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
    assert count(shop, "traceability_journey") == 1
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
