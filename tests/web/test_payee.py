"""An insurer's administrator goes to Stripe and back; the marketplace sees how it stands, other insurers nothing."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import an_insurer
from tests.simulator_server import SimulatorServer
from tests.web.conftest import count
from tests.web.desk_visits import at_the_desk

PAGE = "/insurer/payee"


@pytest.fixture
def admin(shop: Flask) -> Visitor:
    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
    return at_the_desk(shop, Role.INSURER_ADMIN, harbour)


@pytest.fixture
def opened(simulator: SimulatorServer) -> Callable[[], list[str]]:
    """The ids of the accounts that Stripe has opened since."""
    before = {each["id"] for each in simulator.listed("/v1/accounts", limit=100)}
    return lambda: [
        each["id"] for each in simulator.listed("/v1/accounts", limit=100) if each["id"] not in before
    ]  # fmt: skip


def go(visitor: Visitor, **typed: str) -> str:
    """Press the button; where at Stripe that leads."""
    visitor.get(PAGE)
    answer = visitor.client.post(f"{PAGE}/go", data=hidden_fields(visitor.text) | typed)
    visitor.status = answer.status_code
    visitor.text = answer.get_data(as_text=True)
    return answer.headers.get("Location", "")


def finish(link: str) -> str:
    requests.get(link, timeout=5).raise_for_status()
    led = requests.post(link, data={"answer": "finish"}, timeout=5, allow_redirects=False)
    return urlsplit(led.headers["Location"]).path


def test_to_stripe_and_back(shop: Flask, admin: Visitor, opened: Callable[[], list[str]]) -> None:
    assert "not begun" in words(admin.get(PAGE))
    link = go(admin, country="HK")
    assert admin.status == 303
    page = words(admin.get(PAGE))
    assert "begun" in page
    assert "Stripe asks for: what the company does and where its site is the bank account" in page
    assert "Hong Kong" in page
    admin.get(finish(link))
    assert (admin.at, admin.status) == (PAGE, 200)
    assert "This account can receive money and pay it out to its bank." in words(admin.text)
    assert len(opened()) == 1
    with shop.app_context():
        harbour = accounts.insurer_by_code("harbour")
    desk = at_the_desk(shop, Role.ADMIN_OWNER)
    told = words(desk.get(f"/admin/insurers/{harbour.id}"))
    assert "This account can receive money and pay it out to its bank." in told
    assert opened()[0] in told
    assert "sells ready" in words(desk.get("/admin/insurers"))


def test_a_link_that_was_used_leads_back_and_another_click_to_the_same_account(
    admin: Visitor, opened: Callable[[], list[str]]
) -> None:
    link = go(admin, country="HK")
    requests.get(link, timeout=5).raise_for_status()
    again = requests.get(link, timeout=5, allow_redirects=False).headers["Location"]
    assert urlsplit(again).path == PAGE
    assert go(admin) != link
    assert len(opened()) == 1


def test_without_a_country_nothing_is_opened(shop: Flask, admin: Visitor, opened: Callable[[], list[str]]) -> None:
    for typed in ({}, {"country": "CN"}):
        assert go(admin, **typed) == ""
        assert admin.status == 422
    assert opened() == []
    assert count(shop, "accounts_payee") == 0


def test_while_stripe_does_not_answer_nothing_is_lost(
    shop: Flask, admin: Visitor, simulator: SimulatorServer, opened: Callable[[], list[str]]
) -> None:
    simulator.switch(fail_next=[{"path": "/v1/accounts", "how": "cut", "when": "after", "times": 3}])
    assert go(admin, country="HK") == ""
    assert admin.status == 503
    assert count(shop, "accounts_payee", "account_id IS NULL") == 1
    link = go(admin)
    assert len(opened()) == 1
    finish(link)
    simulator.switch(
        fail_next=[{"path": "/v1/accounts/*", "method": "GET", "how": "cut", "when": "before", "times": 3}]
    )
    assert "Stripe does not answer at the moment." in words(admin.get(f"{PAGE}/returned"))
    assert count(shop, "accounts_payee", "NOT charges_enabled") == 1
    simulator.switch()


def test_another_insurer_sees_none_of_it(shop: Flask, admin: Visitor) -> None:
    go(admin, country="HK")
    with shop.app_context():
        rival = an_insurer("rival")
        db.session.commit()
    other = at_the_desk(shop, Role.INSURER_ADMIN, rival)
    assert "not begun" in words(other.get(PAGE))
    assert "not begun" in words(other.get(f"{PAGE}/returned"))
