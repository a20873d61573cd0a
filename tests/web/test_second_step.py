"""Staff prove a second thing: what a password alone opens, the ways to take the step, and how it is looked after."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask

from marketplace.accounts import queries, services
from marketplace.accounts.values import Account, CodePurpose, Role
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.web.doors import ACCESS, Who
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import PASSWORD, Authenticator, a_customer, a_member_of_staff, an_authenticator
from tests.fakes.passkey import SoftwareKey
from tests.web.conftest import NothingWritten, count
from tests.web.desk_visits import sign_in

ORIGIN = "http://localhost:8000"
NEW = "four quiet otters swim"


@dataclass
class Staff:
    """An administrator with an authenticator app, and the browser the password was given in."""

    account: Account
    app: Authenticator
    at: Visitor


@pytest.fixture
def half(shop: Flask) -> Staff:
    """The password was given, the second step was not taken."""
    with shop.app_context():
        account = a_member_of_staff(Role.ADMIN_SALES)
        app = an_authenticator(account)
        db.session.commit()
    return Staff(account, app, give_password(shop, account))


@pytest.fixture
def whole(shop: Flask, half: Staff) -> Staff:
    half.at.post({"code": half.app.code()})
    assert half.at.at == "/admin"
    return half


@pytest.fixture
def newcomer(shop: Flask) -> Staff:
    """The password was given for the first time; there is no second step yet."""
    with shop.app_context():
        account = a_member_of_staff(Role.ADMIN_SALES)
        db.session.commit()
    return Staff(account, Authenticator("", [], 0), give_password(shop, account))


def give_password(shop: Flask, account: Account) -> Visitor:
    visitor = Visitor(shop.test_client())
    visitor.get("/sign-in")
    visitor.post({"email": account.email, "password": PASSWORD})
    return visitor


def token(visitor: Visitor) -> dict[str, str]:
    return {"csrf_token": hidden_fields(visitor.text)["csrf_token"]}


def ask(visitor: Visitor, path: str) -> dict[str, object]:
    """What the script of the page asks the server before it asks the browser's authenticator."""
    answer = visitor.client.post(path, data=token(visitor))
    assert answer.status_code == 200
    told: dict[str, object] = answer.get_json()
    return told


def mails(shop: Flask, work: Callable[[], list[str]], account: Account, kind: str) -> list[str]:
    work()
    with shop.app_context():
        found = [mail for mail in correspondence.inbox(recipient=account.email) if mail.kind == kind]
        return [correspondence.message_parts(mail.id).text for mail in found]


# --- what a password alone opens ------------------------------------------------------------------------------------


@pytest.mark.asvs("6.3.3")
def test_a_password_alone_opens_no_door_of_staff(half: Staff, nothing_written: NothingWritten) -> None:
    assert half.at.at == "/second-step"
    doors = [
        rule.rule for rule in half.at.client.application.url_map.iter_rules()
        if ACCESS[rule.endpoint].who in {Who.INSURER, Who.BACKOFFICE, Who.SIGNED_IN, Who.CUSTOMER}
        and "GET" in (rule.methods or ()) and not rule.arguments
    ]  # fmt: skip
    assert "/admin" in doors
    assert "/account/security" in doors
    with nothing_written():
        for door in doors:
            answer = half.at.client.get(door)
            assert answer.status_code == 302, door
            assert answer.location == f"/second-step?next={door}"


@pytest.mark.asvs("6.3.4")
def test_a_password_alone_adds_no_second_step_where_there_is_one(
    shop: Flask, half: Staff, nothing_written: NothingWritten
) -> None:
    """Else a stolen password would be enough: set up one's own second step, then take it."""
    key = SoftwareKey(ORIGIN)
    posts = {
        "/account/security/passkeys/options": {},
        "/account/security/passkeys": {"credential": key.make({"rp": {"id": "localhost"}, "challenge": "AAAA"})},
        "/account/security/authenticator/begin": {},
        "/account/security/authenticator": {"code": "000000"},
        "/account/security/recovery-codes": {},
    }
    with nothing_written():
        for path, fields in posts.items():
            answer = half.at.client.post(path, data=token(half.at) | fields)
            assert answer.status_code in {303, 302, 403}, path
            assert "/second-step" in (answer.location or "/second-step"), path
    half.at.get("/account/security/second-step")
    assert half.at.at.startswith("/second-step")


