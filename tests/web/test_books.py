"""The page that says whether every cent is explained, and the hourly alarm beside it (O13-24)."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.infra.formatting import format_money
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.oversight import services as oversight
from marketplace.oversight.values import Sale
from marketplace.payment import queries
from marketplace.payment.services import ledger
from marketplace.payment.values import LedgerAccount, LedgerEvent
from sandbox.demo.visitor import Visitor
from tests.simulator_server import SimulatorServer, running_simulator
from tests.web.desk_visits import at_the_desk

BOOKS = "/admin/books"
LONG_AGO = clock.now() - timedelta(hours=3)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorServer]:
    """One that has moved nobody else's money."""
    with running_simulator(tmp_path) as server:
        yield server


@pytest.fixture
def finance(shop: Flask) -> Visitor:
    return at_the_desk(shop, Role.ADMIN_FINANCE)


@pytest.mark.requirement("O13-24")
def test_a_sale_is_explained_to_the_cent(shop: Flask, sale: Sale, finance: Visitor) -> None:
    assert "Nothing was compared with Stripe yet" in finance.get(BOOKS)
    page = finance.post({}, f"{BOOKS}/compare")
    assert "Every cent is explained." in page
    assert "Compared with Stripe just now." in page
    with shop.app_context():
        (check,) = queries.last_balance_checks()
        assert check.provider == check.ledger
        owed = [each.total for each in queries.account_totals() if each.account is LedgerAccount.INSURER_PAYABLE]
    assert sale.premium
    assert owed == [-sale.premium]
    assert format_money(sale.premium) in page


def test_what_is_not_explained_is_named_and_rings(
    shop: Flask,
    sale: Sale,
    finance: Visitor,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    finance.get(BOOKS)
    finance.post({}, f"{BOOKS}/compare")
    with shop.app_context():
        ledger.move(LedgerEvent.RECEIVED, "nobody", Money(500, "CNY"), provider_object="pi_nobody")
        db.session.commit()
        assert oversight.check_books() == 0, "it may be on its way"
    page = finance.get(BOOKS)
    assert "Every cent is explained." in page
    assert "On its way" in page
    with shop.app_context():
        found = queries.unexplained()
    monkeypatch.setattr(queries, "unexplained", lambda: tuple(replace(each, since=LONG_AGO) for each in found))
    page = finance.get(BOOKS)
    with shop.app_context(), caplog.at_level(logging.ERROR):
        assert oversight.check_books() == 1
    assert "Not every cent is explained." in page
    assert "pi_nobody" in page
    assert "-¥5.00" in page
    assert "ALARM pi_nobody: Stripe less ledger is -500 CNY" in caplog.text


def test_while_stripe_is_silent_the_page_says_so_and_notes_nothing(
    shop: Flask, sale: Sale, finance: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_given: object) -> object:
        raise PaymentsUnavailable

    monkeypatch.setattr(Gateway, "list_movements", silent)
    finance.get(BOOKS)
    page = finance.post({}, f"{BOOKS}/compare")
    assert "Stripe does not answer at the moment. Nothing was noted" in page
    with shop.app_context():
        assert queries.last_balance_checks() == ()


def test_what_does_not_agree_is_told_in_the_reader_s_language(shop: Flask, sale: Sale, finance: Visitor) -> None:
    with shop.app_context():
        shop.extensions["superuser"].execute("UPDATE checkout_order SET total_minor = total_minor + 1")
    assert "the order costs something else than its lines" in finance.get(BOOKS)
    finance.post({"locale": "zh_Hans_CN", "back": BOOKS}, "/language")
    page = finance.get(BOOKS)
    assert "订单总额与各项之和不符" in page
    assert "the order costs something else" not in page
