"""Thin events say what happened to which object, and no more: they lead to the same end as whole ones."""

from dataclasses import replace

import pytest

from marketplace.infra.db import db
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.infra.stripe_gateway import Gateway
from marketplace.payment import queries, services
from marketplace.payment.values import AttemptState, DisputeStatus, Receipt, RefundReason, RefundState
from marketplace.traceability.queries import journey_entries
from tests.deferred_jobs import drain, waiting
from tests.factories.payment import PREMIUM, an_open_attempt
from tests.simulator_server import DECLINED_CARD, SimulatorServer


@pytest.fixture(autouse=True)
def thin(simulator: SimulatorServer) -> None:
    simulator.switch(thin_webhooks=True)


def hear(simulator: SimulatorServer, kind: str) -> Receipt:
    delivery = simulator.webhook(f"v1.{kind}")
    receipt = services.receive_event(delivery.payload, delivery.signature)
    db.session.commit()
    return receipt


def test_a_payment_is_settled(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    assert hear(simulator, "checkout.session.completed") is Receipt.QUEUED
    assert drain("payment") == ["payment.look_up_event", "payment.settle"]
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert waiting() == ["fact.succeeded"]
    assert queries.event_counts() == {("checkout.session.completed", "handled"): 1}


def test_it_counts_once_whether_it_comes_thin_or_whole_or_twice(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.switch(thin_webhooks=True, duplicate_webhooks=True)
    simulator.pay(url)
    assert hear(simulator, "checkout.session.completed") is Receipt.QUEUED
    assert hear(simulator, "checkout.session.completed") is Receipt.DUPLICATE
    drain("payment")
    services.settle(attempt.id)
    db.session.commit()
    assert waiting() == ["fact.succeeded"]


def test_while_stripe_does_not_answer_it_waits(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    hear(simulator, "checkout.session.completed")
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions/*", "method": "GET", "status": 503, "times": 3}])
    with pytest.raises(PaymentsUnavailable):
        drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.OPEN
    assert ("checkout.session.completed", "waiting") in queries.event_counts()


def test_a_decline_is_recorded_with_its_reason(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url, DECLINED_CARD)
    hear(simulator, "payment_intent.payment_failed")
    assert drain("payment") == ["payment.look_up_event", "payment.note_decline"]
    entry = journey_entries(attempt.journey_id)[-1]
    assert (entry.type.value, entry.body["reason"]) == ("payment:failed", "generic_decline")


def test_a_refund_that_comes_back_is_heard_of(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url, "4000000000005126")
    services.settle(attempt.id)
    services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    drain("payment")
    simulator.wait_for_wallets()
    assert hear(simulator, "refund.failed") is Receipt.QUEUED
    drain("payment")
    (refund,) = queries.refunds_for(attempt.purpose, attempt.subject_id)
    assert refund.state is RefundState.FAILED


def test_a_dispute_is_heard_of(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url, "4000000000000259")
    services.settle(attempt.id)
    assert hear(simulator, "charge.dispute.created") is Receipt.QUEUED
    assert drain("payment") == ["payment.note_dispute"]
    assert [each.status for each in queries.disputes()] == [DisputeStatus.NEEDS_RESPONSE]


def test_what_belongs_to_another_system_is_kept_and_counted(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    real = Gateway.retrieve_session
    monkeypatch.setattr(Gateway, "retrieve_session", lambda *asked: replace(real(*asked), metadata={}))
    hear(simulator, "checkout.session.completed")
    assert drain("payment") == ["payment.look_up_event"]
    assert queries.event_counts() == {("checkout.session.completed", "not_ours"): 1}
    assert queries.attempt(attempt.id).state is AttemptState.OPEN
