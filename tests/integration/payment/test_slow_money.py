"""Money that takes its time: delayed methods, and refunds that a bank accepts, delays or sends back.

The simulator's cards settle at once, so the provider's answers are changed on their way to us.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import Gateway
from marketplace.payment import queries, services
from marketplace.payment.values import (
    AttemptState,
    PaymentInProgress,
    Purpose,
    RefundReason,
    RefundState,
)
from tests.deferred_jobs import drain, waiting
from tests.factories.payment import PREMIUM, a_wish_to_pay, an_open_attempt
from tests.simulator_server import SimulatorServer

Says = Callable[..., None]


@pytest.fixture
def session_says(monkeypatch: pytest.MonkeyPatch) -> Says:
    real = Gateway.retrieve_session

    def say(**changes: str) -> None:
        monkeypatch.setattr(Gateway, "retrieve_session", lambda self, id_: replace(real(self, id_), **changes))

    return say


@pytest.fixture
def refund_says(monkeypatch: pytest.MonkeyPatch) -> Says:
    create, retrieve = Gateway.create_refund, Gateway.retrieve_refund

    def say(status: str) -> None:
        monkeypatch.setattr(Gateway, "create_refund", lambda *given: replace(create(*given), status=status))
        monkeypatch.setattr(Gateway, "retrieve_refund", lambda *given: replace(retrieve(*given), status=status))

    return say


def test_delayed_money_is_waited_for(simulator: SimulatorServer, session_says: Says) -> None:
    wish = a_wish_to_pay()
    attempt, url = an_open_attempt(wish)
    simulator.pay(url)
    session_says(payment_status="unpaid", intent_status="processing")
    assert services.settle(attempt.id).state is AttemptState.PROCESSING
    with pytest.raises(PaymentInProgress):
        services.start_attempt(wish)
    with pytest.raises(PaymentInProgress):
        services.close_subject(wish.purpose, wish.subject_id)
    session_says(payment_status="paid", intent_status="succeeded")
    assert services.settle(attempt.id).state is AttemptState.SUCCEEDED
    assert waiting() == ["fact.succeeded"]


def test_delayed_money_that_never_comes_leaves_the_way_free_for_another_attempt(
    simulator: SimulatorServer, session_says: Says
) -> None:
    wish = a_wish_to_pay()
    attempt, url = an_open_attempt(wish)
    simulator.pay(url)
    session_says(payment_status="unpaid", intent_status="processing")
    services.settle(attempt.id)
    session_says(payment_status="unpaid", intent_status="requires_payment_method")
    assert services.settle(attempt.id).state is AttemptState.FAILED
    assert services.start_attempt(wish).number == 2
    assert waiting() == ["fact.failed"]


def test_a_refund_under_way_is_not_done_before_the_bank_says_so(simulator: SimulatorServer, refund_says: Says) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    services.settle(attempt.id)
    refund = services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    refund_says("pending")
    drain("payment")
    assert stands(attempt.subject_id) == [RefundState.SENT]
    assert queries.attempt(attempt.id).state is AttemptState.REFUND_PENDING
    assert "fact.refunded" not in waiting()
    refund_says("succeeded")
    services.send_refund(refund.id)
    db.session.commit()
    assert stands(attempt.subject_id) == [RefundState.SUCCEEDED]
    assert waiting().count("fact.refunded") == 1
    assert len(simulator.listed("/v1/refunds")) == 1


def test_a_refund_that_a_bank_sends_back_waits_for_a_person(simulator: SimulatorServer, refund_says: Says) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    services.settle(attempt.id)
    refund = services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.REFUNDED
    refund_says("failed")
    services.send_refund(refund.id)
    db.session.commit()
    assert stands(attempt.subject_id) == [RefundState.FAILED]
    assert queries.attempt(attempt.id).state is AttemptState.REFUND_PENDING
    assert len(simulator.listed("/v1/refunds")) == 1, "nothing is sent a second time by itself"


def stands(subject_id) -> list[RefundState]:
    return [refund.state for refund in queries.refunds_for(Purpose.NEW_BUSINESS, subject_id)]