def test_the_half_open_session_may_be_left_and_ends_by_itself(half: Staff) -> None:
    assert "Sign out" in half.at.text
    with clock.frozen(clock.now() + timedelta(minutes=10)):
        half.at.get("/second-step")
        assert half.at.at.startswith("/sign-in")
    half.at.get("/second-step")
    half.at.post({}, "/sign-out")
    half.at.get("/second-step")
    assert half.at.at.startswith("/sign-in")


# --- taking it ------------------------------------------------------------------------------------------------------


@pytest.mark.asvs("7.2.4")
def test_a_code_of_the_app_opens_the_desk_under_a_new_token_and_leads_on(shop: Flask, half: Staff) -> None:
    half.at.get("/admin?text=nothing")
    assert half.at.at == "/second-step?next=/admin?text%3Dnothing"
    before = half.at.client.get_cookie("session")
    form = token(half.at)
    half.at.post({"code": half.app.code()})
    assert half.at.at == "/admin?text=nothing"
    after = half.at.client.get_cookie("session")
    assert before
    assert after
    assert after.value != before.value
    old = shop.test_client()
    old.set_cookie("session", before.value)
    assert old.get("/admin").location == "/sign-in?next=/admin"
    assert half.at.client.post("/sign-out", data=form).status_code == 400, "the CSRF secret is new too"


@pytest.mark.asvs("6.5.1")
def test_a_code_of_the_app_works_once(shop: Flask, half: Staff) -> None:
    code = half.app.code()
    half.at.post({"code": code})
    assert half.at.at == "/admin"
    again = give_password(shop, half.account)
    again.post({"code": code})
    assert again.status == 422
    assert "This code is not right or was used already" in words(again.text)
    assert again.client.get("/admin").status_code == 302


@pytest.mark.asvs("6.6.3")
def test_codes_cannot_be_guessed(half: Staff) -> None:
    for _ in range(10):
        half.at.post({"code": "000000"})
        assert half.at.status == 422
    half.at.post({"code": half.app.code()})
    assert half.at.status == 429
    assert "There were too many tries" in words(half.at.text)
    half.at.get("/admin")
    assert half.at.at.startswith("/second-step")


@pytest.mark.asvs("6.6.3", "6.3.1")
def test_guessing_is_told_once_and_leaves_the_owners_browser_alone(
    shop: Flask, whole: Staff, work: Callable[[], list[str]]
) -> None:
    thief = give_password(shop, whole.account)
    for _ in range(13):
        thief.post({"code": "000000"})
    assert thief.status == 429
    assert "Retry-After" in thief.client.post("/second-step", data=token(thief) | {"code": "000000"}).headers
    (told,) = mails(shop, work, whole.account, "second_step_guessed")
    assert "Somebody who knows your password typed a wrong second step many times" in told
    assert "http://localhost:8000/reset" in told
    whole.at.post({}, "/sign-out")
    whole.at.get("/sign-in")
    whole.at.post({"email": whole.account.email, "password": PASSWORD})
    whole.at.post({"code": whole.app.code()})
    assert whole.at.at == "/admin"
    assert thief.client.get("/admin").status_code == 302


def test_a_recovery_code_helps_once_and_is_told(shop: Flask, half: Staff, work: Callable[[], list[str]]) -> None:
    code = half.app.recovery_codes[0]
    half.at.post({"code": code.lower()})
    assert half.at.at == "/admin"
    assert "A recovery code was used" in mails(shop, work, half.account, "factor_changed")[0]
    again = give_password(shop, half.account)
    again.post({"code": code})
    assert again.status == 422


