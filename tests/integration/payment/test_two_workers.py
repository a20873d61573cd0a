"""Two workers have the same share in hand, really at once: what Stripe is asked stays one call."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel.money import Money
from marketplace.payment import queries, services
from marketplace.payment.values import ContractShare, RefundReason, TransferState
from tests.deferred_jobs import drain, waiting
from tests.factories.payment import a_payable_insurer, a_share
from tests.integration.payment.test_transfers import OWED, all_explained, asked, concluded, reconcile, sent, state
from tests.simulator_server import SimulatorServer

HALF = Money(64_200, "CNY")


@pytest.fixture
def share(simulator: SimulatorServer) -> ContractShare:
    share = a_share(a_payable_insurer())
    concluded(simulator, [share])
    return share


def held_up(app: Flask, monkeypatch: pytest.MonkeyPatch, question: str, work: Callable[[], None]) -> Callable[[], None]:
    """A worker begins, asks Stripe the question and is held up over its answer; what is given back lets it go on."""
    answered, go_on, ask = threading.Event(), threading.Event(), getattr(Gateway, question)

    def slowly(*given: Any) -> Any:
        answer = ask(*given)
        if threading.current_thread() is worker:
            answered.set()
            assert go_on.wait(20)
        return answer

    def run() -> None:
        with use_scope(Scope.all()), app.app_context():
            work()
            db.session.commit()
            db.session.remove()

    monkeypatch.setattr(Gateway, question, slowly)
    worker = threading.Thread(target=run)
    worker.start()
    assert answered.wait(20)

    def release() -> None:
        go_on.set()
        worker.join(20)
        assert not worker.is_alive()

    return release


def stuck(table: str) -> UUID:
    """Its key has only replayed a failure, three times."""
    found: UUID = db.session.execute(
        text(f"UPDATE {table} SET failed_calls = 3, failed_as = '500' RETURNING id")
    ).scalar_one()
    db.session.commit()
    return found


def number_of(table: str) -> int:
    db.session.rollback()
    return int(db.session.execute(text(f"SELECT number FROM {table}")).scalar_one())


def test_the_next_key_of_a_share_is_taken_once(
    app: Flask, simulator: SimulatorServer, share: ContractShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(share)
    transfer_id = stuck("payment_transfer")
    let_go = held_up(app, monkeypatch, "list_transfers", lambda: services.send_transfer(transfer_id))
    services.send_transfer(transfer_id)
    db.session.commit()
    assert number_of("payment_transfer") == 2
    let_go()
    assert number_of("payment_transfer") == 2, "what it read was old"
    assert waiting().count("payment.send_transfer") == 2, "the first, and one for the next key"
    drain("payment")
    assert (state(share), sent(simulator)) == (TransferState.SENT, [OWED.minor])
    all_explained()


def test_no_key_is_taken_for_a_share_that_has_left_meanwhile(
    app: Flask, simulator: SimulatorServer, share: ContractShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(share)
    transfer_id = stuck("payment_transfer")
    let_go = held_up(app, monkeypatch, "list_transfers", lambda: services.send_transfer(transfer_id))
    services.send_transfer(transfer_id)
    drain("payment")
    assert sent(simulator) == [OWED.minor]
    let_go()
    assert (number_of("payment_transfer"), state(share)) == (2, TransferState.SENT)
    assert drain("payment") == []
    assert sent(simulator) == [OWED.minor]


def test_the_next_key_of_what_comes_back_is_taken_once(
    app: Flask, simulator: SimulatorServer, share: ContractShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile()
    (attempt_id,) = db.session.execute(text("SELECT attempt_id FROM payment_transfer")).scalars()
    services.request_refund(attempt_id, HALF, RefundReason.CONTRACT_ENDED)
    db.session.commit()
    reversal_id = stuck("payment_transfer_reversal")
    let_go = held_up(app, monkeypatch, "list_reversals", lambda: services.send_reversal(reversal_id))
    services.send_reversal(reversal_id)
    db.session.commit()
    let_go()
    assert number_of("payment_transfer_reversal") == 2
    drain("payment")
    assert sent(simulator) == [OWED.minor // 2]
    all_explained()


def test_what_is_at_stripe_twice_all_the_same_rings(
    app: Flask, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a call hung for longer than its job: it comes back with another transfer than the one that is known."""
    insurer = a_payable_insurer()
    share = a_share(insurer)
    concluded(simulator, [share, a_share(insurer)])  # of one contract alone, Stripe would refuse more than was paid
    asked(share)
    transfer_id = queries.transfer_of(share.contract_id).id
    let_go = held_up(app, monkeypatch, "list_transfers", lambda: services.send_transfer(transfer_id))
    drain("payment")
    assert "ALARM" not in caplog.text
    simulator.switch(forget_keys=True)
    let_go()
    assert f"ALARM transfer {transfer_id} was sent twice" in caplog.text
    assert state(share) is TransferState.SENT
    entries = "SELECT count(*) FROM payment_ledger_entry WHERE event = 'transfer_sent'"
    assert db.session.execute(text(entries)).scalar_one() == 1


def test_jobs_of_one_share_are_worked_on_one_after_the_other(share: ContractShare) -> None:
    asked(share)
    transfer_id = queries.transfer_of(share.contract_id).id
    locks = "SELECT lock FROM procrastinate_jobs WHERE task_name = 'payment.send_transfer'"
    assert set(db.session.execute(text(locks)).scalars()) == {f"transfer-{transfer_id}"}
