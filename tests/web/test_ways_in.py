"""Every way in and every fresh proof is kept: the try that was refused, then the one that was taken (ADR 0005)."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask

from marketplace.accounts import queries
from marketplace.accounts.values import Account, EventOutcome, Role, SecurityEventFilter, SecurityEventType
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, hidden_fields
from tests.factories.accounts import PASSWORD, Authenticator, a_customer, a_member_of_staff, an_authenticator
from tests.fakes.passkey import SoftwareKey
from tests.web.conftest import ANSWERS, LI_NA
from tests.web.desk_visits import at_the_desk, sign_in

WRONG = "000000"
NEW = "four quiet otters swim"
ENTERS = re.compile(r"\b(welcome|entry\.enter|entry\.prove|_added)\(")


@dataclass
class World:
    """What a way in needs: browsers, mails, people."""

    shop: Flask
    code_for: Callable[[str], str]
    link_for: Callable[[str, str], str]
    at_step: Callable[..., Visitor]

    def browser(self) -> Visitor:
        return Visitor(self.shop.test_client())

    def customer(self) -> Account:
        with self.shop.app_context():
            account = a_customer("known@example.com")
            db.session.commit()
        return account

    def staff(self, *, app: bool = True) -> tuple[Visitor, Authenticator]:
        """Somebody of staff who gave the password, in front of the second step; with the app, if it is set up."""
        with self.shop.app_context():
            account = a_member_of_staff()
            authenticator = an_authenticator(account) if app else Authenticator("", [], 0)
            db.session.commit()
        visitor = self.browser()
        visitor.get("/sign-in")
        visitor.post({"email": account.email, "password": PASSWORD})
        return visitor, authenticator

    def passkey(self) -> tuple[Visitor, SoftwareKey]:
        """Somebody of staff with a passkey, signed in."""
        key, (visitor, _app) = SoftwareKey("http://localhost:8000"), self.staff(app=False)
        made = key.make(asked(visitor, "/account/security/passkeys/options"))
        visitor.post({"credential": made}, "/account/security/passkeys")
        return visitor, key


def asked(visitor: Visitor, path: str) -> dict[str, object]:
    """What a page's script asks before it asks the authenticator of the browser."""
    token = {"csrf_token": hidden_fields(visitor.text)["csrf_token"]}
    told: dict[str, object] = visitor.client.post(path, data=token).get_json()
    return told


def by_password(world: World) -> None:
    visitor, account = world.browser(), world.customer()
    visitor.get("/sign-in")
    visitor.post({"email": account.email, "password": "wrong wrong wrong"})
    visitor.post({"email": account.email, "password": PASSWORD})


def by_the_link_of_a_registration(world: World) -> None:
    visitor = world.browser()
    visitor.get("/confirm/no-such-link")
    visitor.post({"password": PASSWORD})
    visitor.get("/register")
    visitor.post({"email": LI_NA.email, "name": LI_NA.name, "password": PASSWORD})
    visitor.get(world.link_for(LI_NA.email, "confirm_address"))
    visitor.post({"password": "wrong wrong wrong"})
    visitor.post({"password": PASSWORD})


def by_the_link_of_a_new_password(world: World) -> None:
    visitor, account = world.browser(), world.customer()
    visitor.get("/reset/no-such-link")
    visitor.post({"password": NEW})
    visitor.get("/reset")
    visitor.post({"email": account.email})
    visitor.get(world.link_for(account.email, "password_reset"))
    visitor.post({"password": NEW})


def by_an_invitation(world: World) -> None:
    """Of a marketplace's desk to that of an insurer."""
    with world.shop.app_context():
        path = f"/admin/insurers/{queries.insurer_by_code('harbour').id}"
    desk = at_the_desk(world.shop, Role.ADMIN_OWNER)
    desk.get(path)
    told = {"name": "Mei Lan", "email": "mei@harbour.example", "role": "insurer_admin", "language": "en"}
    desk.post(told, f"{path}/invite")
    visitor = world.browser()
    link = world.link_for("mei@harbour.example", "join_insurer")
    visitor.get(link)
    visitor.post({"password": NEW}, "/join/no-such-link")
    visitor.get(link)
    visitor.post({"password": NEW})


def by_a_code_to_find_a_purchase(world: World) -> None:
    visitor = world.browser()
    visitor.get("/find")
    visitor.post({"email": LI_NA.email})
    visitor.post({"code": WRONG})
    visitor.post({"code": world.code_for(LI_NA.email)})


def by_a_code_while_applying(world: World) -> None:
    visitor = world.at_step("code")
    visitor.post({"code": WRONG})
    visitor.post({"code": world.code_for(LI_NA.email)})


def by_a_code_with_a_question(world: World) -> None:
    visitor = world.browser()
    offer = visitor.compare("term_life", ANSWERS)[0]
    visitor.get(f"{offer}/ask")
    visitor.post({"words": "Does it cover diving?", "email": LI_NA.email})
    visitor.post({"code": WRONG})
    visitor.post({"code": world.code_for(LI_NA.email)})


def by_a_passkey_alone(world: World) -> None:
    _owner, key = world.passkey()
    visitor = world.browser()
    visitor.get("/sign-in")
    visitor.post({"credential": "{}"}, "/sign-in/passkey")
    visitor.post({"credential": key.prove(asked(visitor, "/sign-in/passkey/options"))}, "/sign-in/passkey")


