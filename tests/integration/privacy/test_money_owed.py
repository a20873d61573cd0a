"""Nobody's money is lost by closing an account: what is owed keeps it open, and money never depends on the trail."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from marketplace.accounts import queries as accounts
from marketplace.accounts import services as account_services
from marketplace.accounts.values import Account, AccountNotFound
from marketplace.application.values import ApplicationNotFound
from marketplace.checkout import queries as orders
from marketplace.checkout import services as checkout
from marketplace.checkout.values import Order, OrderState, PaymentUrls
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import AttemptState, Purpose, Receipt, RefundState
from marketplace.privacy import queries, services
from marketplace.privacy.values import SaleUnderWay
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from tests.deferred_jobs import drain
from tests.factories.accounts import a_guest
from tests.factories.checkout import an_accepted_application
from tests.simulator_server import SimulatorServer

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")
ADDRESS = "li.na@example.com"
HOURS = timedelta(hours=1)


@dataclass
class Sale:
    """Somebody with an order. `page` is the hosted page once it was opened."""

    customer: Account
    order: Order
    page: str = ""

    def open_page(self) -> "Sale":
        attempt = checkout.pay(self.order.id, URLS)
        db.session.commit()
        self.page = payment.open_session(attempt.id)
        db.session.commit()
        return self

    @property
    def state(self) -> OrderState:
        db.session.commit()
        db.session.expire_all()
        return orders.order(self.order.id).state

    @property
    def attempts(self) -> list[AttemptState]:
        return [each.state for each in payments.attempts_of(Purpose.NEW_BUSINESS, self.order.id)]

    @property
    def refunds(self) -> list[RefundState]:
        return [each.state for each in payments.refunds_for(Purpose.NEW_BUSINESS, self.order.id)]


@pytest.fixture
def sale(database: None) -> Sale:
    customer = a_guest(ADDRESS)
    order = checkout.place_order([an_accepted_application(customer).id], customer.id)
    db.session.commit()
    return Sale(customer, order)


def stays_open(sale: Sale) -> bool:
    """Whether closing says what it waits for, is refused, and leaves everything as it was."""
    db.session.commit()
    assert queries.closing_preview(sale.customer.id).unfinished == (sale.order.reference,)
    with pytest.raises(SaleUnderWay):
        services.close_account(sale.customer.id)
    db.session.rollback()
    erased = db.session.scalar(text("SELECT count(*) FROM infra_subject_key WHERE destroyed_at IS NOT NULL"))
    return erased == 0 and not accounts.account(sale.customer.id).disabled


def closes(sale: Sale) -> bool:
    services.close_account(sale.customer.id)
    db.session.commit()
    return accounts.account(sale.customer.id).disabled


def hear_of_it(simulator: SimulatorServer, kind: str = "checkout.session.completed") -> Receipt:
    delivery = simulator.webhook(kind)
    receipt = payment.receive_event(delivery.payload, delivery.signature)
    db.session.commit()
    return receipt


def test_an_order_nobody_began_to_pay_holds_nobody(sale: Sale) -> None:
    assert closes(sale)


def test_money_may_come_on_a_page_that_is_still_open_though_the_order_is_closed(
    simulator: SimulatorServer, sale: Sale
) -> None:
    sale.open_page()
    checkout.lapse_order(sale.order.id)
    assert (sale.state, sale.attempts) == (OrderState.LAPSED, [AttemptState.EXPIRED])
    assert stays_open(sale), "the page is not closed at the provider yet"
    assert simulator.pay(sale.page).status_code == 303
    assert stays_open(sale), "paid there, and we do not know"
    assert hear_of_it(simulator) is Receipt.QUEUED
    payment.settle(payments.attempts_of(Purpose.NEW_BUSINESS, sale.order.id)[0].id)
    assert (sale.state, sale.attempts) == (OrderState.LAPSED, [AttemptState.REFUND_PENDING])
    assert stays_open(sale), "the refund is asked for"
    drain("payment", "checkout")
    assert (sale.attempts, sale.refunds) == ([AttemptState.REFUNDED], [RefundState.SUCCEEDED])
    assert closes(sale)


def test_a_page_that_ran_out_unpaid_lets_go(simulator: SimulatorServer, sale: Sale) -> None:
    sale.open_page()
    checkout.lapse_order(sale.order.id)
    drain("payment", "checkout")
    assert closes(sale)


def test_an_attempt_whose_page_nobody_opened_lets_go_when_it_ran_out(simulator: SimulatorServer, sale: Sale) -> None:
    checkout.pay(sale.order.id, URLS)
    assert stays_open(sale)
    with clock.frozen(clock.now() + 2 * HOURS):
        payment.reconcile()
        drain("payment")
        assert closes(sale)


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_a_refund_that_has_not_arrived_keeps_the_account_open(
    simulator: SimulatorServer, sale: Sale, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    create = Gateway.create_refund
    monkeypatch.setattr(Gateway, "create_refund", lambda *given: replace(create(*given), status=status))
    sale.open_page()
    checkout.lapse_order(sale.order.id)
    db.session.commit()
    simulator.pay(sale.page)
    hear_of_it(simulator)
    drain("payment", "checkout")
    assert (sale.state, sale.attempts) == (OrderState.LAPSED, [AttemptState.REFUND_PENDING])
    assert sale.refunds == [RefundState.SENT if status == "pending" else RefundState.FAILED]
    assert stays_open(sale)


def test_paid_is_paid_before_the_order_has_heard_of_it(simulator: SimulatorServer, sale: Sale) -> None:
    sale.open_page()
    simulator.pay(sale.page)
    hear_of_it(simulator)
    drain("payment")
    assert (sale.state, sale.attempts) == (OrderState.OPEN, [AttemptState.SUCCEEDED])
    assert stays_open(sale)


def test_what_came_since_the_page_was_made_counts(simulator: SimulatorServer, sale: Sale, app: Flask) -> None:
    """The page that says what closing does is made in the same transaction as the closing."""
    assert queries.closing_preview(sale.customer.id).unfinished == ()
    assert [each.state for each in orders.orders_of_account(sale.customer.id)] == [OrderState.OPEN]
    with app.app_context():
        sale.open_page()
        simulator.pay(sale.page)
        hear_of_it(simulator)
        drain("payment")
        db.session.remove()
    with pytest.raises(SaleUnderWay):
        services.close_account(sale.customer.id)


def impatient() -> None:
    """This transaction says so instead of waiting for a lock."""
    db.session.execute(text("SET LOCAL lock_timeout = '100ms'"))


@pytest.mark.asvs("2.3.4")
def test_closing_waits_for_whoever_is_beginning_to_pay(sale: Sale, app: Flask) -> None:
    checkout.pay(sale.order.id, URLS)
    with app.app_context():
        impatient()
        with pytest.raises(OperationalError, match="lock timeout"):
            services.close_account(sale.customer.id)
        db.session.rollback()
        db.session.remove()
    db.session.commit()
    with app.app_context():
        assert stays_open(sale)
    assert sale.attempts == [AttemptState.CREATED]


@pytest.mark.asvs("2.3.4")
def test_nobody_begins_to_pay_while_the_account_is_closed(sale: Sale, app: Flask) -> None:
    services.close_account(sale.customer.id)
    with app.app_context():
        impatient()
        with pytest.raises(OperationalError, match="lock timeout"):
            checkout.pay(sale.order.id, URLS)
        db.session.rollback()
        db.session.remove()
    db.session.commit()
    with app.app_context():
        with pytest.raises(AccountNotFound):
            checkout.pay(sale.order.id, URLS)
        with pytest.raises(ApplicationNotFound):
            checkout.place_order([sale.order.lines[0].application_id], sale.customer.id)
    assert sale.attempts == []
    assert db.session.scalar(text("SELECT count(*) FROM checkout_order")) == 1


def erase_regardless(sale: Sale) -> None:
    """Everything of the customer is erased, whatever is owed: as if none of the above had held."""
    account_services.close_account(sale.customer.id)
    for subject_id in (sale.order.lines[0].application_id, sale.order.journey_id):
        vault.destroy(subject_id)
    db.session.commit()
    vault.forget()


def entries(sale: Sale) -> list[tuple[EntryType, dict[str, object]]]:
    return [(entry.type, dict(entry.body)) for entry in trail.journey_entries(sale.order.journey_id)]


def test_late_money_of_somebody_erased_goes_back(simulator: SimulatorServer, sale: Sale) -> None:
    sale.open_page()
    checkout.lapse_order(sale.order.id)
    db.session.commit()
    simulator.pay(sale.page)
    erase_regardless(sale)
    assert hear_of_it(simulator) is Receipt.QUEUED
    drain("payment", "checkout", "oversight")
    assert (sale.attempts, sale.refunds) == ([AttemptState.REFUNDED], [RefundState.SUCCEEDED])
    (refund,) = simulator.listed("/v1/refunds")
    assert refund["amount"] == sale.order.total.minor
    assert entries(sale)[-2:] == [(EntryType.REFUND_REQUESTED, {}), (EntryType.REFUND_SUCCEEDED, {})]
    kept = db.session.execute(text("SELECT type, payload IS NULL FROM payment_provider_event")).all()
    assert kept == [("checkout.session.completed", True)], "what names somebody who was erased is not kept anew"
    assert db.session.scalar(text("SELECT count(*) FROM correspondence_message WHERE kind LIKE '%refund%'")) == 0


def test_a_refund_under_way_is_noted_though_its_journey_is_erased(simulator: SimulatorServer, sale: Sale) -> None:
    sale.open_page()
    checkout.lapse_order(sale.order.id)
    db.session.commit()
    simulator.pay(sale.page)
    (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, sale.order.id)
    payment.settle(attempt.id)
    db.session.commit()
    assert sale.refunds == [RefundState.REQUESTED]
    erase_regardless(sale)
    with clock.frozen(clock.now() + HOURS):
        payment.reconcile()
        drain("payment", "checkout", "oversight")
        assert payment.reconcile() == 0, "and nothing is left to ask for each minute"
    assert (sale.attempts, sale.refunds) == ([AttemptState.REFUNDED], [RefundState.SUCCEEDED])
    assert entries(sale)[-1] == (EntryType.REFUND_SUCCEEDED, {})


def test_a_paid_order_of_somebody_erased_is_given_back(simulator: SimulatorServer, sale: Sale) -> None:
    sale.open_page()
    simulator.pay(sale.page)
    erase_regardless(sale)
    hear_of_it(simulator)
    drain("payment", "checkout", "oversight")
    assert sale.state is OrderState.REFUNDED
    assert (sale.attempts, sale.refunds) == ([AttemptState.REFUNDED], [RefundState.SUCCEEDED])
    assert db.session.scalar(text("SELECT count(*) FROM policy_policy")) == 0
