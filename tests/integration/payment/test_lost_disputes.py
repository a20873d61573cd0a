"""A bank takes for good what is not all there any more: it is noted all the same, and stops nothing else."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import text

from marketplace.accounts.values import Insurer, Role
from marketplace.infra.db import db
from marketplace.infra.payment_gateway import Movement, PaymentCallRefused, PaymentsUnavailable, ProviderDispute
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.oversight.queries import disagreements
from marketplace.payment import queries, services
from marketplace.payment.values import Attempt, AttemptState, DisputeStatus, LedgerAccount, RefundReason, RefundState
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.payment import PREMIUM, a_share, a_wish, a_wish_to_pay, an_open_attempt
from tests.integration.payment.test_disputes import totals
from tests.simulator_server import SimulatorServer

A = LedgerAccount
COMMISSION = Money(19_260, "CNY")
PART = Money(38_400, "CNY")


@pytest.fixture
def insurer(simulator: SimulatorServer) -> Insurer:
    return an_insurer("harbour")


@pytest.fixture
def sold(simulator: SimulatorServer, insurer: Insurer) -> Attempt:
    return concluded(simulator, insurer)


def concluded(simulator: SimulatorServer, insurer: Insurer) -> Attempt:
    attempt, url = an_open_attempt(a_wish_to_pay())
    simulator.pay(url)
    services.settle(attempt.id)
    services.book_premiums(attempt.id, [a_share(insurer)])
    db.session.commit()
    return attempt


def a_dispute(attempt: Attempt, amount: Money, status: str = "lost", dispute_id: str = "dp_1") -> ProviderDispute:
    """As the provider tells of it: the bank took the amount, and a fee."""
    intent = db.session.execute(
        text("SELECT payment_intent_id FROM payment_attempt WHERE id = :id"), {"id": attempt.id}
    ).scalar_one()
    now = clock.now()
    taken = Movement(f"txn_{dispute_id}", "adjustment", dispute_id, -amount, Money(1_500, "CNY"), now)
    return ProviderDispute(dispute_id, status, "fraudulent", amount, intent, now, None, (taken,))


def told(monkeypatch: pytest.MonkeyPatch, *disputes: ProviderDispute) -> None:
    by_id = {each.id: each for each in disputes}
    monkeypatch.setattr(Gateway, "retrieve_dispute", lambda _self, dispute_id: by_id[dispute_id])
    monkeypatch.setattr(
        Gateway, "list_disputes", lambda _self, since: [each for each in disputes if each.opened_at >= since]
    )


def lose(monkeypatch: pytest.MonkeyPatch, dispute: ProviderDispute) -> None:
    told(monkeypatch, dispute)
    for _ in range(2):
        services.note_dispute(dispute.id)
        db.session.commit()


def test_what_went_back_before_is_our_loss_when_the_bank_takes_all(
    simulator: SimulatorServer, sold: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_wish(sold.id, a_member_of_staff(Role.ADMIN_FINANCE).id, amount=PART)
    drain("payment")
    lose(monkeypatch, a_dispute(sold, PREMIUM))
    (found,) = queries.disputes()
    assert found.status is DisputeStatus.LOST
    left = totals()
    assert left[A.DISPUTE_LOSSES] == PART.minor
    assert {A.DISPUTED, A.INSURER_PAYABLE, A.COMMISSION, A.CUSTOMER_HELD, A.REFUNDS_PAYABLE} & left.keys() == set()
    assert queries.refundable(sold.id) == Money.zero("CNY")
    assert [each["amount"] for each in simulator.listed("/v1/refunds")] == [PART.minor], "and nothing more is sent"


def test_more_than_was_paid_is_our_loss(sold: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bank converts at another day's rate."""
    lose(monkeypatch, a_dispute(sold, PREMIUM + Money(1, "CNY")))
    left = totals()
    assert left[A.DISPUTE_LOSSES] == 1
    assert {A.DISPUTED, A.INSURER_PAYABLE, A.COMMISSION} & left.keys() == set()
    assert queries.refundable(sold.id) == Money.zero("CNY")
    assert queries.attempt(sold.id).state is AttemptState.SUCCEEDED


