"""Alipay and WeChat Pay through the simulator: the road of a card, and the longer one when money takes its time."""

from datetime import timedelta
from uuid import UUID

import pytest

from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.payment import queries, services
from marketplace.payment.values import Attempt, AttemptState, PaymentInProgress, RefundReason, RefundState
from tests.deferred_jobs import drain, waiting
from tests.factories.payment import PREMIUM, a_wish_to_pay, an_open_attempt
from tests.simulator_server import SimulatorServer


def deliver(simulator: SimulatorServer, kind: str) -> None:
    """Let the next webhook of `kind` come in, and do what it asks for."""
    delivery = simulator.webhook(kind)
    services.receive_event(delivery.payload, delivery.signature)
    db.session.commit()
    drain("payment")


@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_a_wallet_that_pays_at_once_settles_like_a_card(simulator: SimulatorServer, kind: str) -> None:
    attempt, url = an_open_attempt()
    back = simulator.pay_by_wallet(url, kind)
    assert (back.status_code, back.headers["Location"]) == (303, "http://localhost:8000/return")
    deliver(simulator, "checkout.session.completed")
    paid = queries.attempt(attempt.id)
    assert (paid.state, paid.received) == (AttemptState.SUCCEEDED, PREMIUM)
    assert waiting() == ["fact.succeeded"]


def test_money_a_wallet_promised_is_waited_for_and_comes(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    attempt, url = an_open_attempt(wish)
    simulator.pay_by_wallet(url, "alipay", "later")
    deliver(simulator, "checkout.session.completed")
    assert queries.attempt(attempt.id).state is AttemptState.PROCESSING
    with pytest.raises(PaymentInProgress):
        services.start_attempt(wish)
    assert waiting() == []
    simulator.wait_for_wallets()
    deliver(simulator, "checkout.session.async_payment_succeeded")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert waiting() == ["fact.succeeded"]


def test_money_a_wallet_promised_and_kept_leaves_the_way_free(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    attempt, url = an_open_attempt(wish)
    simulator.pay_by_wallet(url, "wechat_pay", "never")
    deliver(simulator, "checkout.session.completed")
    simulator.wait_for_wallets()
    deliver(simulator, "checkout.session.async_payment_failed")
    assert queries.attempt(attempt.id).state is AttemptState.FAILED
    assert waiting() == ["fact.failed"]
    assert services.start_attempt(wish).number == 2


def test_a_wallet_that_refuses_leaves_the_page_open_for_a_card(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay_by_wallet(url, "alipay", "refuse")
    deliver(simulator, "payment_intent.payment_failed")
    assert queries.attempt(attempt.id).state is AttemptState.OPEN
    assert simulator.pay(url).status_code == 303
    deliver(simulator, "checkout.session.completed")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED


def refunded(simulator: SimulatorServer, kind: str, answer: str = "confirm") -> tuple[Attempt, UUID]:
    """Paid with a wallet, and all of it asked back: the refund is with the provider."""
    attempt, url = an_open_attempt()
    simulator.pay_by_wallet(url, kind, answer)
    deliver(simulator, "checkout.session.completed")
    refund = services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    drain("payment")
    return attempt, refund.id


def stands(attempt: Attempt) -> tuple[RefundState, AttemptState]:
    (refund,) = queries.refunds_for(attempt.purpose, attempt.subject_id)
    return refund.state, queries.attempt(attempt.id).state


@pytest.mark.requirement("O13-43")
@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_a_wallets_refund_is_done_when_the_wallet_says_so(simulator: SimulatorServer, kind: str) -> None:
    attempt, _ = refunded(simulator, kind)
    assert stands(attempt) == (RefundState.SENT, AttemptState.REFUND_PENDING)
    assert "fact.refunded" not in waiting()
    simulator.wait_for_wallets()
    deliver(simulator, "refund.updated")
    assert stands(attempt) == (RefundState.SUCCEEDED, AttemptState.REFUNDED)
    assert waiting().count("fact.refunded") == 1
    assert [found["amount"] for found in simulator.listed("/v1/refunds")] == [PREMIUM.minor]


@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_a_refund_that_a_wallet_sends_back_waits_for_a_person(
    simulator: SimulatorServer, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    attempt, refund_id = refunded(simulator, kind, "refund_fails")
    assert stands(attempt) == (RefundState.SENT, AttemptState.REFUND_PENDING)
    simulator.wait_for_wallets()
    deliver(simulator, "refund.failed")
    assert stands(attempt) == (RefundState.FAILED, AttemptState.REFUND_PENDING)
    assert "fact.refunded" not in waiting()
    assert f"ALARM refund {refund_id} did not reach the customer (unknown) and needs a person" in caplog.messages
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        services.reconcile()
        drain("payment")
    assert len(simulator.listed("/v1/refunds")) == 1, "nothing is sent a second time by itself"


def test_a_wallets_refund_whose_word_is_lost_is_asked_for(simulator: SimulatorServer) -> None:
    simulator.switch(drop_webhooks=True, webhook_types=["refund.*"])
    attempt, _ = refunded(simulator, "wechat_pay")
    simulator.wait_for_wallets()
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert services.reconcile() == 1
    drain("payment")
    assert stands(attempt) == (RefundState.SUCCEEDED, AttemptState.REFUNDED)
    assert waiting().count("fact.refunded") == 1
