"""A bank takes money back, or may, of a contract whose insurer has its share, or is about to."""

from datetime import timedelta

import pytest

from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.payment import queries, services
from marketplace.payment.services import reconciliation
from marketplace.payment.values import LedgerAccount, TransferState
from tests.deferred_jobs import drain
from tests.factories.payment import a_payable_insurer, a_share
from tests.integration.payment.test_disputes import answer, explained, hear, paid
from tests.simulator_server import SimulatorServer

pytestmark = pytest.mark.usefixtures("database")

A = LedgerAccount


def owed() -> dict[str, int]:
    """By insurer, and what is kept of all."""
    db.session.commit()
    return {
        each.account: each.total.minor
        for each in queries.account_totals()
        if each.account in {A.INSURER_PAYABLE, A.COMMISSION} and each.total.minor
    }


def reconcile(after: timedelta = timedelta()) -> list[str]:
    with clock.frozen(clock.now() + after):
        services.reconcile_transfers()
        return drain("payment")


def test_what_a_bank_keeps_comes_back_from_the_insurer_that_has_it(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    share = a_share(a_payable_insurer())
    services.book_premiums(attempt.id, [share])
    reconcile()
    hear(simulator)
    answer(simulator, "losing_evidence")
    hear(simulator, "charge.dispute.closed")
    (transfer,) = simulator.listed("/v1/transfers")
    assert transfer["amount_reversed"] == transfer["amount"]
    assert owed() == {}
    assert explained()


def test_while_a_bank_may_take_it_back_nothing_leaves(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    share = a_share(a_payable_insurer())
    services.book_premiums(attempt.id, [share])
    hear(simulator)
    reconcile(timedelta(hours=2))
    assert simulator.listed("/v1/transfers") == []
    assert queries.transfer_of(share.contract_id).state is TransferState.WAITING
    answer(simulator, "winning_evidence")
    hear(simulator, "charge.dispute.closed")
    reconcile(timedelta(hours=3))
    (transfer,) = simulator.listed("/v1/transfers")
    assert transfer["amount"] == share.share.premium.minor - share.share.commission.minor
    assert explained()


def test_disputed_between_asking_and_sending_it_waits_until_the_bank_has_decided(simulator: SimulatorServer) -> None:
    attempt = paid(simulator)
    share = a_share(a_payable_insurer())
    services.book_premiums(attempt.id, [share])
    transfer_id = queries.transfer_of(share.contract_id).id
    services.release_transfer(transfer_id)
    db.session.commit()
    services.note_dispute(simulator.listed("/v1/disputes")[0]["id"])
    drain("payment")
    assert queries.transfer_of(share.contract_id).state is TransferState.WAITING
    assert simulator.listed("/v1/transfers") == []
    reconcile(timedelta(hours=2))
    assert simulator.listed("/v1/transfers") == []
    answer(simulator, "winning_evidence")
    hear(simulator, "charge.dispute.closed")
    reconcile(timedelta(minutes=1))
    (transfer,) = simulator.listed("/v1/transfers")
    assert transfer["amount"] == share.share.premium.minor - share.share.commission.minor
    assert explained()


def test_what_stripe_has_when_a_bank_disputes_is_noted_and_comes_back_when_it_is_lost(
    simulator: SimulatorServer,
) -> None:
    attempt = paid(simulator)
    share = a_share(a_payable_insurer())
    services.book_premiums(attempt.id, [share])
    transfer_id = queries.transfer_of(share.contract_id).id
    services.release_transfer(transfer_id)
    db.session.commit()
    services.send_transfer(transfer_id)
    db.session.rollback()  # sent, and our note of it lost
    services.note_dispute(simulator.listed("/v1/disputes")[0]["id"])
    drain("payment")
    assert queries.transfer_of(share.contract_id).state is TransferState.SENT
    answer(simulator, "losing_evidence")
    hear(simulator, "charge.dispute.closed")
    (transfer,) = simulator.listed("/v1/transfers")
    assert transfer["amount_reversed"] == transfer["amount"]
    assert owed() == {}


def test_what_a_bank_disputes_is_nobodys_work_and_is_in_nobodys_way(
    simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    insurer = a_payable_insurer()
    disputed, other = paid(simulator), paid(simulator, "4242424242424242")
    first = a_share(insurer, due_at=clock.business_now() - timedelta(hours=1))
    second = a_share(insurer)
    for attempt, share in ((disputed, first), (other, second)):
        services.book_premiums(attempt.id, [share])
    hear(simulator)
    monkeypatch.setattr(reconciliation, "BATCH", 1)
    assert services.reconcile_transfers() == 1
    assert drain("payment") == ["payment.release_transfer", "payment.send_transfer"]
    assert queries.transfer_of(second.contract_id).state is TransferState.SENT
    assert queries.transfer_of(first.contract_id).state is TransferState.WAITING
    with clock.frozen(clock.now() + timedelta(days=2)):
        assert services.reconcile_transfers() == 0
        assert queries.overdue() == (), "the bank decides when"
    answer(simulator, "winning_evidence")
    hear(simulator, "charge.dispute.closed")
    with clock.frozen(clock.now() + timedelta(days=2)):
        (late,) = queries.overdue()
        assert late.amount == first.share.premium - first.share.commission
        assert services.reconcile_transfers() == 1
