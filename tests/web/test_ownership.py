"""Policies, papers, orders and applications are there for their owner, their insurer and an administrator only."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.web.doors import ACCESS
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import a_customer, a_member_of_staff, an_insurer
from tests.web.conftest import LI_NA, NothingWritten
from tests.web.desk_visits import sign_in

AtStep = Callable[..., Visitor]


@dataclass
class Bought:
    """Li Na's purchase: where its pages are, and what nobody else may read."""

    owner: Visitor
    application: str
    policy: Policy

    def paths(self) -> list[str]:
        steps = ("", "/email", "/code", "/people", "/identity", "/questions", "/documents", "/documents/1",
                 "/exclusions", "/review", "/pay", "/return", "/done", "/ended", "/policy.pdf")  # fmt: skip
        own = [f"/policies/{self.policy.id}", f"/policies/{self.policy.id}/document.pdf"]
        return [f"{self.application}{step}" for step in steps] + own

    def secrets(self) -> list[str]:
        return [LI_NA.name, LI_NA.email, self.policy.number, self.policy.check_code, "%PDF"]


@pytest.fixture
def bought(shop: Flask, at_step: AtStep, work: Callable[[], list[str]]) -> Bought:
    owner = at_step("pay")
    application = owner.at.removesuffix("/pay")
    assert owner.pay()
    work()
    with shop.app_context():
        found = policies.policy_of_application(application.rsplit("/", 1)[1])  # type: ignore[arg-type]
    assert found
    return Bought(owner, application, found)


def refuses(visitor: Visitor, bought: Bought) -> None:
    for path in bought.paths():
        answer = visitor.client.get(path)
        leads_to_sign_in = answer.status_code == 302 and answer.location.startswith("/sign-in?next=")
        assert answer.status_code in {403, 404} or leads_to_sign_in, path
        body = answer.get_data(as_text=True)
        assert [each for each in bought.secrets() if each in body] == [], path


def test_the_owner_sees_it_all_without_which_the_others_say_nothing(bought: Bought) -> None:
    assert bought.owner.client.get(f"{bought.application}/policy.pdf").data.startswith(b"%PDF-1.7")
    assert bought.owner.client.get(f"/policies/{bought.policy.id}/document.pdf").data.startswith(b"%PDF-1.7")
    assert bought.policy.number in bought.owner.get("/account")


def test_nobody_signed_in(bought: Bought, stranger: Visitor, nothing_written: NothingWritten) -> None:
    with nothing_written():
        refuses(stranger, bought)


def test_another_customer(shop: Flask, bought: Bought, stranger: Visitor, nothing_written: NothingWritten) -> None:
    with shop.app_context():
        other = a_customer("other@example.com")
        db.session.commit()
    sign_in(shop, stranger, other)
    with nothing_written():
        refuses(stranger, bought)
    assert bought.policy.number not in stranger.get("/account")


@pytest.mark.parametrize("role", [Role.INSURER_ADMIN, Role.ADMIN_SALES])
def test_staff_do_not_walk_a_customers_road(
    shop: Flask, bought: Bought, stranger: Visitor, nothing_written: NothingWritten, role: Role
) -> None:
    with shop.app_context():
        insurer = an_insurer("farshore") if role is Role.INSURER_ADMIN else None
        staff = a_member_of_staff(role, insurer)
        db.session.commit()
    sign_in(shop, stranger, staff)
    with nothing_written():
        refuses(stranger, bought)


@pytest.mark.requirement("T26-25")
def test_a_stranger_posts_into_an_application_under_way(
    shop: Flask, at_step: AtStep, stranger: Visitor, nothing_written: NothingWritten
) -> None:
    """With all that the page of the owner holds except the owner's session; signed in as staff too (T26-25)."""
    owner = at_step("exclusions")
    form = hidden_fields(owner.text) | {"confirm": "yes"}
    with shop.app_context():
        staff = a_member_of_staff()
        db.session.commit()
    for visitor in (stranger, sign_in(shop, Visitor(shop.test_client()), staff)):
        visitor.get("/verify")
        token = {"csrf_token": hidden_fields(visitor.text)["csrf_token"]}
        with nothing_written():
            answer = visitor.client.post(owner.at, data=form | token)
        assert answer.status_code == 404
        assert LI_NA.email not in answer.get_data(as_text=True)


def test_each_desk_is_closed_to_the_others(shop: Flask, stranger: Visitor) -> None:
    with shop.app_context():
        other = a_customer("other@example.com")
        db.session.commit()
    assert stranger.client.get("/insurer").status_code == stranger.client.get("/admin").status_code == 302
    sign_in(shop, stranger, other)
    assert stranger.client.get("/insurer").status_code == stranger.client.get("/admin").status_code == 403


def test_every_door_has_a_rule(shop: Flask) -> None:
    assert {rule.endpoint for rule in shop.url_map.iter_rules()} == set(ACCESS)


@pytest.mark.requirement("T26-32")
def test_whoever_lost_the_answer_to_their_code_proves_the_address_once_more_and_goes_on(
    at_step: AtStep, code_for: Callable[[str], str], nothing_written: NothingWritten
) -> None:
    """The application is theirs by then, and their browser does not know it."""
    visitor = at_step("people")
    application = visitor.at.removesuffix("/people")
    visitor.client.delete_cookie("session")
    with nothing_written():
        visitor.get(f"{application}/people")
        assert urlsplit(visitor.at).path == "/find"
        assert "If it is yours, please prove the address once more to go on." in words(visitor.text)
        assert LI_NA.email not in visitor.text
    visitor.post({"email": LI_NA.email})
    visitor.post({"code": code_for(LI_NA.email)})
    assert visitor.at == f"{application}/people"
    visitor.give_people(LI_NA)
    assert visitor.at == f"{application}/identity"


def test_after_signing_out_nothing_is_told_of_it(at_step: AtStep) -> None:
    visitor = at_step("people")
    application = visitor.at.removesuffix("/people")
    visitor.post({}, "/sign-out")
    visitor.get(application)
    assert (visitor.at, visitor.status) == (application, 404)
    assert "If it is yours" not in visitor.text


def test_staff_in_the_same_browser_are_told_nothing(shop: Flask, at_step: AtStep) -> None:
    visitor = at_step("people")
    application = visitor.at.removesuffix("/people")
    visitor.client.delete_cookie("session")
    with shop.app_context():
        account = a_member_of_staff(Role.ADMIN_SALES)
        db.session.commit()
    sign_in(shop, visitor, account)
    visitor.get(f"{application}/people")
    assert (visitor.at, visitor.status) == (f"{application}/people", 404)


def test_another_address_does_not_lead_into_it(
    at_step: AtStep, code_for: Callable[[str], str], nothing_written: NothingWritten
) -> None:
    visitor = at_step("people")
    application = visitor.at.removesuffix("/people")
    visitor.client.delete_cookie("session")
    visitor.get(application)
    visitor.post({"email": "mallory@example.com"})
    visitor.post({"code": code_for("mallory@example.com")})
    assert (visitor.at, visitor.status) == (application, 404)
    with nothing_written():
        visitor.get(f"{application}/people")
    assert visitor.status == 404
    assert LI_NA.email not in visitor.text
