"""Payment's later work. Each job may run twice, and beside itself."""

import logging
from uuid import UUID

from marketplace.accounts import services as accounts
from marketplace.accounts.values import PayeeMismatch, PayeeNotFound
from marketplace.infra.jobs import SOON, task
from marketplace.payment import services
from marketplace.payment.values import AttemptNotFound, MandateNotFound, RefundNotFound

log = logging.getLogger(__name__)


@task("payment.settle", moves_money=True, priority=SOON)
def settle(attempt_id: UUID, session_id: str | None = None, event_id: str | None = None) -> None:
    try:
        services.settle(attempt_id, session_id)
    except AttemptNotFound:
        _not_ours("attempt", attempt_id, event_id)
    else:
        services.mark_handled(event_id)


@task("payment.settle_overdue", attempts=1, moves_money=True)
def settle_overdue(attempt_id: UUID, session_id: str | None = None) -> None:
    """Asked for by reconciliation, which asks again by itself."""
    services.settle(attempt_id, session_id)


@task("payment.send_overdue_refund", attempts=1, moves_money=True)
def send_overdue_refund(refund_id: UUID) -> None:
    """Asked for by reconciliation, which asks again by itself."""
    services.send_refund(refund_id)


@task("payment.expire_session", moves_money=True)
def expire_session(attempt_id: UUID) -> None:
    services.expire_session(attempt_id)


@task("payment.send_charge", moves_money=True)
def send_charge(attempt_id: UUID) -> None:
    services.send_charge(attempt_id)


@task("payment.settle_mandate")
def settle_mandate(mandate_id: UUID, session_id: str | None = None, event_id: str | None = None) -> None:
    try:
        services.settle_mandate(mandate_id, session_id)
    except MandateNotFound:
        _not_ours("card", mandate_id, event_id)
    else:
        services.mark_handled(event_id)


@task("payment.detach_card")
def detach_card(mandate_id: UUID) -> None:
    services.detach_card(mandate_id)


@task("payment.send_refund", moves_money=True)
def send_refund(refund_id: UUID, event_id: str | None = None) -> None:
    try:
        services.send_refund(refund_id)
    except RefundNotFound:
        _not_ours("refund", refund_id, event_id)
    else:
        services.mark_handled(event_id)


@task("payment.look_up_event", moves_money=True)
def look_up_event(event_id: str, kind: str, subject_id: str) -> None:
    """A thin event came: what it is about is asked first."""
    services.look_up_event(event_id, kind, subject_id)


@task("payment.release_transfer", attempts=1, moves_money=True)
def release_transfer(transfer_id: UUID) -> None:
    """Asked for by reconciliation, which asks again by itself."""
    services.release_transfer(transfer_id)


@task("payment.send_transfer", moves_money=True)
def send_transfer(transfer_id: UUID) -> None:
    services.send_transfer(transfer_id)


@task("payment.send_reversal", moves_money=True)
def send_reversal(reversal_id: UUID) -> None:
    services.send_reversal(reversal_id)


@task("payment.note_decline")
def note_decline(event_id: str) -> None:
    try:
        services.note_decline(event_id)
    except AttemptNotFound:
        services.mark_handled(event_id, ours=False)


@task("payment.note_dispute", moves_money=True)
def note_dispute(dispute_id: str, event_id: str | None = None) -> None:
    """The bank of a customer said something: what, the provider is asked itself."""
    try:
        services.note_dispute(dispute_id)
    except AttemptNotFound:
        services.mark_handled(event_id, ours=False)
    else:
        services.mark_handled(event_id)


@task("payment.note_account")
def note_account(payee_id: UUID, account_id: str, event_id: str) -> None:
    """The account of an insurer has changed at the provider: how, it is asked itself."""
    try:
        accounts.refresh_payee(payee_id, account_id)
    except (PayeeNotFound, PayeeMismatch):
        _not_ours("account", payee_id, event_id)
    else:
        services.mark_handled(event_id)


@task("payment.reconcile", every="* * * * *", attempts=1)
def reconcile() -> None:
    deferred = services.reconcile()
    if deferred:
        log.info("reconciliation deferred %s payments and refunds", deferred)


@task("payment.take_disputes", every="33 * * * *", attempts=1)
def take_disputes() -> None:
    """Once an hour: disputes of which no event came."""
    services.take_disputes()


@task("payment.watch_disputes", every="38 * * * *", attempts=1)
def watch_disputes() -> None:
    """Once an hour, whether the provider answers or not: what has to be answered soon."""
    services.watch_disputes()


@task("payment.reconcile_transfers", every="* * * * *", attempts=1)
def reconcile_transfers() -> None:
    """Apart from `payment.reconcile`: it asks Stripe nothing, so it goes on while Stripe is not there."""
    deferred = services.reconcile_transfers()
    if deferred:
        log.info("reconciliation deferred %s transfers and reversals", deferred)


@task("payment.take_movements", every="43 * * * *", attempts=1)
def take_movements() -> None:
    """Once an hour: what Stripe says of our money, taken over and compared with the ledger."""
    services.take_movements()


def _not_ours(kind: str, wanted: UUID, event_id: str | None) -> None:
    """Another system on the same account at the provider, or a row lost with a database: kept, counted, looked at."""
    log.error("the provider knows %s %s, we do not (event %s)", kind, wanted, event_id)
    services.mark_handled(event_id, ours=False)