def by_a_code_of_the_app(world: World) -> None:
    visitor, app = world.staff()
    visitor.post({"code": WRONG})
    visitor.post({"code": app.code()})


def by_a_passkey_after_the_password(world: World) -> None:
    visitor, key = world.passkey()
    visitor.get("/second-step")
    visitor.post({"credential": "{}"}, "/second-step/passkey")
    visitor.post({"credential": key.prove(asked(visitor, "/second-step/passkey/options"))}, "/second-step/passkey")


def by_adding_a_passkey(world: World) -> None:
    visitor, _app = world.staff(app=False)
    key = SoftwareKey("http://localhost:8000")
    visitor.post({"credential": "{}"}, "/account/security/passkeys")
    made = key.make(asked(visitor, "/account/security/passkeys/options"))
    visitor.post({"credential": made}, "/account/security/passkeys")


def by_adding_an_app(world: World) -> None:
    visitor, _app = world.staff(app=False)
    visitor.post({}, "/account/security/authenticator/begin")
    secret = re.search(r"<code[^>]*>([A-Z2-7]{32})</code>", visitor.text)
    assert secret
    visitor.post({"code": WRONG})
    visitor.post({"code": Authenticator(secret[1], [], 0).code()})


def by_a_fresh_proof(world: World) -> None:
    visitor = sign_in(world.shop, world.browser(), world.customer())
    visitor.get("/account/security/confirm")
    visitor.post({"password": "wrong wrong wrong"})
    visitor.post({"password": PASSWORD})


def by_a_changed_password(world: World) -> None:
    visitor = sign_in(world.shop, world.browser(), world.customer())
    visitor.get("/account/security/password")
    visitor.post({"old": "wrong wrong wrong", "password": NEW})
    visitor.post({"old": PASSWORD, "password": NEW})


S = SecurityEventType
# By endpoint: how it is gone, what is kept of the try that is refused, and of the one that is taken.
WAYS: dict[str, tuple[Callable[[World], None], list[S], list[S]]] = {
    "account.sign_in": (by_password, [S.SIGN_IN], [S.SIGN_IN]),
    "account.confirm": (by_the_link_of_a_registration, [S.SIGN_IN, S.SIGN_IN], [S.SIGN_IN]),
    "account.reset": (
        by_the_link_of_a_new_password, [S.PASSWORD_CHANGED], [S.SIGN_IN, S.PASSWORD_CHANGED],
    ),
    "joining.join": (by_an_invitation, [S.SIGN_IN], [S.SIGN_IN]),
    "account.find_code": (by_a_code_to_find_a_purchase, [S.SIGN_IN], [S.SIGN_IN]),
    "application.code": (by_a_code_while_applying, [S.SIGN_IN], [S.SIGN_IN]),
    "consultation.code": (by_a_code_with_a_question, [S.SIGN_IN], [S.SIGN_IN]),
    "factor.sign_in_passkey": (by_a_passkey_alone, [S.SIGN_IN], [S.SIGN_IN, S.SECOND_FACTOR]),
    "factor.verify": (by_a_code_of_the_app, [S.SECOND_FACTOR], [S.SECOND_FACTOR]),
    "factor.verify_passkey": (by_a_passkey_after_the_password, [S.SECOND_FACTOR], [S.SECOND_FACTOR]),
    "factor.add_passkey": (by_adding_a_passkey, [S.FACTOR_ADDED], [S.FACTOR_ADDED, S.SECOND_FACTOR]),
    "factor.authenticator": (by_adding_an_app, [S.FACTOR_ADDED], [S.FACTOR_ADDED, S.SECOND_FACTOR]),
    "security.confirm": (by_a_fresh_proof, [S.STEP_UP], [S.STEP_UP]),
    "security.password": (by_a_changed_password, [S.PASSWORD_CHANGED], [S.PASSWORD_CHANGED, S.STEP_UP]),
}  # fmt: skip


@pytest.fixture
def world(
    shop: Flask, code_for: Callable[[str], str], link_for: Callable[[str, str], str], at_step: Callable[..., Visitor]
) -> World:
    return World(shop, code_for, link_for, at_step)


@pytest.mark.asvs("16.3.1")
@pytest.mark.parametrize("endpoint", WAYS)
def test_a_way_in_is_kept_when_it_is_refused_and_when_it_is_taken(world: World, endpoint: str) -> None:
    go, refused, taken = WAYS[endpoint]
    go(world)
    with world.shop.app_context():
        events = reversed(queries.security_events(SecurityEventFilter(), size=200).events)
    kept = [(each.outcome, each.type) for each in events if each.endpoint == endpoint and each.type is not S.STAFF_ACT]
    assert kept == [(EventOutcome.REFUSED, each) for each in refused] + [(EventOutcome.DONE, each) for each in taken]


@pytest.mark.asvs("16.3.1")
def test_no_way_in_is_left_out(migrated_app: Flask) -> None:
    views = migrated_app.view_functions
    assert {name for name, view in views.items() if ENTERS.search(inspect.getsource(view))} == set(WAYS)
