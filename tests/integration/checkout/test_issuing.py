"""A paid order ends with a contract for every line or with all of its money back: never both, never neither."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.application import queries as applications
from marketplace.application.values import State
from marketplace.checkout import queries, services
from marketplace.checkout.values import Order, OrderState, PaymentUrls
from marketplace.infra.db import db
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import AttemptState, LedgerAccount, Purpose, RefundReason, RefundState
from marketplace.policy import queries as policies
from marketplace.traceability.queries import journey_entries
from tests.at_once import at_once
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import agreed_terms
from tests.simulator_server import SimulatorServer

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")
PREMIUM = Money(10_600, "CNY")


def messages() -> list[str]:
    return list(db.session.execute(text("SELECT kind FROM correspondence_message ORDER BY queued_at")).scalars())


def contracts(order: Order) -> int:
    return len(policies.policies_of_order(order.id))


def refunds(order: Order) -> list[tuple[RefundReason, RefundState, Money]]:
    found = payments.refunds_for(Purpose.NEW_BUSINESS, order.id)
    return [(refund.reason, refund.state, refund.amount) for refund in found]


def state(order: Order) -> OrderState:
    db.session.commit()
    db.session.expire_all()
    return queries.order(order.id).state


def hear_webhook(simulator: SimulatorServer) -> None:
    delivery = simulator.webhook("checkout.session.completed")
    payment.receive_event(delivery.payload, delivery.signature)
    db.session.commit()


@pytest.mark.requirement("T26-13")
def test_paid_by_webhook_and_concluded(simulator: SimulatorServer, paid: Order) -> None:
    hear_webhook(simulator)
    assert drain("payment", "checkout") == [
        "payment.settle",
        "checkout.take_payment",
        "checkout.issue_contracts",
        "checkout.count_working_days",
        "checkout.order_receipt",
    ]
    assert state(paid) is OrderState.ISSUED
    (policy,) = policies.policies_of_order(paid.id)
    assert (policy.application_id, policy.premium) == (paid.lines[0].application_id, PREMIUM)
    assert applications.application(paid.lines[0].application_id).state is State.CONTRACTED
    assert {"fact.policy_issued", "fact.order_issued"} <= set(waiting())
    started, succeeded, concluded = journey_entries(paid.journey_id)[-3:]
    assert [entry.type.value for entry in (started, succeeded, concluded)] == [
        "payment:started",
        "payment:succeeded",
        "contract:concluded",
    ]
    (session,) = simulator.listed("/v1/checkout/sessions")
    assert (session["amount_total"], session["currency"]) == (PREMIUM.minor, "cny")
    assert started.body["amount"] == succeeded.body["amount"] == PREMIUM.minor
    assert refunds(paid) == []


def posted() -> dict[LedgerAccount, int]:
    return {each.account: each.total.minor for each in payments.account_totals() if each.total.minor}


@pytest.mark.requirement("O13-24")
def test_a_premium_is_owed_to_its_insurer_less_what_was_agreed(paid: Order, caplog: pytest.LogCaptureFixture) -> None:
    agreed_terms(accounts.insurer(paid.lines[0].insurer_id))
    services.check_payment(paid.id)
    assert posted() == {LedgerAccount.PROVIDER_BALANCE: PREMIUM.minor, LedgerAccount.CUSTOMER_HELD: -PREMIUM.minor}
    drain("payment", "checkout")
    assert posted() == {
        LedgerAccount.PROVIDER_BALANCE: PREMIUM.minor,
        LedgerAccount.INSURER_PAYABLE: -9_010,
        LedgerAccount.COMMISSION: -1_590,
    }
    assert "no commission is agreed" not in caplog.text
    services.issue_contracts(paid.id)
    db.session.commit()
    assert sum(posted().values()) == 0


@pytest.mark.requirement("O13-24")
def test_where_nothing_was_agreed_the_insurer_is_owed_everything_and_it_rings(
    paid: Order, caplog: pytest.LogCaptureFixture
) -> None:
    services.check_payment(paid.id)
    drain("payment", "checkout")
    assert state(paid) is OrderState.ISSUED
    assert posted()[LedgerAccount.INSURER_PAYABLE] == -PREMIUM.minor
    assert LedgerAccount.COMMISSION not in posted()
    assert "ALARM no commission is agreed" in caplog.text


def test_the_return_page_asks_and_the_webhook_finds_everything_done(simulator: SimulatorServer, paid: Order) -> None:
    services.check_payment(paid.id)
    drain("payment", "checkout")
    hear_webhook(simulator)
    drain("payment", "checkout")
    assert state(paid) is OrderState.ISSUED
    assert contracts(paid) == 1


def test_the_return_page_needs_no_worker_to_know_that_it_is_paid(simulator: SimulatorServer, paid: Order) -> None:
    hear_webhook(simulator)
    drain("payment")
    assert services.check_payment(paid.id).state is OrderState.PAID
    assert services.check_payment(paid.id).state is OrderState.PAID
    db.session.commit()
    assert waiting().count("checkout.issue_contracts") == 1


@pytest.mark.asvs("16.5.2")
def test_the_return_page_bears_a_provider_that_does_not_answer(simulator: SimulatorServer, paid: Order) -> None:
    simulator.switch(
        drop_webhooks=True,
        fail_next=[{"path": "/v1/checkout/sessions/*", "method": "GET", "status": 503, "times": 3}],
    )
    assert services.check_payment(paid.id).state is OrderState.OPEN
    assert "payment.settle" in (done := drain("payment", "checkout"))
    assert done[-3:] == ["checkout.issue_contracts", "checkout.count_working_days", "checkout.order_receipt"]
    assert contracts(paid) == 1


def test_every_job_run_again_changes_nothing(paid: Order) -> None:
    services.check_payment(paid.id)
    drain("payment", "checkout")
    (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, paid.id)
    before = waiting()
    for _ in range(2):
        payment.settle(attempt.id)
        services.take_payment(paid.id, attempt.id)
        services.issue_contracts(paid.id)
        services.sweep()
        db.session.commit()
    assert waiting() == before
    assert (contracts(paid), refunds(paid)) == (1, [])


@pytest.mark.asvs("2.3.3")
def test_a_crash_in_the_middle_of_issuing_leaves_the_order_paid_and_is_repeated(
    paid: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert services.check_payment(paid.id).state is OrderState.PAID
    db.session.commit()
    with monkeypatch.context() as patch:
        patch.setattr("marketplace.checkout.services.issuing.publish", _die)
        with pytest.raises(KeyboardInterrupt):
            services.issue_contracts(paid.id)
        db.session.rollback()
    assert state(paid) is OrderState.PAID
    assert contracts(paid) == 0
    drain("payment", "checkout")
    assert state(paid) is OrderState.ISSUED
    assert contracts(paid) == 1


@pytest.mark.asvs("2.3.4")
def test_two_workers_issue_at_once_and_one_contract_is_made(paid: Order, app: Flask) -> None:
    assert services.check_payment(paid.id).state is OrderState.PAID
    db.session.commit()
    at_once(app, 3, lambda: services.issue_contracts(paid.id))
    assert state(paid) is OrderState.ISSUED
    assert (contracts(paid), waiting().count("fact.order_issued")) == (1, 1)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE quoting_offer SET voided_at = now()", "quoting:offer-voided"),
        ("UPDATE catalog_product_version SET withdrawn_at = now()", "quoting:product-withdrawn"),
        ("UPDATE application_application SET state = 'lapsed'", "transition:refused"),
    ],
    ids=["offer voided", "product withdrawn", "application lapsed"],
)
def test_paid_and_not_issuable_gives_everything_back_once(
    simulator: SimulatorServer, paid: Order, change: str, reason: str
) -> None:
    db.session.execute(text(change))
    db.session.commit()
    services.check_payment(paid.id)
    drain("payment", "checkout", "policy")
    hear_webhook(simulator)
    drain("payment", "checkout", "policy")
    assert state(paid) is OrderState.REFUNDED
    assert queries.order(paid.id).reason == reason
    assert contracts(paid) == 0
    assert refunds(paid) == [(RefundReason.NOT_ISSUABLE, RefundState.SUCCEEDED, PREMIUM)]
    assert [refund["amount"] for refund in simulator.listed("/v1/refunds")] == [10_600]
    assert messages() == ["payment_not_issuable", "refund_made"]
    assert waiting().count("fact.order_not_issuable") == 1
    assert "fact.policy_issued" not in waiting()


def test_who_began_to_pay_in_time_is_insured_though_the_offer_expired_meanwhile(paid: Order) -> None:
    with clock.frozen(paid.expires_at + timedelta(minutes=30)):
        services.check_payment(paid.id)
        drain("payment", "checkout")
    assert (state(paid), contracts(paid), refunds(paid)) == (OrderState.ISSUED, 1, [])


def test_a_neighbour_that_is_away_is_waited_for_and_not_refunded(paid: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    assert services.check_payment(paid.id).state is OrderState.PAID
    db.session.commit()
    with monkeypatch.context() as patch:
        patch.setattr("marketplace.policy.services.issue", _away)
        with pytest.raises(Unavailable):
            services.issue_contracts(paid.id)
        db.session.rollback()
    assert (state(paid), refunds(paid)) == (OrderState.PAID, [])
    with clock.frozen(clock.now() + timedelta(minutes=11)):
        assert services.sweep() == 1
    drain("payment", "checkout")
    assert state(paid) is OrderState.ISSUED


def test_what_could_not_be_issued_for_a_day_is_given_back(simulator: SimulatorServer, paid: Order) -> None:
    assert services.check_payment(paid.id).state is OrderState.PAID
    db.session.commit()
    with clock.frozen(clock.now() + timedelta(hours=25)):
        services.issue_contracts(paid.id)
    drain("payment", "checkout")
    assert (state(paid), queries.order(paid.id).reason) == (OrderState.REFUNDED, "checkout:too-late")
    assert contracts(paid) == 0


def test_a_refund_the_provider_cannot_take_now_is_sent_later(simulator: SimulatorServer, paid: Order) -> None:
    db.session.execute(text("UPDATE quoting_offer SET voided_at = now()"))
    db.session.commit()
    simulator.switch(fail_next=[{"path": "/v1/refunds", "status": 503, "times": 3}])
    services.check_payment(paid.id)
    with pytest.raises(PaymentsUnavailable):
        drain("payment", "checkout")
    assert (state(paid), contracts(paid)) == (OrderState.NOT_ISSUABLE, 0)
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        payment.reconcile()
    drain("payment", "checkout")
    assert state(paid) is OrderState.REFUNDED
    assert len(simulator.listed("/v1/refunds")) == 1


def test_money_for_a_lapsed_order_goes_back(simulator: SimulatorServer, paid: Order) -> None:
    db.session.execute(text("UPDATE checkout_order SET state = 'lapsed'"))
    db.session.commit()
    services.check_payment(paid.id)
    drain("payment", "checkout", "policy")
    assert (state(paid), contracts(paid)) == (OrderState.REFUNDED, 0)
    (attempt,) = payments.attempts_of(Purpose.NEW_BUSINESS, paid.id)
    assert attempt.state is AttemptState.REFUNDED
    assert messages() == ["payment_not_issuable", "refund_made"]


def _die(_: object) -> None:
    raise KeyboardInterrupt


def _away(_: object) -> None:
    raise Unavailable("the insurer does not answer")
