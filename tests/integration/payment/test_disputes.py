"""The bank of a customer takes a payment back: once in the books, nothing sent twice, and it ends as Stripe says."""

import logging
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import text

from marketplace.infra.db import db
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries, services
from marketplace.payment.values import (
    Attempt,
    AttemptState,
    Dispute,
    DisputeNotFound,
    DisputeStatus,
    LedgerAccount,
    Receipt,
    RefundReason,
    RefundState,
)
from marketplace.traceability.queries import journey_entries
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.payment import PREMIUM, a_share, an_open_attempt
from tests.simulator_server import SECRET_KEY, SimulatorServer

A, S = LedgerAccount, DisputeStatus
DISPUTED, INQUIRED = "4000000000000259", "4000000000001976"
FEE = Money(128_400 * 29 // 1000 + 1 + 30, "CNY")
DISPUTE_FEE = 1_500


def paid(simulator: SimulatorServer, card: str = DISPUTED) -> Attempt:
    attempt, url = an_open_attempt()
    simulator.pay(url, card)
    services.settle(attempt.id)
    db.session.commit()
    return attempt


def hear(simulator: SimulatorServer, kind: str = "charge.dispute.created") -> Receipt:
    delivery = simulator.webhook(kind)
    receipt = services.receive_event(delivery.payload, delivery.signature)
    drain("payment")
    return receipt


def the_dispute() -> Dispute:
    (found,) = queries.disputes()
    return found


def answer(simulator: SimulatorServer, words: str) -> None:
    """Evidence is sent, and the bank decides by it."""
    path = f"{simulator.url}/v1/disputes/{the_dispute().id}"
    sent = requests.post(path, {"evidence[uncategorized_text]": words}, auth=(SECRET_KEY, ""), timeout=10)
    assert sent.ok, sent.text
    simulator.wait_for_wallets()


def totals() -> dict[LedgerAccount, int]:
    return {each.account: each.total.minor for each in queries.account_totals() if each.total.minor}


def explained() -> bool:
    services.take_movements()
    db.session.commit()
    (check,) = queries.last_balance_checks()
    return queries.unexplained() == () and check.provider == check.ledger


def trail(attempt: Attempt) -> list[str]:
    return [entry.type.value for entry in journey_entries(attempt.journey_id)]


def test_what_a_bank_takes_back_is_noted_and_posted_once_with_its_fee(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    assert hear(simulator) is Receipt.QUEUED
    found = the_dispute()
    assert (found.status, found.amount, found.reason) == (S.NEEDS_RESPONSE, PREMIUM, "fraudulent")
    assert found.due_at is not None
    before = totals()
    assert before[A.DISPUTED] == PREMIUM.minor
    assert before[A.PROVIDER_FEES] == DISPUTE_FEE
    hear(simulator, "charge.dispute.funds_withdrawn")
    services.note_dispute(found.id)
    db.session.commit()
    assert totals() == before
    assert explained()
    assert totals()[A.PROVIDER_FEES] == DISPUTE_FEE + FEE.minor
    assert trail(attempt) == ["payment:started", "payment:succeeded", "payment:disputed"]


def test_a_dispute_that_is_won_brings_the_money_back(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    hear(simulator)
    answer(simulator, "winning_evidence")
    hear(simulator, "charge.dispute.closed")
    assert the_dispute().status is S.WON
    assert A.DISPUTED not in totals()
    assert totals()[A.CUSTOMER_HELD] == -PREMIUM.minor
    assert explained()
    assert trail(attempt)[-1] == "dispute:closed"
    assert services.watch_disputes() == 0


def test_a_lost_dispute_comes_out_of_the_contracts_in_proportion(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    insurer = an_insurer("harbour")
    services.book_premiums(attempt.id, [a_share(insurer, basis_points=1000)])
    db.session.commit()
    hear(simulator)
    answer(simulator, "losing_evidence")
    hear(simulator, "charge.dispute.closed")
    assert the_dispute().status is S.LOST
    assert set(totals()) == {A.PROVIDER_BALANCE, A.PROVIDER_FEES}, "nothing is owed to anybody"
    assert queries.refundable(attempt.id) == Money.zero("CNY")
    assert explained()


def test_events_come_as_they_like_and_stripes_present_word_counts(simulator: SimulatorServer) -> None:
    paid(simulator)
    created = simulator.webhook("charge.dispute.created")
    services.take_disputes()
    db.session.commit()
    answer(simulator, "winning_evidence")
    hear(simulator, "charge.dispute.closed")
    services.receive_event(created.payload, created.signature)
    drain("payment")
    assert the_dispute().status is S.WON
    assert A.DISPUTED not in totals()


def test_a_dispute_of_which_no_event_came_is_found_within_the_hour(simulator: SimulatorServer) -> None:
    simulator.switch(drop_webhooks=True)
    paid(simulator)
    assert queries.disputes() == ()
    assert services.take_disputes() == 1
    db.session.commit()
    assert the_dispute().status is S.NEEDS_RESPONSE
    answer(simulator, "winning_evidence")
    with clock.frozen(clock.now() + timedelta(days=200)):  # no more among the newest
        assert services.take_disputes() == 1
    db.session.commit()
    assert the_dispute().status is S.WON


def test_while_the_bank_holds_the_money_nothing_is_sent_and_afterwards_it_is(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    hear(simulator)
    services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    drain("payment")
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert services.reconcile() == 0
    (refund,) = queries.refunds_for(attempt.purpose, attempt.subject_id)
    assert refund.state is RefundState.REQUESTED
    assert [row.disputed for row in queries.desk().rows] == [True]
    assert simulator.listed("/v1/refunds") == []
    answer(simulator, "winning_evidence")
    hear(simulator, "charge.dispute.closed")
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        services.reconcile()
    drain("payment")
    assert len(simulator.listed("/v1/refunds")) == 1
    assert queries.attempt(attempt.id).state is AttemptState.REFUNDED
    assert explained()


def test_a_refund_that_the_bank_has_overtaken_is_never_sent_and_is_done(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    hear(simulator)
    services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    drain("payment")
    answer(simulator, "losing_evidence")
    hear(simulator, "charge.dispute.closed")
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert services.reconcile() == 0
    (refund,) = queries.refunds_for(attempt.purpose, attempt.subject_id)
    assert refund.state is RefundState.OVERTAKEN
    assert queries.attempt(attempt.id).state is AttemptState.REFUNDED
    assert waiting().count("fact.refunded") == 1
    assert simulator.listed("/v1/refunds") == []
    assert set(totals()) == {A.PROVIDER_BALANCE, A.PROVIDER_FEES}
    assert explained()


def test_a_bank_that_only_asks_has_taken_nothing_and_a_refund_ends_it(simulator: SimulatorServer) -> None:
    attempt = paid(simulator, INQUIRED)
    hear(simulator)
    assert the_dispute().status is S.WARNING_NEEDS_RESPONSE
    assert A.DISPUTED not in totals()
    services.request_refund(attempt.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    drain("payment")
    assert len(simulator.listed("/v1/refunds")) == 1
    assert queries.attempt(attempt.id).state is AttemptState.REFUNDED


def test_a_dispute_about_a_payment_that_is_none_of_ours_is_kept_and_counted(simulator: SimulatorServer) -> None:
    paid(simulator)
    db.session.execute(text("UPDATE payment_attempt SET payment_intent_id = 'pi_other'"))
    db.session.commit()
    hear(simulator)
    assert queries.disputes() == ()
    assert queries.event_counts()["charge.dispute.created", "not_ours"] == 1
    assert services.take_disputes() == 1
    assert A.DISPUTED not in totals()


@pytest.mark.parametrize(("before", "rings"), [(timedelta(days=3, hours=1), 0), (timedelta(days=3), 1)])
def test_it_rings_three_days_before_evidence_is_due(
    simulator: SimulatorServer, caplog: pytest.LogCaptureFixture, before: timedelta, rings: int
) -> None:
    paid(simulator)
    hear(simulator)
    due = the_dispute().due_at
    assert due
    with clock.frozen(due - before), caplog.at_level(logging.ERROR):
        assert services.watch_disputes() == rings
    assert (f"ALARM dispute {the_dispute().id} takes our evidence until" in caplog.text) is bool(rings)


def test_a_lost_one_rings_until_somebody_has_taken_note(
    simulator: SimulatorServer, caplog: pytest.LogCaptureFixture
) -> None:
    paid(simulator)
    hear(simulator)
    someone = a_member_of_staff()
    with pytest.raises(DisputeNotFound):
        services.see_dispute(the_dispute().id, someone.id)
    db.session.rollback()
    answer(simulator, "losing_evidence")
    hear(simulator, "charge.dispute.closed")
    assert services.watch_disputes() == 1
    assert "is lost" in caplog.text
    someone = a_member_of_staff()
    for _ in range(2):
        services.see_dispute(the_dispute().id, someone.id)
        db.session.commit()
    assert services.watch_disputes() == 0
    with pytest.raises(DisputeNotFound):
        services.see_dispute("dp_nobody", someone.id)


def test_while_stripe_does_not_answer_nothing_is_noted(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    paid(simulator)
    before = totals()

    def silent(*_given: Any) -> Any:
        raise PaymentsUnavailable

    monkeypatch.setattr(Gateway, "list_disputes", silent)
    with pytest.raises(PaymentsUnavailable):
        services.take_disputes()
    db.session.rollback()
    assert (queries.disputes(), totals()) == ((), before)
