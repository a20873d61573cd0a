"""Insurers' shares leave when nobody can withdraw any more: each once, whatever Stripe or a process does meanwhile.
What goes back to a customer comes back from its insurer. The ledger and Stripe agree at every end.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
import requests
from sqlalchemy import text

from marketplace.accounts import queries as accounts
from marketplace.accounts import services as parties
from marketplace.accounts.values import Insurer, PayeeState, Role
from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel import clock
from marketplace.kernel.ids import new_id
from marketplace.kernel.money import Money
from marketplace.payment import queries, services
from marketplace.payment.values import (
    Attempt,
    AttemptState,
    ContractShare,
    LedgerAccount,
    Refund,
    RefundReason,
    RefundState,
    TransferState,
)
from tests.deferred_jobs import drain, waiting
from tests.factories.accounts import a_member_of_staff, an_insurer
from tests.factories.payment import (
    PREMIUM,
    a_payable_insurer,
    a_share,
    a_wish,
    a_wish_to_pay,
    an_open_attempt,
    at_the_refund_desk,
)
from tests.simulator_server import SimulatorServer

A = LedgerAccount
COMMISSION = Money(19_260, "CNY")
OWED = PREMIUM - COMMISSION
HALF = Money(64_200, "CNY")


def concluded(simulator: SimulatorServer, shares: Sequence[ContractShare]) -> Attempt:
    total = sum((each.share.premium for each in shares), Money.zero("CNY"))
    attempt, url = an_open_attempt(a_wish_to_pay(amount=total))
    simulator.pay(url)
    services.settle(attempt.id)
    services.book_premiums(attempt.id, shares)
    db.session.commit()
    return attempt


@pytest.fixture
def insurer(simulator: SimulatorServer) -> Insurer:
    return a_payable_insurer()


@pytest.fixture
def share(simulator: SimulatorServer, insurer: Insurer) -> ContractShare:
    """Concluded and due; nobody has been asked for anything."""
    share = a_share(insurer)
    concluded(simulator, [share])
    return share


def reconcile(after: timedelta = timedelta()) -> list[str]:
    """What the minute brings, and what it defers; so much later."""
    with clock.frozen(clock.now() + after):
        services.reconcile_transfers()
        return [name for name in drain("payment") if not name.startswith("payment.settle")]


def asked(share: ContractShare) -> None:
    """As committed before Stripe is asked."""
    services.release_transfer(queries.transfer_of(share.contract_id).id)
    db.session.commit()


def totals(insurer: Insurer | None = None) -> dict[LedgerAccount, int]:
    db.session.commit()
    return {
        each.account: each.total.minor
        for each in queries.account_totals()
        if each.total.minor and each.insurer_id == (insurer and insurer.id)
    }


def sent(simulator: SimulatorServer) -> list[int]:
    return [each["amount"] - each["amount_reversed"] for each in simulator.listed("/v1/transfers")]


def state(share: ContractShare) -> TransferState:
    db.session.commit()
    return queries.transfer_of(share.contract_id).state


def given_back(share: ContractShare, amount: Money, reason: RefundReason = RefundReason.CONTRACT_ENDED) -> Refund:
    """A part of the premium of the only contract of its order, or all of it."""
    wanted = {"contract": share.contract_id}
    attempt_id = db.session.execute(
        text("SELECT attempt_id FROM payment_transfer WHERE contract_id = :contract"), wanted
    ).scalar_one()
    return services.request_refund(attempt_id, amount, reason)


def all_explained() -> None:
    services.take_movements()
    db.session.commit()
    assert queries.unexplained() == ()
    for check in queries.last_balance_checks():
        assert check.provider == check.ledger


@pytest.mark.requirement("O13-24")
def test_a_share_leaves_once_and_nothing_is_owed_any_more(
    simulator: SimulatorServer, insurer: Insurer, share: ContractShare
) -> None:
    assert totals(insurer) == {A.INSURER_PAYABLE: -OWED.minor, A.COMMISSION: -COMMISSION.minor}
    assert reconcile() == ["payment.release_transfer", "payment.send_transfer"]
    (transfer,) = simulator.listed("/v1/transfers")
    payee = accounts.payee(insurer.id)
    assert payee
    assert (transfer["amount"], transfer["destination"]) == (OWED.minor, payee.account_id)
    found = queries.transfer_of(share.contract_id)
    assert (found.state, found.amount) == (TransferState.SENT, OWED)
    assert transfer["metadata"]["transfer_id"] == str(found.id)
    assert transfer["metadata"]["contract_id"] == str(share.contract_id)
    assert transfer["metadata"]["application_id"] == str(share.application_id)
    assert totals(insurer) == {A.COMMISSION: -COMMISSION.minor}
    all_explained()
    assert reconcile(timedelta(days=2)) == []
    services.send_transfer(found.id)
    services.release_transfer(found.id)
    db.session.commit()
    assert sent(simulator) == [OWED.minor]
    assert totals(insurer) == {A.COMMISSION: -COMMISSION.minor}


def test_a_share_waits_while_its_customer_may_withdraw(simulator: SimulatorServer, insurer: Insurer) -> None:
    share = a_share(insurer, due_at=clock.business_now() + timedelta(days=15))
    concluded(simulator, [share])
    assert reconcile(timedelta(days=14)) == []
    services.release_transfer(queries.transfer_of(share.contract_id).id)
    assert state(share) is TransferState.WAITING
    assert sent(simulator) == []
    assert reconcile(timedelta(days=15)) == ["payment.release_transfer", "payment.send_transfer"]
    assert sent(simulator) == [OWED.minor]


def test_what_waits_for_the_worker_is_not_given_to_it_again(simulator: SimulatorServer, share: ContractShare) -> None:
    for _ in range(3):
        services.reconcile_transfers()
    assert waiting().count("payment.release_transfer") == 1
    asked(share)
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        for _ in range(3):
            services.reconcile_transfers()
    assert waiting().count("payment.send_transfer") == 1
    drain("payment")
    assert sent(simulator) == [OWED.minor]


def test_the_clock_of_the_contract_decides(simulator: SimulatorServer, insurer: Insurer) -> None:
    share = a_share(insurer, due_at=clock.now() + timedelta(days=15))
    concluded(simulator, [share])
    clock.set_business_offset(timedelta(days=16))
    try:
        services.reconcile_transfers()
        services.release_transfer(queries.transfer_of(share.contract_id).id)
        db.session.commit()
    finally:
        clock.set_business_offset(timedelta())
    drain("payment")
    assert sent(simulator) == [OWED.minor]


def test_each_insurer_of_an_order_gets_its_own(simulator: SimulatorServer, insurer: Insurer) -> None:
    other = a_payable_insurer("meadow")
    first, second = a_share(insurer), a_share(other, HALF, 1000)
    concluded(simulator, [first, second])
    reconcile()
    by_account = {each["destination"]: each["amount"] for each in simulator.listed("/v1/transfers")}
    payees = accounts.payees()
    assert by_account == {payees[insurer.id].account_id: OWED.minor, payees[other.id].account_id: 57_780}
    assert totals(insurer) == {A.COMMISSION: -COMMISSION.minor}
    assert totals(other) == {A.COMMISSION: -6420}
    all_explained()


def test_two_contracts_of_one_insurer_are_two_transfers(simulator: SimulatorServer, insurer: Insurer) -> None:
    concluded(simulator, [a_share(insurer), a_share(insurer)])
    reconcile()
    assert sent(simulator) == [OWED.minor, OWED.minor]
    all_explained()


def test_an_insurer_without_an_account_waits(simulator: SimulatorServer) -> None:
    share = a_share(an_insurer("nowhere"))
    concluded(simulator, [share])
    assert reconcile() == []
    assert state(share) is TransferState.WAITING


def test_where_all_is_commission_nothing_leaves(simulator: SimulatorServer, insurer: Insurer) -> None:
    share = a_share(insurer, basis_points=10_000)
    concluded(simulator, [share])
    assert (reconcile(), state(share), sent(simulator)) == ([], TransferState.CLOSED, [])


def test_booking_again_changes_nothing(simulator: SimulatorServer, insurer: Insurer) -> None:
    share = a_share(insurer)
    attempt = concluded(simulator, [share])
    services.book_premiums(attempt.id, [share])
    db.session.commit()
    assert totals(insurer)[A.INSURER_PAYABLE] == -OWED.minor
    assert db.session.execute(text("SELECT count(*) FROM payment_transfer")).scalar_one() == 1


class TestStripeFails:
    def test_an_answer_that_was_lost_is_found(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        asked(share)
        simulator.switch(fail_next=[{"path": "/v1/transfers", "how": "cut", "when": "after", "times": 3}])
        drain("payment")
        assert state(share) is TransferState.ASKED
        assert totals(insurer)[A.INSURER_PAYABLE] == -OWED.minor, "not before we know"
        assert reconcile(timedelta(minutes=2)) == ["payment.send_transfer"]
        assert state(share) is TransferState.SENT
        assert sent(simulator) == [OWED.minor]
        all_explained()

    def test_a_process_that_dies_after_the_answer_sends_no_second_one(
        self, simulator: SimulatorServer, share: ContractShare
    ) -> None:
        asked(share)
        transfer_id = queries.transfer_of(share.contract_id).id
        services.send_transfer(transfer_id)
        db.session.rollback()
        assert state(share) is TransferState.ASKED
        services.send_transfer(transfer_id)
        assert state(share) is TransferState.SENT
        assert sent(simulator) == [OWED.minor]

    def test_a_process_that_dies_before_its_row_is_there_asks_for_nothing(
        self, simulator: SimulatorServer, share: ContractShare
    ) -> None:
        services.release_transfer(queries.transfer_of(share.contract_id).id)
        db.session.rollback()
        assert (state(share), sent(simulator)) == (TransferState.WAITING, [])
        assert "payment.send_transfer" not in waiting()

    def test_a_contract_that_is_concluded_again_after_a_restore_is_not_sent_again(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked(share)
        services.send_transfer(queries.transfer_of(share.contract_id).id)
        db.session.rollback()  # sent; the database that noted it is lost, and with it the contract
        db.session.execute(
            text("UPDATE payment_transfer SET id = gen_random_uuid(), contract_id = :again"),
            {"again": (again := new_id())},
        )
        db.session.execute(text("UPDATE payment_transfer SET state = 'waiting', asked_at = NULL, number = 0"))
        db.session.execute(text("DELETE FROM procrastinate_jobs"))
        db.session.commit()
        monkeypatch.setattr(Gateway, "create_transfer", lambda *_: pytest.fail("asked again"))
        reconcile(timedelta(minutes=2))
        assert queries.transfer_of(again).state is TransferState.SENT
        assert sent(simulator) == [OWED.minor]
        assert totals(insurer) == {A.COMMISSION: -COMMISSION.minor}
        all_explained()

    def test_the_contract_of_another_application_is_another_transfer(
        self, simulator: SimulatorServer, insurer: Insurer
    ) -> None:
        first, second = a_share(insurer), a_share(insurer)
        concluded(simulator, [first, second])
        asked(first)
        drain("payment")
        assert state(second) is TransferState.WAITING
        reconcile()
        assert (state(second), sent(simulator)) == (TransferState.SENT, [OWED.minor, OWED.minor])

    def test_a_forgotten_key_is_no_second_transfer(
        self, simulator: SimulatorServer, share: ContractShare, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked(share)
        services.send_transfer(queries.transfer_of(share.contract_id).id)
        db.session.rollback()  # sent, and our note of it lost for a day
        simulator.switch(forget_keys=True)
        monkeypatch.setattr(Gateway, "create_transfer", lambda *_: pytest.fail("asked again"))
        assert set(reconcile(timedelta(hours=25))) == {"payment.send_transfer"}
        assert state(share) is TransferState.SENT
        assert sent(simulator) == [OWED.minor]

    def test_a_stored_failure_is_replayed_no_longer_than_three_times(
        self, simulator: SimulatorServer, share: ContractShare
    ) -> None:
        asked(share)
        simulator.switch(fail_next=[{"path": "/v1/transfers", "when": "stored"}])
        drain("payment")
        for _ in range(2):
            assert (state(share), sent(simulator)) == (TransferState.ASKED, [])
            reconcile(timedelta(minutes=2))
        assert state(share) is TransferState.ASKED
        reconcile(timedelta(minutes=2))
        assert state(share) is TransferState.SENT
        assert sent(simulator) == [OWED.minor]
        all_explained()

    def test_while_it_is_not_there_everything_waits(self, simulator: SimulatorServer, share: ContractShare) -> None:
        asked(share)
        simulator.switch(fail_next=[{"path": "/v1/transfers", "method": "GET", "status": 503, "times": 3}])
        drain("payment")
        assert (state(share), sent(simulator)) == (TransferState.ASKED, [])
        reconcile(timedelta(minutes=2))
        assert (state(share), sent(simulator)) == (TransferState.SENT, [OWED.minor])

    def test_what_it_refuses_waits_an_hour_and_rings(
        self, simulator: SimulatorServer, share: ContractShare, caplog: pytest.LogCaptureFixture
    ) -> None:
        asked(share)
        simulator.switch(fail_next=[{"path": "/v1/transfers", "status": 400}])
        drain("payment")
        assert "ALARM transfer" in caplog.text
        assert (state(share), sent(simulator)) == (TransferState.WAITING, [])
        assert reconcile(timedelta(minutes=59)) == []
        assert reconcile(timedelta(minutes=61)) == ["payment.release_transfer", "payment.send_transfer"]
        assert (state(share), sent(simulator)) == (TransferState.SENT, [OWED.minor])

    def test_two_workers_at_once_send_one(self, simulator: SimulatorServer, share: ContractShare) -> None:
        asked(share)
        transfer_id = queries.transfer_of(share.contract_id).id
        for _ in range(2):
            services.send_transfer(transfer_id)
        db.session.commit()
        assert sent(simulator) == [OWED.minor]
        entries = "SELECT count(*) FROM payment_ledger_entry WHERE event = 'transfer_sent'"
        assert db.session.execute(text(entries)).scalar_one() == 1


class TestARestrictedInsurer:
    @pytest.fixture(autouse=True)
    def _restricted(self, simulator: SimulatorServer, insurer: Insurer) -> None:
        payee = accounts.payee(insurer.id)
        assert payee
        self.payee_id = payee.id
        self.door = f"{simulator.url}/_simulator/accounts/{payee.account_id}"

    def put(self, standing: str) -> None:
        requests.post(self.door, json={"state": standing}, timeout=5).raise_for_status()

    def test_its_transfers_wait_until_it_works_again(self, simulator: SimulatorServer, share: ContractShare) -> None:
        self.put("restricted")
        drain("payment", "accounts")
        from_stripe(self.payee_id)
        assert reconcile() == []
        assert (state(share), sent(simulator)) == (TransferState.WAITING, [])
        self.put("in_good_standing")
        from_stripe(self.payee_id)
        assert reconcile() == ["payment.release_transfer", "payment.send_transfer"]
        assert sent(simulator) == [OWED.minor]

    def test_restricted_before_the_call_we_hear_it_from_the_refusal(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        asked(share)
        self.put("restricted")
        drain("payment")
        assert (state(share), sent(simulator)) == (TransferState.WAITING, [])
        assert queries.transfer_of(share.contract_id).failure == "insufficient_capabilities_for_transfer"
        drain("accounts")
        found = accounts.payee(insurer.id)
        assert found
        assert found.state is PayeeState.RESTRICTED
        assert totals(insurer)[A.INSURER_PAYABLE] == -OWED.minor

    @pytest.mark.usefixtures("share")
    def test_what_waits_longer_than_a_day_is_told(self, insurer: Insurer) -> None:
        assert queries.overdue() == ()
        with clock.frozen(clock.now() + timedelta(days=2)):
            (late,) = queries.overdue()
        assert (late.insurer_id, late.number, late.amount, late.returning) == (insurer.id, 1, OWED, False)


class TestPremiumGoesBack:
    def test_before_its_share_has_left_nothing_leaves(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        refund = given_back(share, PREMIUM)
        assert given_back(share, PREMIUM).id == refund.id
        drain("payment")
        assert state(share) is TransferState.CLOSED
        assert reconcile(timedelta(hours=2)) == []
        assert sent(simulator) == []
        assert [each["amount"] for each in simulator.listed("/v1/refunds")] == [PREMIUM.minor]
        assert totals(insurer) == {}
        assert totals() == {}
        all_explained()

    def test_a_part_before_leaves_the_rest_to_be_sent(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        given_back(share, HALF)
        reconcile()
        assert sent(simulator) == [OWED.minor // 2]
        assert totals(insurer) == {A.COMMISSION: -COMMISSION.minor // 2}
        all_explained()

    def test_after_its_share_has_left_it_comes_back_with_the_commission(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        reconcile()
        given_back(share, PREMIUM)
        assert sorted(drain("payment")) == ["payment.send_refund", "payment.send_reversal"]
        (transfer,) = simulator.listed("/v1/transfers")
        assert (transfer["reversed"], transfer["amount_reversed"]) == (True, OWED.minor)
        assert [each["amount"] for each in simulator.listed("/v1/refunds")] == [PREMIUM.minor]
        assert totals(insurer) == {}
        assert totals() == {}
        all_explained()
        assert reconcile(timedelta(days=2)) == []

    def test_a_part_after_brings_that_part_back(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        reconcile()
        given_back(share, HALF)
        drain("payment")
        assert sent(simulator) == [OWED.minor // 2]
        assert totals(insurer) == {A.COMMISSION: -COMMISSION.minor // 2}
        all_explained()

    def test_between_asking_and_knowing_it_comes_back_as_soon_as_we_know(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        asked(share)
        simulator.switch(fail_next=[{"path": "/v1/transfers", "how": "cut", "when": "after", "times": 3}])
        drain("payment")
        given_back(share, PREMIUM)
        drain("payment")
        assert state(share) is TransferState.ASKED, "it may be there already"
        assert reconcile(timedelta(minutes=2)) == ["payment.send_transfer", "payment.send_reversal"]
        assert sent(simulator) == [0]
        assert totals(insurer) == {}
        all_explained()

    def test_refused_after_it_went_back_it_is_closed(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        asked(share)
        given_back(share, PREMIUM)
        simulator.switch(fail_next=[{"path": "/v1/transfers", "status": 400}])
        drain("payment")
        assert (state(share), sent(simulator)) == (TransferState.CLOSED, [])
        assert totals(insurer) == {}

    def test_the_other_insurer_of_the_order_keeps_its_own(self, simulator: SimulatorServer, insurer: Insurer) -> None:
        other = a_payable_insurer("meadow")
        attempt = concluded(simulator, [a_share(insurer), a_share(other)])
        reconcile()
        staff, second = (a_member_of_staff(Role.ADMIN_FINANCE).id for _ in range(2))
        a_wish(attempt.id, staff, amount=PREMIUM, insurer_id=insurer.id)
        assert queries.premium_left(attempt.id, insurer.id, "CNY") == Money(0, "CNY")
        assert queries.premium_left(attempt.id, other.id, "CNY") == PREMIUM
        drain("payment")
        assert sorted(sent(simulator)) == [0, OWED.minor]
        assert totals(insurer) == {}
        assert totals(other) == {A.COMMISSION: -COMMISSION.minor}
        assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
        wish = a_wish(attempt.id, staff, amount=PREMIUM, insurer_id=other.id)
        services.approve_wish(wish.id, at_the_refund_desk(second))
        drain("payment")
        assert sent(simulator) == [0, 0]
        refunds = queries.refunds_for(attempt.purpose, attempt.subject_id)
        assert [(each.amount, each.state) for each in refunds] == [(PREMIUM, RefundState.SUCCEEDED)] * 2
        assert queries.attempt(attempt.id).state is AttemptState.REFUNDED
        all_explained()

    def test_two_contracts_give_back_in_proportion(self, simulator: SimulatorServer, insurer: Insurer) -> None:
        first, second = a_share(insurer), a_share(insurer)
        attempt = concluded(simulator, [first, second])
        services.request_refund(attempt.id, HALF, RefundReason.CONTRACT_ENDED)
        reconcile()
        assert sent(simulator) == [OWED.minor * 3 // 4] * 2
        all_explained()

    def test_goodwill_is_our_own_and_leaves_the_share_alone(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare
    ) -> None:
        given_back(share, HALF, RefundReason.GOODWILL)
        reconcile()
        assert sent(simulator) == [OWED.minor]
        assert totals(insurer) == {A.COMMISSION: -COMMISSION.minor}
        all_explained()

    @pytest.mark.parametrize(
        "fault",
        [
            {"how": "cut", "when": "after", "times": 3},
            {"how": "cut", "when": "before", "times": 3},
            {"status": 503, "times": 3},
            {"when": "stored"},
        ],
    )
    def test_whatever_fails_it_comes_back_once(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare, fault: dict[str, object]
    ) -> None:
        reconcile()
        given_back(share, PREMIUM)
        simulator.switch(fail_next=[{"path": "/v1/transfers/*/reversals", **fault}])
        drain("payment")
        assert totals(insurer) == {A.INSURER_PAYABLE: OWED.minor}, "the customer has it; the insurer still does"
        assert [each["amount"] for each in simulator.listed("/v1/refunds")] == [PREMIUM.minor]
        for _ in range(4):
            reconcile(timedelta(minutes=2))
        assert sent(simulator) == [0]
        assert totals(insurer) == {}
        all_explained()

    def test_a_reversal_that_is_refused_is_asked_for_again(
        self, simulator: SimulatorServer, insurer: Insurer, share: ContractShare, caplog: pytest.LogCaptureFixture
    ) -> None:
        reconcile()
        given_back(share, PREMIUM)
        simulator.switch(fail_next=[{"path": "/v1/transfers/*/reversals", "status": 400}])
        drain("payment")
        assert "ALARM reversal" in caplog.text
        assert reconcile(timedelta(minutes=50)) == []
        with clock.frozen(clock.now() + timedelta(days=2)):
            (late,) = queries.overdue()
        assert (late.returning, late.amount) == (True, OWED)
        assert reconcile(timedelta(minutes=62)) == ["payment.send_reversal"]
        assert totals(insurer) == {}

    def test_a_process_that_dies_after_the_answer_brings_no_second_part_back(
        self, simulator: SimulatorServer, share: ContractShare
    ) -> None:
        reconcile()
        given_back(share, HALF)
        db.session.commit()
        reversal_id = db.session.execute(text("SELECT id FROM payment_transfer_reversal")).scalar_one()
        services.send_reversal(reversal_id)
        db.session.rollback()
        simulator.switch(forget_keys=True)
        services.send_reversal(reversal_id)
        drain("payment")
        assert sent(simulator) == [OWED.minor // 2]
        all_explained()


def from_stripe(payee_id: UUID) -> None:
    """What the event of the account, or the hour, brings."""
    parties.refresh_payee(payee_id)
    db.session.commit()
