"""What goes back of contracts whose insurers have their shares already: by the refund desk, and by a bank for good."""

from datetime import timedelta

import pytest

from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries, services
from marketplace.payment.values import LedgerAccount, NothingToRefund, RefundReason, TransferState, WishState
from tests.deferred_jobs import drain
from tests.factories.accounts import a_member_of_staff
from tests.factories.payment import PREMIUM, a_payable_insurer, a_share, a_wish, an_open_attempt, at_the_refund_desk
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


@pytest.mark.requirement("O13-24", "O13-43")
def test_what_the_desk_gives_back_comes_back_from_the_insurer_that_has_it(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    services.settle(attempt.id)
    share = a_share(insurer := a_payable_insurer())
    services.book_premiums(attempt.id, [share])
    reconcile()
    assert queries.transfer_of(share.contract_id).state is TransferState.SENT
    finance = a_member_of_staff()
    for part in (Money(50_000, "CNY"), PREMIUM - Money(50_000, "CNY")):
        wish = a_wish(attempt.id, finance.id, amount=part, reason=RefundReason.CONTRACT_ENDED, insurer_id=insurer.id)
        db.session.commit()
        if wish.state is WishState.WAITING:
            from_another = a_member_of_staff()
            services.approve_wish(wish.id, at_the_refund_desk(from_another.id))
        drain("payment")
    (transfer,) = simulator.listed("/v1/transfers")
    assert transfer["amount_reversed"] == transfer["amount"]
    assert sum(each["amount"] for each in simulator.listed("/v1/refunds")) == PREMIUM.minor
    assert owed() == {}
    assert explained()
    assert reconcile(timedelta(days=2)) == []


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
    with pytest.raises(NothingToRefund):
        services.return_premium(share.contract_id, Money(1, "CNY"))


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
    assert transfer["amount"] == share.premium.minor - share.commission.minor
    assert explained()
