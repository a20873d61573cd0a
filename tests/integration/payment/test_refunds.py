"""Money back: once per reason, never more than came in, to where it came from (O13-43)."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.infra.payment_gateway import PaymentsUnavailable, ProviderRefund
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.kernel.transitions import TransitionRefused
from marketplace.payment import queries, services
from marketplace.payment.values import (
    Attempt,
    AttemptState,
    DeskState,
    LedgerAccount,
    NothingToRefund,
    RefundNotFailed,
    RefundReason,
    RefundState,
)
from marketplace.traceability.values import Actor, ActorRole
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.payment import PREMIUM, a_share, a_wish, an_open_attempt
from tests.simulator_server import SimulatorServer

REASON = RefundReason.NOT_ISSUABLE
REFUND_FAILS = "4000000000005126"
BY = Actor(ActorRole.ADMIN, label="admin_finance")


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


def test_one_that_is_on_its_way_is_asked_about_after_longer_and_longer_pauses(
    simulator: SimulatorServer, paid: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.request_refund(paid.id, PREMIUM, REASON)
    began, asked_at = clock.now(), []
    retrieve = Gateway.retrieve_refund

    def pending(gateway: Gateway, refund_id: str) -> ProviderRefund:
        asked_at.append(round((clock.now() - began) / timedelta(minutes=1)))
        return replace(retrieve(gateway, refund_id), status="pending")

    create = Gateway.create_refund
    monkeypatch.setattr(Gateway, "create_refund", lambda *given: replace(create(*given), status="pending"))
    monkeypatch.setattr(Gateway, "retrieve_refund", pending)
    with clock.frozen(began):
        drain("payment")
    for minute in range(1, 300):
        with clock.frozen(began + timedelta(minutes=minute)):
            if services.reconcile():
                drain("payment")
    assert asked_at == [1, 3, 7, 15, 31, 63, 123, 183, 243]
    (refund,) = queries.refunds_for(paid.purpose, paid.subject_id)
    assert refund.state is RefundState.SENT
    monkeypatch.setattr(Gateway, "retrieve_refund", retrieve)
    with clock.frozen(began + timedelta(minutes=304)):
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


def failing(simulator: SimulatorServer, when: str = "stored") -> None:
    """One failure at the provider; with `stored` its key replays it ever after, the library's own retries too."""
    simulator.switch(fail_next=[{"path": "/v1/refunds", "when": when, "status": 500}])


def ask_in_vain(refund_id: UUID) -> None:
    with pytest.raises(PaymentsUnavailable):
        services.send_refund(refund_id)
    db.session.rollback()


def test_after_three_failures_alike_it_is_looked_up_and_asked_for_under_another_key(
    simulator: SimulatorServer, paid: Attempt
) -> None:
    refund = services.request_refund(paid.id, PREMIUM, REASON)
    db.session.commit()
    failing(simulator)
    for _ in range(3):
        ask_in_vain(refund.id)
    assert simulator.listed("/v1/refunds") == [], "the key only replays its failure"
    assert services.send_refund(refund.id).number == 2
    assert simulator.listed("/v1/refunds") == [], "the number is stored before the call"
    drain("payment")
    (sent,) = simulator.listed("/v1/refunds")
    assert (sent["metadata"]["refund_id"], sent["metadata"]["number"]) == (str(refund.id), "2")
    assert queries.attempt(paid.id).state is AttemptState.REFUNDED
    assert waiting().count("fact.refunded") == 1