def test_a_part_that_the_bank_takes_of_what_waits_is_not_sent_and_the_rest_is(
    simulator: SimulatorServer, sold: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(monkeypatch, a_dispute(sold, PART, "needs_response"))
    wish = a_wish(sold.id, a_member_of_staff(Role.ADMIN_FINANCE).id, amount=PREMIUM)
    db.session.commit()
    services.note_dispute("dp_1")
    drain("payment")
    assert simulator.listed("/v1/refunds") == [], "the bank has not decided yet"
    lose(monkeypatch, a_dispute(sold, PART))
    (refund,) = queries.refunds_for(sold.purpose, sold.subject_id)
    assert (refund.state, refund.amount) == (RefundState.REQUESTED, wish.amount)
    assert totals()[A.REFUNDS_PAYABLE] == (PART - PREMIUM).minor
    assert "fact.refunded" not in waiting()
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        services.reconcile()
    drain("payment")
    assert [each["amount"] for each in simulator.listed("/v1/refunds")] == [(PREMIUM - PART).minor]
    left = totals()
    assert {A.DISPUTED, A.DISPUTE_LOSSES, A.REFUNDS_PAYABLE, A.INSURER_PAYABLE, A.COMMISSION} & left.keys() == set()
    assert queries.attempt(sold.id).state is AttemptState.REFUNDED
    assert queries.refundable(sold.id) == Money.zero("CNY")
    assert waiting().count("fact.refunded") == 1
    assert not [sentence for _, sentence in disagreements() if "gone back" in sentence]


def test_two_parts_that_banks_take_of_what_waits_overtake_it_as_a_whole(
    simulator: SimulatorServer, sold: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.request_refund(sold.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    db.session.commit()
    lose(monkeypatch, a_dispute(sold, PART))
    lose(monkeypatch, a_dispute(sold, PREMIUM - PART, dispute_id="dp_2"))
    drain("payment")
    (refund,) = queries.refunds_for(sold.purpose, sold.subject_id)
    assert refund.state is RefundState.OVERTAKEN
    assert A.DISPUTE_LOSSES not in totals()
    assert simulator.listed("/v1/refunds") == []


def test_one_that_cannot_be_noted_rings_and_stops_no_other(
    simulator: SimulatorServer, insurer: Insurer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = (concluded(simulator, insurer) for _ in range(3))
    bad = a_dispute(second, PREMIUM, "a_new_word", "dp_2")
    still_open = a_dispute(third, PREMIUM, "needs_response", "dp_3")
    told(monkeypatch, a_dispute(first, PREMIUM), bad, still_open)
    with caplog.at_level(logging.ERROR):
        assert services.take_disputes() == 3
    db.session.commit()
    assert "ALARM dispute dp_2 cannot be noted" in caplog.text
    assert "dp_1" not in caplog.text
    assert {each.id: each.status for each in queries.disputes()} == {
        "dp_1": DisputeStatus.LOST,
        "dp_3": DisputeStatus.NEEDS_RESPONSE,
    }
    assert totals()[A.DISPUTED] == PREMIUM.minor, "of the third alone"
    told(monkeypatch, a_dispute(second, PREMIUM, "lost", "dp_2"), still_open)
    with clock.frozen(clock.now() + timedelta(days=60)):
        services.take_disputes()
    db.session.commit()
    assert {each.id for each in queries.disputes()} == {"dp_1", "dp_2", "dp_3"}, "found, however many came since"


def test_one_that_the_provider_will_not_tell_of_stops_no_other(
    simulator: SimulatorServer, insurer: Insurer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = (concluded(simulator, insurer) for _ in range(2))
    told(monkeypatch, a_dispute(first, PREMIUM, "needs_response"))
    services.note_dispute("dp_1")
    db.session.commit()
    told(monkeypatch, a_dispute(second, PREMIUM, "lost", "dp_2"))

    def refuse(*_given: object) -> None:
        raise PaymentCallRefused("no such dispute", "resource_missing")

    monkeypatch.setattr(Gateway, "retrieve_dispute", refuse)
    assert services.take_disputes() == 1
    db.session.commit()
    assert "ALARM dispute dp_1 cannot be asked about" in caplog.text
    assert {each.id: each.status for each in queries.disputes()} == {
        "dp_1": DisputeStatus.NEEDS_RESPONSE,
        "dp_2": DisputeStatus.LOST,
    }


def test_a_refund_that_was_sent_though_its_answer_was_lost_is_not_overtaken(
    simulator: SimulatorServer, sold: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.request_refund(sold.id, PREMIUM, RefundReason.NOT_ISSUABLE)
    db.session.commit()
    simulator.switch(fail_next=[{"path": "/v1/refunds", "how": "cut", "when": "after", "times": 3}])
    (refund,) = queries.refunds_for(sold.purpose, sold.subject_id)
    with pytest.raises(PaymentsUnavailable):
        services.send_refund(refund.id)
    db.session.rollback()
    assert len(simulator.listed("/v1/refunds")) == 1
    lose(monkeypatch, a_dispute(sold, PREMIUM))
    drain("payment")
    (refund,) = queries.refunds_for(sold.purpose, sold.subject_id)
    assert refund.state is RefundState.SUCCEEDED
    left = totals()
    assert left[A.DISPUTE_LOSSES] == PREMIUM.minor, "it went back twice"
    assert {A.DISPUTED, A.REFUNDS_PAYABLE, A.INSURER_PAYABLE, A.COMMISSION} & left.keys() == set()
    assert len(simulator.listed("/v1/refunds")) == 1
    assert waiting().count("fact.refunded") == 1


def test_stripe_is_not_asked_about_refunds_where_there_is_none(sold: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gateway, "list_refunds", lambda *_: pytest.fail("asked"))
    lose(monkeypatch, a_dispute(sold, PREMIUM))
    assert queries.disputes()[0].status is DisputeStatus.LOST
