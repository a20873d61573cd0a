"""Money back: once per reason, never more than came in, to where it came from (O13-43)."""

from datetime import timedelta

import pytest

from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import PaymentsUnavailable
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.kernel.transitions import TransitionRefused
from marketplace.payment import queries, services
from marketplace.payment.values import Attempt, AttemptState, NothingToRefund, RefundReason, RefundState
from tests.deferred_jobs import drain, waiting
from tests.factories.payment import PREMIUM, an_open_attempt
from tests.simulator_server import SimulatorServer

REASON = RefundReason.NOT_ISSUABLE


@pytest.fixture
def paid(simulator: SimulatorServer) -> Attempt:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    services.settle(attempt.id)
    db.session.commit()
    return attempt


@pytest.mark.requirement("O13-43")
def test_a_refund_goes_back_once_to_the_payment_it_came_from(simulator: SimulatorServer, paid: Attempt) -> None:
    refund = services.request_refund(paid.id, PREMIUM, REASON)
    again = services.request_refund(paid.id, PREMIUM, REASON)
    assert refund.id == again.id
    assert drain("payment") == ["payment.send_refund"]
    services.send_refund(refund.id)
    db.session.commit()
    (sent,) = simulator.listed("/v1/refunds")
    assert (sent["amount"], sent["metadata"]["refund_id"]) == (128_400, str(refund.id))
    assert queries.attempt(paid.id).state is AttemptState.REFUNDED
    assert waiting() == ["fact.succeeded", "fact.refunded"]


def test_a_crash_after_the_provider_answered_does_not_refund_twice(simulator: SimulatorServer, paid: Attempt) -> None:
    refund = services.request_refund(paid.id, PREMIUM, REASON)
    db.session.commit()
    services.send_refund(refund.id)
    db.session.rollback()
    services.send_refund(refund.id)
    db.session.commit()
    assert len(simulator.listed("/v1/refunds")) == 1
    assert waiting().count("fact.refunded") == 1


def test_when_the_provider_has_forgotten_our_key_the_refund_is_looked_up(
    simulator: SimulatorServer, paid: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund = services.request_refund(paid.id, PREMIUM, REASON)
    db.session.commit()
    services.send_refund(refund.id)
    db.session.rollback()  # sent, and our note of it lost for a day
    with clock.frozen(clock.now() + timedelta(hours=25)):
        monkeypatch.setattr(
            "marketplace.infra.stripe_gateway.Gateway.create_refund", lambda *_: pytest.fail("asked again")
        )
        assert services.send_refund(refund.id).state is RefundState.SUCCEEDED


def test_a_failing_provider_leaves_the_refund_for_the_next_try(simulator: SimulatorServer, paid: Attempt) -> None:
    refund = services.request_refund(paid.id, PREMIUM, REASON)
    db.session.commit()
    simulator.switch(fail_next=[{"path": "/v1/refunds", "status": 503, "times": 3}])
    with pytest.raises(PaymentsUnavailable):
        services.send_refund(refund.id)
    db.session.rollback()
    assert queries.attempt(paid.id).state is AttemptState.REFUND_PENDING
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert services.reconcile() == 1
    drain("payment")
    assert queries.attempt(paid.id).state is AttemptState.REFUNDED
    assert len(simulator.listed("/v1/refunds")) == 1


def test_what_the_provider_refuses_for_good_waits_for_a_person(simulator: SimulatorServer, paid: Attempt) -> None:
    services.request_refund(paid.id, PREMIUM, REASON)
    simulator.switch(fail_next=[{"path": "/v1/refunds", "status": 400}])
    drain("payment")
    (refund,) = queries.refunds_for(paid.purpose, paid.subject_id)
    assert refund.state is RefundState.FAILED
    assert queries.attempt(paid.id).state is AttemptState.REFUND_PENDING
    assert waiting() == ["fact.succeeded"]
    assert simulator.listed("/v1/refunds") == []


@pytest.mark.asvs("2.3.2")
def test_a_part_goes_back_and_never_more_than_came_in(simulator: SimulatorServer, paid: Attempt) -> None:
    services.request_refund(paid.id, Money(28_400, "CNY"), RefundReason.NOT_ISSUABLE)
    with pytest.raises(NothingToRefund):
        services.request_refund(paid.id, Money(100_001, "CNY"), RefundReason.LATE_PAYMENT)
    db.session.rollback()
    services.request_refund(paid.id, Money(28_400, "CNY"), RefundReason.NOT_ISSUABLE)
    services.request_refund(paid.id, Money(100_000, "CNY"), RefundReason.LATE_PAYMENT)
    drain("payment")
    assert sorted(refund["amount"] for refund in simulator.listed("/v1/refunds")) == [28_400, 100_000]
    assert queries.attempt(paid.id).state is AttemptState.REFUNDED


def test_what_was_never_paid_is_not_refunded(simulator: SimulatorServer) -> None:
    attempt, _ = an_open_attempt()
    with pytest.raises(TransitionRefused):
        services.request_refund(attempt.id, PREMIUM, REASON)
    db.session.rollback()
    assert queries.refunds_for(attempt.purpose, attempt.subject_id) == ()
    assert waiting() == []