def test_after_three_failures_alike_what_was_done_all_the_same_is_found(
    simulator: SimulatorServer, paid: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    refund = services.request_refund(paid.id, PREMIUM, REASON)
    db.session.commit()
    with monkeypatch.context() as patch:
        services.send_refund(refund.id)
        db.session.rollback()  # done, and our note of it lost
        patch.setattr(Gateway, "create_refund", failed_answer)
        for _ in range(3):
            ask_in_vain(refund.id)
    assert services.send_refund(refund.id).state is RefundState.SUCCEEDED
    db.session.commit()
    assert len(simulator.listed("/v1/refunds")) == 1
    (found,) = queries.refunds_for(paid.purpose, paid.subject_id)
    assert found.number == 1


def test_failures_of_another_kind_are_counted_anew(simulator: SimulatorServer, paid: Attempt) -> None:
    refund = services.request_refund(paid.id, PREMIUM, REASON)
    db.session.commit()
    for status in (500, 503, 500):
        simulator.switch(fail_next=[{"path": "/v1/refunds", "status": status, "times": 3}])
        ask_in_vain(refund.id)
    simulator.switch()
    assert services.send_refund(refund.id).number == 1
    db.session.commit()
    assert len(simulator.listed("/v1/refunds")) == 1


def failed_answer(*_given: object) -> None:
    raise PaymentsUnavailable("the payment service does not answer", "500")


def test_a_refund_that_a_bank_sent_back_is_asked_for_again_under_the_next_number(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url, REFUND_FAILS)
    services.settle(attempt.id)
    refund = services.request_refund(attempt.id, PREMIUM, REASON)
    drain("payment")
    simulator.wait_for_wallets()
    services.send_refund(refund.id)
    db.session.commit()
    assert queries.refunds_for(attempt.purpose, attempt.subject_id)[0].state is RefundState.FAILED
    services.ask_again(refund.id, BY)
    db.session.commit()
    with pytest.raises(RefundNotFailed):
        services.ask_again(refund.id, BY)
    db.session.rollback()
    drain("payment")
    (again,) = queries.refunds_for(attempt.purpose, attempt.subject_id)
    assert (again.state, again.number) == (RefundState.SUCCEEDED, 2)
    found = simulator.listed("/v1/refunds")
    assert [each["metadata"].get("number", "1") for each in found] == ["2", "1"]
    services.take_movements()
    db.session.commit()
    assert queries.unexplained() == ()
    owed = {each.account: each.total.minor for each in queries.account_totals()}
    assert owed[LedgerAccount.REFUNDS_PAYABLE] == 0


def test_a_part_that_arrived_and_that_a_bank_sent_back_is_work_at_the_desk_and_is_asked_for_again(
    simulator: SimulatorServer,
) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url, REFUND_FAILS)
    services.settle(attempt.id)
    services.book_premiums(attempt.id, [a_share(an_insurer("harbour"))])
    part = Money(28_400, "CNY")
    a_wish(attempt.id, a_member_of_staff(Role.ADMIN_FINANCE).id, amount=part)
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED, "it arrived, and the rest counts"
    assert queries.refundable(attempt.id) == PREMIUM - part
    simulator.wait_for_wallets()
    (refund,) = queries.refunds_for(attempt.purpose, attempt.subject_id)
    services.send_refund(refund.id)
    db.session.commit()
    (row,) = queries.desk(DeskState.FAILED).rows
    assert row.refund
    assert row.refund.id == refund.id
    assert queries.attempt(attempt.id).state is AttemptState.REFUND_PENDING
    assert queries.refundable(attempt.id) == PREMIUM - part, "it is asked for still, not once more"
    services.ask_again(refund.id, BY)
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert queries.refundable(attempt.id) == PREMIUM - part
    assert [each["amount"] for each in simulator.listed("/v1/refunds")] == [part.minor] * 2
    services.take_movements()
    db.session.commit()
    assert queries.unexplained() == ()
    owed = {each.account: each.total.minor for each in queries.account_totals()}
    assert owed[LedgerAccount.REFUNDS_PAYABLE] == 0


def test_what_stripe_has_of_it_all_the_same_is_not_sent_again(simulator: SimulatorServer, paid: Attempt) -> None:
    """It was refused for good, and a look at Stripe finds that it is there."""
    refund = services.request_refund(paid.id, PREMIUM, REASON)
    db.session.commit()
    services.send_refund(refund.id)
    db.session.rollback()
    db.session.execute(text("UPDATE payment_refund SET state = 'failed', settled_at = now()"))
    db.session.commit()
    services.ask_again(refund.id, BY)
    drain("payment")
    assert len(simulator.listed("/v1/refunds")) == 1
    assert queries.refunds_for(paid.purpose, paid.subject_id)[0].state is RefundState.SUCCEEDED


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
