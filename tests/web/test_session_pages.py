"""Where you are signed in: cookies, ending sessions, fresh proofs, and the mails about one's own account."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from marketplace.accounts import services
from marketplace.accounts.services import devices
from marketplace.accounts.values import Account
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.kernel import clock
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import PASSWORD, a_customer, a_guest
from tests.web.conftest import NothingWritten, count
from tests.web.desk_visits import sign_in

NEW = "four quiet otters swim"
Work = Callable[[], list[str]]


@pytest.fixture
def account(shop: Flask) -> Account:
    with shop.app_context():
        made = a_customer("known@example.com")
        db.session.commit()
    return made


@pytest.fixture
def owner(shop: Flask, account: Account, visitor: Visitor) -> Visitor:
    return sign_in(shop, visitor, account)


@pytest.fixture
def elsewhere(shop: Flask, account: Account) -> Visitor:
    """Another browser of the same person."""
    return sign_in(shop, Visitor(shop.test_client()), account)


def mails(shop: Flask, work: Work, address: str, kind: str) -> list[str]:
    work()
    with shop.app_context():
        found = [mail for mail in correspondence.inbox(recipient=address) if mail.kind == kind]
        return [correspondence.message_parts(mail.id).text for mail in found]


def still_known(shop: Flask, visitor: Visitor, account: Account) -> bool:
    cookie = visitor.client.get_cookie("device")
    with shop.app_context():
        return devices.is_known(account.id, cookie and cookie.value)


def sign_out(visitor: Visitor) -> None:
    visitor.get("/account/security")
    visitor.post({}, "/sign-out")
    assert visitor.at == "/"


def later(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


# --- cookies --------------------------------------------------------------------------------------------------------


def test_the_cookies_are_read_by_nobody_else(shop: Flask, account: Account, visitor: Visitor) -> None:
    visitor.get("/sign-in")
    answer = visitor.client.post(
        "/sign-in", data=hidden_fields(visitor.text) | {"email": account.email, "password": PASSWORD}
    )
    session, device, signed = sorted(answer.headers.getlist("Set-Cookie"), key=lambda each: "sde".index(each[0]))
    assert re.fullmatch(r"session=[\w-]{43}; HttpOnly; Path=/; SameSite=Lax", session)
    assert re.fullmatch(r"device=[\w-]{43}; Expires=[^;]+; Max-Age=34560000; HttpOnly; Path=/; SameSite=Lax", device)
    assert signed.startswith("evenfold=")
    shop.config["SESSION_COOKIE_SECURE"] = True
    try:
        other = shop.test_client()
        page = other.get("/sign-in", base_url="https://localhost").get_data(as_text=True)
        fields = hidden_fields(page) | {"email": account.email, "password": PASSWORD}
        headers = {"Referer": "https://localhost/sign-in"}
        answer = other.post("/sign-in", data=fields, base_url="https://localhost", headers=headers)
    finally:
        shop.config["SESSION_COOKIE_SECURE"] = False
    secure = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(("__Host-session=", "__Host-d"))]
    assert len(secure) == 2
    assert all("; Secure; " in each and "; Path=/" in each and "Domain" not in each for each in secure)


def test_a_refused_sign_in_gives_no_cookie_of_authority(visitor: Visitor, account: Account) -> None:
    visitor.get("/sign-in")
    visitor.post({"email": account.email, "password": "wrong wrong wrong"})
    assert visitor.client.get_cookie("session") is None
    assert visitor.client.get_cookie("device") is None


@pytest.mark.asvs("7.2.1")
def test_the_signed_cookie_alone_opens_nothing(shop: Flask, owner: Visitor) -> None:
    signed = owner.client.get_cookie("evenfold")
    assert signed
    other = shop.test_client()
    other.set_cookie("evenfold", signed.value)
    assert other.get("/account").location == "/sign-in?next=/account"


@pytest.mark.parametrize("made_up", ["", "A" * 43, "x" * 3000, "é"])
def test_a_made_up_token_opens_nothing(shop: Flask, owner: Visitor, made_up: str) -> None:
    other = shop.test_client()
    other.set_cookie("session", made_up)
    assert other.get("/account").status_code == 302


@pytest.mark.asvs("7.2.4")
def test_a_planted_token_is_not_the_one_that_is_signed_in(shop: Flask, account: Account) -> None:
    victim = Visitor(shop.test_client())
    victim.client.set_cookie("session", "planted")
    sign_in(shop, victim, account)
    attacker = shop.test_client()
    attacker.set_cookie("session", "planted")
    assert attacker.get("/account").status_code == 302


# --- ending ---------------------------------------------------------------------------------------------------------


@pytest.mark.asvs("7.4.1")
def test_signing_out_ends_the_session_on_the_server(shop: Flask, owner: Visitor) -> None:
    kept = owner.client.get_cookie("session")
    assert kept
    sign_out(owner)
    assert owner.client.get_cookie("session") is None
    thief = shop.test_client()
    thief.set_cookie("session", kept.value)
    assert thief.get("/account").status_code == 302


def test_signing_in_again_ends_the_session_of_this_browser(shop: Flask, owner: Visitor, account: Account) -> None:
    sign_in(shop, owner, account)
    assert count(shop, "accounts_session", "ended_at IS NULL") == 1
    assert count(shop, "accounts_session", "ended_reason = 'replaced'") == 1


@pytest.mark.asvs("7.3.1", "7.3.2")
def test_a_session_runs_out_unless_it_is_used(owner: Visitor) -> None:
    start = clock.now()
    for minutes in range(25, 12 * 60, 25):
        with clock.frozen(start + later(minutes)):
            assert owner.client.get("/account").status_code == 200, minutes
    with clock.frozen(start + timedelta(hours=12)):
        assert owner.client.get("/account").status_code == 302


@pytest.mark.asvs("7.3.1")
def test_a_session_that_is_not_used_ends(owner: Visitor) -> None:
    with clock.frozen(clock.now() + later(31)):
        assert owner.client.get("/account").location == "/sign-in?next=/account"


@pytest.mark.asvs("7.5.2")
def test_the_owner_sees_and_ends_the_others(owner: Visitor, elsewhere: Visitor) -> None:
    owner.get("/account/security")
    ends = re.findall(r'action="(/account/security/sessions/[0-9a-f-]{36}/end)"', owner.text)
    assert len(ends) == 2
    row = re.search(r"this one.*?/sessions/([0-9a-f-]{36})/end", owner.text, re.DOTALL)
    assert row
    other = next(each for each in ends if row[1] not in each)
    owner.post({}, other)
    assert "That device is signed out" in words(owner.text)
    assert elsewhere.client.get("/account").status_code == 302
    assert owner.client.get("/account").status_code == 200


def test_all_others_end_at_once(shop: Flask, owner: Visitor, elsewhere: Visitor, account: Account) -> None:
    third = sign_in(shop, Visitor(shop.test_client()), account)
    owner.get("/account/security")
    owner.post({}, "/account/security/sessions/end-others")
    assert [each.client.get("/account").status_code for each in (owner, elsewhere, third)] == [200, 302, 302]
    assert count(shop, "accounts_device") == 1, "nor are their browsers known any more"
    assert still_known(shop, owner, account)


def test_nobody_ends_the_session_of_another(
    shop: Flask, owner: Visitor, elsewhere: Visitor, nothing_written: NothingWritten
) -> None:
    elsewhere.get("/account/security")
    (_mine, theirs) = re.findall(r"/sessions/([0-9a-f-]{36})/end", elsewhere.text)
    with shop.app_context():
        other = a_customer("other@example.com")
        db.session.commit()
    stranger = sign_in(shop, Visitor(shop.test_client()), other)
    stranger.get("/account/security")
    with nothing_written():
        stranger.post({}, f"/account/security/sessions/{theirs}/end")
    assert stranger.status == 404
    assert owner.client.get("/account").status_code == 200


@pytest.mark.asvs("7.4.2")
def test_a_disabled_account_is_out_at_once(shop: Flask, owner: Visitor, account: Account) -> None:
    with shop.app_context():
        services.disable_account(account.id)
        db.session.commit()
    assert owner.client.get("/account").status_code == 302
    owner.get("/sign-in")
    owner.post({"email": account.email, "password": PASSWORD})
    assert "This address and password do not belong together" in words(owner.text)


# --- fresh proofs ---------------------------------------------------------------------------------------------------


@pytest.mark.asvs("7.5.1", "7.5.2")
def test_what_is_sensitive_asks_again_after_ten_minutes(
    owner: Visitor, elsewhere: Visitor, nothing_written: NothingWritten
) -> None:
    with clock.frozen(clock.now() + later(11)):
        owner.get("/account/security")
        with nothing_written():
            answer = owner.client.post(
                "/account/security/sessions/end-others",
                data=hidden_fields(owner.text),
                headers={"Referer": "http://localhost/account/security"},
            )
        assert answer.location == "/account/security/confirm?next=/account/security"
        owner.get(answer.location)
        owner.post({"password": "wrong wrong wrong"})
        assert owner.status == 422
        before = owner.client.get_cookie("session")
        owner.post({"password": PASSWORD})
        assert owner.at == "/account/security"
        assert owner.client.get_cookie("session") != before, "a new token"
        owner.post({}, "/account/security/sessions/end-others")
        assert elsewhere.client.get("/account").status_code == 302


@pytest.mark.asvs("6.6.2")
def test_a_guest_proves_it_by_a_mailed_code_of_this_browser(
    shop: Flask, visitor: Visitor, code_for: Callable[[str], str]
) -> None:
    with shop.app_context():
        guest = a_guest("guest@example.com")
        db.session.commit()
    for browser in (visitor, other := Visitor(shop.test_client())):
        browser.get("/find")
        browser.post({"email": guest.email})
        browser.post({"code": code_for(guest.email)})
        assert browser.at == "/account"
    with clock.frozen(clock.now() + later(11)):
        other.get("/account/security/confirm?next=/account")
        visitor.get("/account/security/confirm?next=/account")
        visitor.post({}, "/account/security/confirm/code?next=/account")
        assert visitor.at == "/account/security/confirm?next=/account"
        code = code_for(guest.email)
        visitor.post({"code": "000000" if code != "000000" else "111111"})
        assert visitor.status == 422
        visitor.post({"code": code})
        assert visitor.at == "/account"
    with clock.frozen(clock.now() + later(12)):
        visitor.get("/account/security/confirm")
        visitor.post({}, "/account/security/confirm/code")
        other.post({"code": code_for(guest.email)}, "/account/security/confirm")
        assert other.status == 422
        assert "asked for by another browser" in words(other.text)


def test_the_confirming_page_leads_to_our_own_pages_only(owner: Visitor) -> None:
    for address in ("https://evil.example/", "//evil.example"):
        owner.get(f"/account/security/confirm?next={address}")
        owner.post({"password": PASSWORD})
        assert owner.at == "/account"


# --- password and mails ---------------------------------------------------------------------------------------------


@pytest.mark.asvs("6.2.2", "6.2.3", "6.3.7", "7.4.3")
def test_a_changed_password_is_told_and_ends_the_others(
    shop: Flask, owner: Visitor, elsewhere: Visitor, account: Account, work: Work
) -> None:
    owner.get("/account/security/password")
    for wrong in ({"old": "wrong wrong wrong", "password": NEW}, {"old": PASSWORD, "password": "short"}):
        owner.post(wrong)
        assert owner.status == 422
    assert elsewhere.client.get("/account").status_code == 200
    owner.post({"old": PASSWORD, "password": NEW})
    assert owner.at == "/account/security"
    assert elsewhere.client.get("/account").status_code == 302
    assert count(shop, "accounts_device") == 1, "nor is its browser known any more"
    assert still_known(shop, owner, account)
    (told,) = mails(shop, work, account.email, "password_changed")
    assert "If that was not you, set a new password now" in told
    assert NEW not in told


@pytest.mark.asvs("6.3.5")
def test_a_browser_never_seen_before_is_told_and_a_known_one_is_not(
    shop: Flask, owner: Visitor, account: Account, work: Work
) -> None:
    assert mails(shop, work, account.email, "new_device") == [], "the first one of all"
    sign_out(owner)
    sign_in(shop, owner, account)
    assert mails(shop, work, account.email, "new_device") == []
    sign_in(shop, Visitor(shop.test_client()), account)
    (told,) = mails(shop, work, account.email, "new_device")
    assert "http://localhost:8000/account/security" in told


@pytest.mark.asvs("6.3.8")
def test_an_unknown_address_that_asks_for_a_new_password_is_written_to_as_well(
    shop: Flask, visitor: Visitor, work: Work
) -> None:
    visitor.get("/reset")
    visitor.post({"email": "nobody@example.com"})
    assert "If we know this address" in words(visitor.text)
    (told,) = mails(shop, work, "nobody@example.com", "no_account")
    assert "/reset/" not in told


@pytest.mark.asvs("6.3.1")
def test_many_tries_of_strangers_lead_to_the_mail_and_leave_the_owners_browser_alone(
    shop: Flask, owner: Visitor, account: Account
) -> None:
    sign_out(owner)
    for number in range(50):
        stranger = shop.test_client()
        page = stranger.get("/sign-in").get_data(as_text=True)
        fields = hidden_fields(page) | {"email": account.email, "password": "wrong wrong wrong"}
        answer = stranger.post("/sign-in", data=fields, environ_base={"REMOTE_ADDR": f"198.18.7.{number}"})
        assert answer.status_code == 422
    unknown = Visitor(shop.test_client())
    unknown.get("/sign-in")
    unknown.post({"email": account.email, "password": PASSWORD})
    assert "set a new password by mail" in words(unknown.text)
    sign_in(shop, owner, account)
