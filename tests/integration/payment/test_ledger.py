"""The ledger follows the money and agrees with Stripe's own account of it; nobody changes what it says (O13-24)."""

from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from marketplace.infra.db import db
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel.ids import new_id
from marketplace.kernel.money import Money
from marketplace.payment import queries, services
from marketplace.payment.services import ledger
from marketplace.payment.values import Attempt, LedgerAccount, LedgerEvent, RefundReason
from tests.deferred_jobs import drain
from tests.factories.payment import PREMIUM, an_open_attempt
from tests.simulator_server import SECRET_KEY, SimulatorServer

A, FEE = LedgerAccount, Money(128_400 * 29 // 1000 + 1 + 30, "CNY")  # 2.9 %, to the nearest, and 0.30
REFUND_FAILS, AVAILABLE_AT_ONCE = "4000000000005126", "4000000000000077"


def paid(simulator: SimulatorServer, card: str = "4242424242424242") -> Attempt:
    attempt, url = an_open_attempt()
    simulator.pay(url, card)
    services.settle(attempt.id)
    db.session.commit()
    return attempt


def totals() -> dict[LedgerAccount, int]:
    return {each.account: each.total.minor for each in queries.account_totals() if each.total.minor}


def compare() -> None:
    services.take_movements()
    db.session.commit()


def test_what_comes_in_is_held_for_its_customer_once(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    services.settle(attempt.id)
    db.session.commit()
    assert totals() == {A.PROVIDER_BALANCE: PREMIUM.minor, A.CUSTOMER_HELD: -PREMIUM.minor}


def test_every_cent_at_stripe_is_explained_its_fee_included(simulator: SimulatorServer) -> None:
    paid(simulator)
    assert [each.moved for each in queries.unexplained()] != [], "until its movements were taken over"
    compare()
    assert queries.unexplained() == ()
    (check,) = queries.last_balance_checks()
    assert check.provider == check.ledger == PREMIUM - FEE
    assert totals()[A.PROVIDER_FEES] == FEE.minor
    before = totals()
    services.take_movements()
    db.session.commit()
    assert totals() == before, "a second look posts nothing"


def test_a_refund_leaves_when_it_is_sent(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    refund = services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    db.session.commit()
    assert totals() == {A.PROVIDER_BALANCE: PREMIUM.minor, A.REFUNDS_PAYABLE: -PREMIUM.minor}
    services.send_refund(refund.id)
    db.session.commit()
    assert totals() == {}
    compare()
    assert (queries.unexplained(), totals()) == ((), {A.PROVIDER_BALANCE: -FEE.minor, A.PROVIDER_FEES: FEE.minor})


def test_a_refund_that_comes_back_is_still_owed(simulator: SimulatorServer) -> None:
    attempt = paid(simulator, REFUND_FAILS)
    refund = services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    drain("payment")
    simulator.wait_for_wallets()
    services.send_refund(refund.id)
    db.session.commit()
    compare()
    assert totals()[A.REFUNDS_PAYABLE] == -PREMIUM.minor
    assert queries.unexplained() == ()


def test_a_payout_goes_to_the_bank(simulator: SimulatorServer) -> None:
    paid(simulator, AVAILABLE_AT_ONCE)
    made = requests.post(
        f"{simulator.url}/v1/payouts", {"amount": 5000, "currency": "cny"}, auth=(SECRET_KEY, ""), timeout=10
    )
    assert made.ok, made.text
    compare()
    assert totals()[A.BANK] == 5000
    assert queries.unexplained() == ()


def test_what_only_stripe_knows_is_named(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    compare()
    (found,) = queries.unexplained()
    assert found.difference == PREMIUM
    services.settle(attempt.id)
    db.session.commit()
    assert queries.unexplained() == ()


def test_what_only_the_ledger_knows_is_named(simulator: SimulatorServer) -> None:
    compare()
    ledger.move(LedgerEvent.RECEIVED, new_id(), PREMIUM, provider_object="pi_nobody")
    db.session.commit()
    (found,) = queries.unexplained()
    assert (found.moved, found.difference) == ("pi_nobody", -PREMIUM)


def test_while_stripe_does_not_answer_nothing_is_noted(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(simulator)
    compare()
    before = queries.last_balance_checks()

    def silent(*_given: Any) -> Any:
        raise PaymentsUnavailable

    monkeypatch.setattr(Gateway, "balance", silent)
    with pytest.raises(PaymentsUnavailable):
        services.take_movements()
    db.session.rollback()
    assert queries.last_balance_checks() == before


def test_movements_of_more_than_a_page_are_all_taken(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marketplace.infra.stripe_gateway.calling.PAGE", 2)
    for _ in range(5):
        paid(simulator)
    compare()
    assert queries.unexplained() == ()
    assert totals()[A.PROVIDER_FEES] == 5 * FEE.minor


@pytest.mark.usefixtures("database")
class TestTheDatabaseHolds:
    def test_an_entry_that_does_not_balance_is_refused(self) -> None:
        entry = self._entry()
        self._line(entry, 1, 100)
        self._line(entry, 2, -99)
        with pytest.raises(IntegrityError, match="do not balance"):
            db.session.commit()
        db.session.rollback()
        assert queries.account_totals() == ()

    @pytest.mark.parametrize("numbers", [(), (1,)])
    def test_an_entry_without_two_lines_is_refused(self, numbers: tuple[int, ...]) -> None:
        entry = self._entry()
        for number in numbers:
            self._line(entry, number, 100)
        with pytest.raises(IntegrityError, match="do not balance"):
            db.session.commit()
        db.session.rollback()

    def test_a_line_cannot_be_added_later(self) -> None:
        ledger.move(LedgerEvent.RECEIVED, "cause", PREMIUM)
        db.session.commit()
        entry = db.session.execute(text("SELECT id FROM payment_ledger_entry")).scalar_one()
        self._line(entry, 3, 1)
        with pytest.raises(IntegrityError, match="do not balance"):
            db.session.commit()
        db.session.rollback()

    @pytest.mark.parametrize("table", ["payment_ledger_entry", "payment_ledger_line", "payment_provider_movement"])
    @pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
    def test_the_site_may_change_nothing(self, table: str, statement: str) -> None:
        column = {"payment_ledger_line": "account"}.get(table, "id")
        with pytest.raises(DBAPIError, match="permission denied"):
            db.session.execute(text(statement.format(table, column, column)))
        db.session.rollback()

    def test_the_owner_may_change_nothing_either(self, app: Flask) -> None:
        ledger.move(LedgerEvent.RECEIVED, "cause", PREMIUM)
        db.session.commit()
        superuser = app.extensions["superuser"]
        for statement in ("UPDATE payment_ledger_line SET amount_minor = 1", "DELETE FROM payment_ledger_entry"):
            with pytest.raises(Exception, match="what the ledger says stays"):
                superuser.execute(statement)
        assert totals() == {A.PROVIDER_BALANCE: PREMIUM.minor, A.CUSTOMER_HELD: -PREMIUM.minor}

    def test_the_same_cause_is_posted_once(self) -> None:
        posted = [ledger.move(LedgerEvent.RECEIVED, "cause", PREMIUM) for _ in range(2)]
        db.session.commit()
        assert posted == [True, False]
        assert totals()[A.PROVIDER_BALANCE] == PREMIUM.minor

    @staticmethod
    def _entry() -> object:
        entry = new_id()
        db.session.execute(
            text("INSERT INTO payment_ledger_entry (id, event, cause, posted_at) VALUES (:id, 'received', 'x', now())"),
            {"id": entry},
        )
        return entry

    @staticmethod
    def _line(entry: object, number: int, minor: int) -> None:
        db.session.execute(
            text(
                "INSERT INTO payment_ledger_line (entry_id, number, account, amount_minor, currency) "
                "VALUES (:entry, :number, 'bank', :minor, 'CNY')"
            ),
            {"entry": entry, "number": number, "minor": minor},
        )
