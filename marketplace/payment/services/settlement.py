"""Take the provider's word about an attempt and move it by the table, exactly once."""

from uuid import UUID

from marketplace.infra import jobs, payment_gateway, vault
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.payment_gateway import Session
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow
from marketplace.payment.queries import attempt_value, attempts_of, received
from marketplace.payment.rules.settling import ATTEMPTS, REFUNDED_AS, AttemptEvent, Seen, attempt_event, is_final
from marketplace.payment.services import charging, ledger
from marketplace.payment.services.charging import Charged
from marketplace.payment.services.refunds import add_refund
from marketplace.payment.services.rows import attempt_row, locked_attempt, record
from marketplace.payment.values import (
    Attempt,
    AttemptState,
    LedgerEvent,
    PaymentExpired,
    PaymentFailed,
    PaymentSucceeded,
    Purpose,
    SessionMismatch,
)
from marketplace.traceability.values import PROVIDER, EntryType


def settle(attempt_id: UUID, session_id: str | None = None) -> Attempt:
    """Ask the provider what became of the attempt, then move it. Webhook, return page and reconciliation all end here.

    `session_id` comes from a verified event and finds the page even when our note of it was lost. Raises
    AttemptNotFound, Unavailable.
    """
    row = attempt_row(attempt_id)
    if row.mandate_id is not None:
        return take_charge(attempt_id, charging.looked_up(row))
    wanted = session_id or row.session_id
    if wanted is not None:
        return _take_word(attempt_id, payment_gateway.gateway().retrieve_session(wanted))
    if clock.now() > row.expires_at:
        return _give_up(attempt_id)
    return attempt_value(row)


def send_charge(attempt_id: UUID) -> Attempt:
    """Charge the kept card of a committed attempt, with nobody there: by the first call, and never a second time.

    Raises AttemptNotCommitted, Unavailable, and then it is asked again.
    """
    charging.require_committed(attempt_id)
    row = attempt_row(attempt_id)
    if row.settled_at is not None or row.mandate_id is None:
        return attempt_value(row)
    return take_charge(attempt_id, charging.charged(row))


def take_charge(attempt_id: UUID, said: Charged) -> Attempt:
    """Move a charge by what the provider says of it. What failed is cancelled there already: nobody pays it later."""
    reach(At.CHARGE_ANSWERED)
    row, others = locked_attempt(attempt_id)
    row.failure = said.failure if row.settled_at is None else row.failure
    if said.intent is not None:
        row.payment_intent_id = said.intent.id
        _note_money(row, said.intent.received, said.intent.method)
    asked = Money(row.amount_minor, row.currency)
    if said.seen is not None:
        _move(row, attempt_event(said.seen, asked, paid_before=any(other.succeeded_at for other in others)))
    elif AttemptState(row.state) is AttemptState.EXPIRED and clock.now() > row.expires_at:
        _move(row, AttemptEvent.EXPIRED)  # it was closed before anybody was asked, as far as we know
    db.session.flush()
    return attempt_value(row)


def settle_latest(purpose: Purpose, subject_id: UUID) -> Attempt | None:
    """Settle the latest attempt for the subject at once; None when there is none. Raises Unavailable.

    One from whose page nothing more can come is given as it stands: nobody is asked.
    """
    attempts = attempts_of(purpose, subject_id)
    if not attempts:
        return None
    latest = attempts[-1]
    return latest if latest.settled_at is not None else settle(latest.id)


def _take_word(attempt_id: UUID, session: Session) -> Attempt:
    if session.our_id != str(attempt_id):
        raise SessionMismatch
    reach(At.SESSION_SEEN)
    row, others = locked_attempt(attempt_id)
    event = _event(row, others, session)
    _note(row, session)
    _move(row, event)
    if AttemptState(row.state) is AttemptState.OPEN:
        row.url = session.url
    db.session.flush()
    return attempt_value(row)


def _give_up(attempt_id: UUID) -> Attempt:
    """Its page was never opened, as far as we know, and nobody was ever sent there."""
    row, _ = locked_attempt(attempt_id)
    if row.session_id is None:
        _move(row, AttemptEvent.EXPIRED)
        db.session.flush()
    return attempt_value(row)


def _event(row: AttemptRow, others: list[AttemptRow], session: Session) -> AttemptEvent:
    seen = Seen(session.status, session.payment_status, session.intent_status, session.amount)
    asked = Money(row.amount_minor, row.currency)
    return attempt_event(seen, asked, paid_before=any(other.succeeded_at for other in others))


def _note(row: AttemptRow, session: Session) -> None:
    row.session_id = session.id
    row.payment_intent_id = session.payment_intent_id or row.payment_intent_id
    if session.payment_status == "paid" and session.amount is not None:
        _note_payer(row, session)
        _note_money(row, session.amount, session.method)


def _note_money(row: AttemptRow, came: Money | None, method: str | None) -> None:
    if came is None:
        return
    row.method = method or row.method
    row.received_minor, row.received_currency = came.minor, came.currency
    # Whatever it is worth to us, it is here now, and it is the customer's.
    ledger.move(LedgerEvent.RECEIVED, row.id, came, attempt_id=row.id, provider_object=row.payment_intent_id)
    reach(At.MONEY_BOOKED)


def _note_payer(row: AttemptRow, session: Session) -> None:
    """Who paid and with what; of somebody who was erased meanwhile nothing is kept anew."""
    if row.instrument is not None or (session.payer is None and session.instrument is None):
        return
    try:
        row.payer = session.payer
    except DataDestroyed:
        return
    if session.instrument is not None:
        row.instrument = vault.index("payment.instrument", session.instrument)


def _move(row: AttemptRow, event: AttemptEvent) -> None:
    before = AttemptState(row.state)
    after = ATTEMPTS.next(before, event)
    if is_final(after, event):
        row.settled_at = row.settled_at or clock.now()
    if after is not before:
        _enter(row, after, event)


def _enter(row: AttemptRow, after: AttemptState, event: AttemptEvent) -> None:
    row.state = after.value
    about = (row.id, Purpose(row.purpose), row.subject_id)
    if after is AttemptState.SUCCEEDED:
        row.succeeded_at = clock.now()
        record(row, EntryType.PAYMENT_SUCCEEDED, PROVIDER, amount=row.amount_minor, currency=row.currency)
        jobs.publish(PaymentSucceeded(*about))
        reach(At.PAYMENT_COUNTED)
    elif after is AttemptState.FAILED:
        record(row, EntryType.PAYMENT_FAILED, PROVIDER, reason=row.failure or "not_collected")
        jobs.publish(PaymentFailed(*about))
    elif after is AttemptState.EXPIRED:
        jobs.publish(PaymentExpired(*about))
    elif after is AttemptState.REFUND_PENDING:
        came_in = received(row)
        if came_in is not None:
            add_refund(row, came_in, REFUNDED_AS[event])
