"""Send money back: once per attempt and reason, to where it came from (regulation O13-43)."""

import logging
from uuid import UUID

from marketplace.infra import jobs, stripe_gateway
from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import PaymentCallRefused, ProviderRefund
from marketplace.kernel import clock, ids
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow, RefundRow, refunds_of
from marketplace.payment.queries import received, refund_value
from marketplace.payment.rules.settling import (
    ATTEMPTS,
    REFUNDS,
    AttemptEvent,
    RefundEvent,
    must_look_first,
    refund_event,
    refundable,
)
from marketplace.payment.services import ledger
from marketplace.payment.services.rows import attempt_row, locked_attempt, record, refund_row
from marketplace.payment.values import (
    AttemptState,
    LedgerEvent,
    NothingToRefund,
    Purpose,
    Refund,
    RefundReason,
    RefundState,
    RefundSucceeded,
)
from marketplace.traceability.values import PROVIDER, SYSTEM, EntryType

log = logging.getLogger(__name__)

PROVIDER_FAILED = "the provider could not send it"


def request_refund(attempt_id: UUID, amount: Money, reason: RefundReason) -> Refund:
    """Ask for `amount` of what came in to go back; asking again for the same reason changes nothing.

    Raises AttemptNotFound, TransitionRefused (nothing was paid), NothingToRefund (more than is left).
    """
    row, _ = locked_attempt(attempt_id)
    known = next((refund for refund in refunds_of(attempt_id) if refund.reason == reason.value), None)
    if known is not None:
        return refund_value(known)
    row.state = ATTEMPTS.next(AttemptState(row.state), AttemptEvent.REFUND_REQUESTED).value
    return refund_value(add_refund(row, amount, reason))


def add_refund(row: AttemptRow, amount: Money, reason: RefundReason) -> RefundRow:
    """Write the refund of a locked attempt and defer its sending. Raises NothingToRefund."""
    came_in = received(row)
    asked = sum((_money(refund) for refund in refunds_of(row.id)), Money.zero(amount.currency))
    if came_in is None or not amount or refundable(came_in, asked) < amount:
        raise NothingToRefund
    refund = RefundRow(
        id=ids.new_id(),
        attempt_id=row.id,
        amount_minor=amount.minor,
        currency=amount.currency,
        reason=reason.value,
        state=RefundState.REQUESTED.value,
        requested_at=clock.now(),
    )
    db.session.add(refund)
    db.session.flush()
    body = {"amount": amount.minor, "currency": amount.currency, "reason": reason.value}
    record(row, EntryType.REFUND_REQUESTED, SYSTEM, **body)
    ledger.move(LedgerEvent.REFUND_REQUESTED, refund.id, amount, attempt_id=row.id)
    jobs.defer("payment.send_refund", refund_id=refund.id)
    return refund


def send_refund(refund_id: UUID) -> Refund:
    """Bring a refund forward: create it at the provider, or ask how it stands, and move it by the table.

    The same idempotency key every time; older than the provider remembers keys, it is looked up first. Raises
    Unavailable.
    """
    refund = refund_row(refund_id)
    if RefundState(refund.state) is RefundState.FAILED:
        return refund_value(refund)
    try:
        found = _at_provider(refund, attempt_row(refund.attempt_id))
    except PaymentCallRefused as error:
        log.exception("refund %s was refused", refund_id)
        return _move(refund_id, RefundEvent.FAILED, None, error.reason or PROVIDER_FAILED)
    return _move(refund_id, refund_event(found.status), found.id, found.failure_reason)


def _at_provider(refund: RefundRow, attempt: AttemptRow) -> ProviderRefund:
    gateway = stripe_gateway.gateway()
    if refund.provider_id is not None:
        return gateway.retrieve_refund(refund.provider_id)
    intent = attempt.payment_intent_id
    if intent is None:
        raise PaymentCallRefused("the payment has no intent", "intent_missing")
    if must_look_first(refund.requested_at, clock.now()):
        found = _look_up(intent, refund.id)
        if found is not None:
            return found
    metadata = {"refund_id": str(refund.id), "attempt_id": str(attempt.id), "reference": attempt.reference}
    try:
        return gateway.create_refund(intent, _money(refund), metadata, f"refund-{refund.id}")
    except PaymentCallRefused:
        found = _look_up(intent, refund.id)
        if found is None:
            raise
        return found


def _look_up(intent: str, refund_id: UUID) -> ProviderRefund | None:
    refunds = stripe_gateway.gateway().list_refunds(intent)
    return next((found for found in refunds if found.metadata.get("refund_id") == str(refund_id)), None)


def _move(refund_id: UUID, event: RefundEvent, provider_id: str | None, failure: str | None) -> Refund:
    refund = refund_row(refund_id)
    attempt, _ = locked_attempt(refund.attempt_id)
    refund = refund_row(refund_id)
    before, after = RefundState(refund.state), REFUNDS.next(RefundState(refund.state), event)
    refund.provider_id = provider_id or refund.provider_id
    if after is not before:
        refund.state, refund.failure = after.value, failure
        refund.settled_at = None if after is RefundState.SENT else clock.now()
        if after is RefundState.FAILED:
            log.error("refund %s did not reach the customer (%s) and needs a person", refund_id, failure)
        db.session.flush()
        _book(refund, after)
        _enter(attempt, refund, after)
    db.session.flush()
    return refund_value(refund)


def _book(refund: RefundRow, after: RefundState) -> None:
    """It leaves when it is sent. What could not be delivered comes back, and still has to go to the customer."""
    if after in {RefundState.SENT, RefundState.SUCCEEDED}:
        event = LedgerEvent.REFUND_SENT
    elif ledger.is_posted(LedgerEvent.REFUND_SENT, refund.id):
        event = LedgerEvent.REFUND_RETURNED
    else:
        return
    ledger.move(event, refund.id, _money(refund), attempt_id=refund.attempt_id, provider_object=refund.provider_id)


def _enter(attempt: AttemptRow, refund: RefundRow, after: RefundState) -> None:
    state = AttemptState(attempt.state)
    if after is RefundState.SUCCEEDED:
        body = {"amount": refund.amount_minor, "currency": refund.currency, "reason": refund.reason}
        record(attempt, EntryType.REFUND_SUCCEEDED, PROVIDER, **body)
        if all(other.state == RefundState.SUCCEEDED.value for other in refunds_of(attempt.id)):
            attempt.state = ATTEMPTS.next(state, AttemptEvent.REFUND_SUCCEEDED).value
        about = (attempt.id, Purpose(attempt.purpose), attempt.subject_id)
        jobs.publish(RefundSucceeded(refund.id, *about, RefundReason(refund.reason), _money(refund)))
    elif after is RefundState.FAILED:
        attempt.state = ATTEMPTS.next(state, AttemptEvent.REFUND_FAILED).value


def _money(refund: RefundRow) -> Money:
    return Money(refund.amount_minor, refund.currency)
