"""Placing an order and paying it: the price comes from the offers only, and nobody orders twice or for another."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from marketplace.accounts.values import Account
from marketplace.application.values import ApplicationNotFound
from marketplace.checkout import queries, services
from marketplace.checkout.values import (
    AlreadyOrdered,
    MixedCurrencies,
    NothingOrdered,
    Order,
    OrderClosed,
    OrderNotFound,
    OrderState,
    PaymentUrls,
)
from marketplace.infra.db import constraint_of, db
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import Purpose
from marketplace.quoting.values import OfferExpired, OfferVoided
from tests.at_once import at_once
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import a_guest
from tests.factories.checkout import an_accepted_application, an_offer_of
from tests.simulator_server import SimulatorServer

pytestmark = pytest.mark.usefixtures("database")

URLS = PaymentUrls("http://localhost:8000/application/1/return", "http://localhost:8000/application/1/pay")


@pytest.fixture
def customer(database: None) -> Account:
    return a_guest("li.na@example.com")


def orders() -> int:
    return db.session.execute(text("SELECT count(*) FROM checkout_order")).scalar_one()


def an_order(customer: Account) -> Order:
    order = services.place_order([an_accepted_application(customer).id], customer.id)
    db.session.commit()
    return order


def void(order: Order) -> None:
    db.session.execute(
        text("UPDATE quoting_offer SET voided_at = now() WHERE id = :id"), {"id": order.lines[0].offer_id}
    )
    db.session.commit()


@pytest.mark.requirement("SCM-05")
def test_an_order_costs_what_its_offer_said(customer: Account) -> None:
    application = an_accepted_application(customer)
    order = services.place_order([application.id], customer.id)
    db.session.commit()
    assert (order.state, order.total) == (OrderState.OPEN, Money(10_600, "CNY"))
    assert [(line.number, line.application_id, line.premium) for line in order.lines] == [
        (1, application.id, Money(10_600, "CNY"))
    ]
    assert queries.order(order.id) == order
    assert queries.order_of_application(application.id) == order
    assert queries.orders_of_account(customer.id) == (order,)
    assert "fact.order_placed" in waiting()


def test_placing_it_again_gives_the_same_order(customer: Account) -> None:
    application = an_accepted_application(customer)
    first = services.place_order([application.id], customer.id)
    db.session.commit()
    assert services.place_order([application.id, application.id], customer.id) == first
    assert orders() == 1


def test_placing_it_from_two_tabs_at_once_gives_one_order(customer: Account, app: Flask) -> None:
    application = an_accepted_application(customer)
    db.session.commit()
    placed = at_once(app, 3, lambda: services.place_order([application.id], customer.id).id)
    assert len(placed) == 3
    assert (len(set(placed)), orders()) == (1, 1)


def test_nobody_orders_nothing(customer: Account) -> None:
    with pytest.raises(NothingOrdered):
        services.place_order([], customer.id)
    assert orders() == 0


def test_a_stranger_can_neither_order_nor_see_the_order(customer: Account) -> None:
    stranger = a_guest("stranger@example.com")
    application = an_accepted_application(customer)
    with pytest.raises(ApplicationNotFound):
        services.place_order([application.id], stranger.id)
    assert orders() == 0
    order = services.place_order([application.id], customer.id)
    with pytest.raises(ApplicationNotFound):
        services.place_order([application.id], stranger.id)
    with pytest.raises(OrderNotFound):
        queries.own_order(order.id, stranger.id)
    assert queries.own_order(order.id, customer.id) == order


def test_two_contracts_are_one_order_with_one_total(customer: Account) -> None:
    first = an_accepted_application(customer)
    db.session.execute(text("UPDATE catalog_product_version SET withdrawn_at = now()"))
    db.session.commit()
    db.session.expire_all()
    second = an_accepted_application(customer, an_offer_of(amount="50.00"))
    db.session.execute(text("UPDATE catalog_product_version SET withdrawn_at = NULL"))
    db.session.expire_all()
    order = services.place_order([first.id, second.id], customer.id)
    assert (order.total, len(order.lines)) == (Money(15_900, "CNY"), 2)
    alone = services.place_order([second.id], customer.id)
    assert queries.order(order.id).state is OrderState.LAPSED, "the newer wish takes the place of the open order"
    assert (alone.total, alone.state) == (Money(5_300, "CNY"), OrderState.OPEN)


def test_an_application_stands_in_one_live_order_whatever_happens(customer: Account) -> None:
    order = an_order(customer)
    with pytest.raises(Exception, match="uq_checkout_order_line_live") as broken:
        db.session.execute(
            text(
                "INSERT INTO checkout_order_line SELECT order_id, 2, application_id, offer_id, insurer_id, "
                "product_version_id, premium_minor, currency, true FROM checkout_order_line WHERE order_id = :id"
            ),
            {"id": order.id},
        )
    assert constraint_of(broken.value) == "uq_checkout_order_line_live"


@pytest.mark.requirement("O13-49")
@pytest.mark.parametrize("column", ["application_id", "offer_id", "insurer_id", "product_version_id"])
def test_nothing_but_insurance_can_be_in_an_order(customer: Account, column: str) -> None:
    placed = an_order(customer)
    with pytest.raises(IntegrityError) as refusal:
        db.session.execute(text(f"UPDATE checkout_order_line SET {column} = NULL"))
    assert "NotNullViolation" in str(refusal.value)
    db.session.rollback()
    assert queries.order(placed.id) == placed


def test_different_currencies_are_not_paid_together() -> None:
    from marketplace.checkout.rules import total_of  # noqa: PLC0415  the rule alone: no line sells in two currencies

    with pytest.raises(MixedCurrencies):
        total_of([Money(1, "CNY"), Money(1, "USD")])


def test_paying_names_the_product_and_asks_for_the_total(simulator: SimulatorServer, customer: Account) -> None:
    order = an_order(customer)
    attempt = services.pay(order.id, URLS)
    db.session.commit()
    payment.open_session(attempt.id)
    db.session.commit()
    (session,) = simulator.listed("/v1/checkout/sessions")
    assert (session["amount_total"], session["currency"]) == (10_600, "cny")
    assert (session["customer_email"], session["success_url"]) == ("li.na@example.com", URLS.success)
    assert session["metadata"]["reference"] == order.reference
    assert services.pay(order.id, URLS).id == attempt.id


def test_an_expired_offer_is_not_paid(customer: Account) -> None:
    order = an_order(customer)
    with clock.frozen(order.expires_at), pytest.raises(OfferExpired):
        services.pay(order.id, URLS)
    assert payments.attempts_of(Purpose.NEW_BUSINESS, order.id) == ()


def test_a_voided_offer_is_not_paid(customer: Account) -> None:
    order = an_order(customer)
    void(order)
    with pytest.raises(OfferVoided):
        services.pay(order.id, URLS)
    assert payments.attempts_of(Purpose.NEW_BUSINESS, order.id) == ()


def test_an_unpaid_order_lapses_some_time_after_its_offer(simulator: SimulatorServer, customer: Account) -> None:
    order = an_order(customer)
    payment.open_session(_committed(services.pay(order.id, URLS).id))
    db.session.commit()
    with clock.frozen(order.expires_at + timedelta(hours=1)):
        assert services.sweep() == 0
    with clock.frozen(order.expires_at + timedelta(hours=3)):
        assert services.sweep() == 1
        assert services.sweep() == 0, "what waits for the worker is not given to it again"
        drain("payment", "checkout")
    assert queries.order(order.id).state is OrderState.LAPSED
    assert [session["status"] for session in simulator.listed("/v1/checkout/sessions")] == ["expired"]
    with pytest.raises(OrderClosed):
        services.pay(order.id, URLS)
    assert "fact.order_lapsed" in waiting()


def test_a_paid_order_does_not_lapse_though_its_webhook_was_lost(simulator: SimulatorServer, customer: Account) -> None:
    order = an_order(customer)
    url = payment.open_session(_committed(services.pay(order.id, URLS).id))
    db.session.commit()
    simulator.switch(drop_webhooks=True)
    simulator.pay(url)
    services.lapse_order(order.id)
    drain("payment", "checkout")
    assert queries.order(order.id).state is OrderState.ISSUED


def test_a_paid_order_is_not_placed_again(simulator: SimulatorServer, customer: Account) -> None:
    order = an_order(customer)
    simulator.pay(payment.open_session(_committed(services.pay(order.id, URLS).id)))
    db.session.commit()
    services.check_payment(order.id)
    drain("payment", "checkout")
    with pytest.raises(AlreadyOrdered):
        services.place_order([order.lines[0].application_id], customer.id)
    with pytest.raises(OrderClosed):
        services.pay(order.id, URLS)
    assert orders() == 1


def _committed(attempt_id):
    db.session.commit()
    return attempt_id
