"""Alipay and WeChat Pay through the simulator: the road of a card, and the longer one when money takes its time."""

import pytest

from marketplace.infra.db import db
from marketplace.payment import queries, services
from marketplace.payment.values import AttemptState, PaymentInProgress
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