@pytest.mark.asvs("6.4.3")
def test_a_new_password_by_mail_does_not_replace_the_second_step(
    shop: Flask, half: Staff, link_for: Callable[[str, str], str]
) -> None:
    forgetful = Visitor(shop.test_client())
    forgetful.get("/reset")
    forgetful.post({"email": half.account.email})
    forgetful.get(link_for(half.account.email, "password_reset"))
    forgetful.post({"password": NEW})
    assert forgetful.at == "/second-step"
    assert forgetful.client.get("/admin").status_code == 302


@pytest.mark.asvs("6.3.4", "6.3.6")
def test_a_mailed_code_opens_no_account_of_staff(shop: Flask, half: Staff, work: Callable[[], list[str]]) -> None:
    with shop.app_context():
        message = services.request_code(half.account.email, CodePurpose.FIND_PURCHASE, "198.18.0.1", "en")
    assert message.mail.kind == "address_in_use"
    assert "code" not in message.mail.context


# --- setting it up --------------------------------------------------------------------------------------------------


def test_a_newcomer_sets_up_an_app_and_is_in(shop: Flask, newcomer: Staff, work: Callable[[], list[str]]) -> None:
    at = newcomer.at
    assert at.at == "/account/security/second-step"
    at.get("/admin")
    assert at.at == "/account/security/second-step", "there is nothing else to do before"
    at.post({}, "/account/security/authenticator/begin")
    assert at.at == "/account/security/authenticator"
    secret = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", at.text)
    assert secret
    assert "<svg" in at.text
    at.post({"code": "000000"})
    assert at.status == 422
    app = Authenticator(secret[1], [], 0)
    at.post({"code": app.code()})
    codes = re.findall(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", at.text)
    assert len(set(codes)) == 10
    at.get("/admin")
    assert at.status == 200
    assert "An authenticator app was set up" in mails(shop, work, newcomer.account, "factor_changed")[0]


def test_a_newcomer_makes_a_passkey_and_signs_in_with_it_alone(shop: Flask, newcomer: Staff) -> None:
    key, at = SoftwareKey(ORIGIN), newcomer.at
    options = ask(at, "/account/security/passkeys/options")
    at.post({"credential": key.make(options), "name": "work laptop"}, "/account/security/passkeys")
    assert "Your recovery codes" in at.text
    assert "work laptop" in at.get("/account/security")
    fresh = Visitor(shop.test_client())
    fresh.get("/sign-in")
    credential = key.prove(ask(fresh, "/sign-in/passkey/options"))
    fresh.post({"credential": credential}, "/sign-in/passkey?next=/admin")
    assert (fresh.at, fresh.status) == ("/admin", 200)
    replayed = Visitor(shop.test_client())
    replayed.get("/sign-in")
    ask(replayed, "/sign-in/passkey/options")
    replayed.post({"credential": credential}, "/sign-in/passkey")
    assert replayed.at == "/sign-in"
    assert "This passkey was not accepted" in words(replayed.text)
    assert replayed.client.get("/admin").status_code == 302


@pytest.mark.asvs("6.7.2")
def test_a_passkey_is_the_second_step_and_its_answer_works_once(shop: Flask, newcomer: Staff) -> None:
    key, at = SoftwareKey(ORIGIN), newcomer.at
    at.post({"credential": key.make(ask(at, "/account/security/passkeys/options"))}, "/account/security/passkeys")
    again = give_password(shop, newcomer.account)
    assert again.at == "/second-step"
    assert "Use my passkey" in again.text
    credential = key.prove(ask(again, "/second-step/passkey/options"))
    other = give_password(shop, newcomer.account)
    ask(other, "/second-step/passkey/options")
    other.post({"credential": credential}, "/second-step/passkey")
    assert other.status == 422, "asked for by another browser"
    again.post({"credential": credential}, "/second-step/passkey")
    assert again.at == "/admin"


@pytest.mark.parametrize("path", ["/sign-in/passkey", "/second-step/passkey"])
def test_a_passkey_without_a_challenge_is_refused(half: Staff, path: str, nothing_written: NothingWritten) -> None:
    with nothing_written():
        half.at.post({"credential": "{}"}, path)
    assert "This passkey was not accepted" in words(half.at.text)
    assert half.at.client.get("/admin").status_code == 302


# --- looking after it -----------------------------------------------------------------------------------------------


@pytest.mark.asvs("6.5.6", "6.3.7", "7.4.3")
def test_a_second_step_is_removed_with_a_mail_and_the_end_of_other_sessions(
    shop: Flask, whole: Staff, work: Callable[[], list[str]]
) -> None:
    at, key = whole.at, SoftwareKey(ORIGIN)
    elsewhere = sign_in(shop, Visitor(shop.test_client()), whole.account)
    at.get("/account/security/second-step")
    at.post({"credential": key.make(ask(at, "/account/security/passkeys/options"))}, "/account/security/passkeys")
    assert at.at == "/account/security"
    assert elsewhere.client.get("/admin").status_code == 302, "adding one ends the others"
    assert count(shop, "accounts_device") == 1, "whose browsers are not known any more"
    sign_in(shop, Visitor(shop.test_client()), whole.account)
    assert count(shop, "accounts_device") == 2
    at.get("/account/security")
    with shop.app_context():
        app, passkey = sorted(queries.factors(whole.account.id).factors, key=lambda each: each.kind)
    at.post({}, f"/account/security/second-steps/{app.id}/remove")
    assert "It is removed" in words(at.text)
    assert count(shop, "accounts_device") == 1
    assert "Authenticator app" not in at.text
    at.post({}, f"/account/security/second-steps/{passkey.id}/remove")
    assert "This is your only second step" in words(at.text)
    told = " ".join(mails(shop, work, whole.account, "factor_changed"))
    assert told.count("A passkey was added to your account.") == 1
    assert told.count("The authenticator app was removed from your account.") == 1
    assert told.count("was removed") == 1
    with shop.app_context():
        assert len(queries.factors(whole.account.id).factors) == 1


@pytest.mark.asvs("7.5.1")
def test_what_is_sensitive_needs_a_fresh_second_step(
    whole: Staff, nothing_written: NothingWritten, shop: Flask
) -> None:
    with shop.app_context():
        (factor,) = queries.factors(whole.account.id).factors
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        whole.at.get("/admin")
        assert whole.at.status == 200, "looking needs no fresh proof"
        whole.at.get("/account/security")
        form = token(whole.at)
        with nothing_written():
            for path in (
                f"/account/security/second-steps/{factor.id}/remove",
                "/account/security/recovery-codes",
                "/account/security/authenticator/begin",
                "/account/security/sessions/end-others",
            ):
                answer = whole.at.client.post(path, data=form)
                assert answer.status_code == 303, path
                assert answer.location.startswith("/second-step"), path
        whole.at.get("/account/security/password")
        assert whole.at.at == "/second-step?next=/account/security/password"
        assert "show once more that it is you" in words(whole.at.text)
        whole.at.post({"code": whole.app.code()})
        assert whole.at.at == "/account/security/password"


def test_new_recovery_codes_are_shown_once(whole: Staff) -> None:
    whole.at.get("/account/security")
    whole.at.post({}, "/account/security/recovery-codes")
    codes = re.findall(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", whole.at.text)
    assert len(set(codes)) == 10
    assert not set(codes) & set(whole.app.recovery_codes)
    assert "Recovery codes left: 10" in words(whole.at.get("/account/security"))


def test_a_customer_has_no_second_step_to_set_up(shop: Flask, visitor: Visitor) -> None:
    with shop.app_context():
        account = a_customer()
        db.session.commit()
    sign_in(shop, visitor, account)
    for path in ("/second-step", "/account/security/second-step", "/account/security/authenticator"):
        assert visitor.client.get(path).status_code == 302
    assert "Second step" not in words(visitor.get("/account/security"))
