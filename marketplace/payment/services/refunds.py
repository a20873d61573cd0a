"""Send money back: once per attempt and reason, or as staff wished, to where it came from (regulation O13-43)."""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from marketplace.infra import jobs, payment_gateway
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.payment_gateway import PaymentCallRefused, PaymentsUnavailable, ProviderRefund
from marketplace.kernel import clock, ids
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow, RefundRow, WishRow, lost_of, refunds_of
from marketplace.payment.queries import received, refund_value, unreturned_of
from marketplace.payment.rules import bookkeeping
from marketplace.payment.rules.bookkeeping import Line
from marketplace.payment.rules.settling import (
    ATTEMPTS,
    REFUNDS,
    AttemptEvent,
    RefundEvent,
    is_stuck,
    must_look_first,
    refund_event,
    refundable,
)
from marketplace.payment.services import ledger
from marketplace.payment.services.failed_calls import note_failed_call
from marketplace.payment.services.rows import attempt_row, is_frozen, locked_attempt, record, refund_row
from marketplace.payment.services.shares import EVERYBODYS, Whose, shares_left, take_back
from marketplace.payment.values import (
    AttemptState,
    LedgerAccount,
    LedgerEvent,
    NothingToRefund,
    PaymentDisputed,
    Purpose,
    Refund,
    RefundNotFailed,
    RefundReason,
    RefundState,
    RefundSucceeded,
)
from marketplace.traceability.values import PROVIDER, SYSTEM, Actor, EntryType

log = logging.getLogger(__name__)

PROVIDER_FAILED = "the provider could not send it"


def request_refund(attempt_id: UUID, amount: Money, reason: RefundReason) -> Refund:
    """Ask for `amount` of what came in to go back; asking again for the same reason changes nothing.

    Raises AttemptNotFound, TransitionRefused (nothing was paid), NothingToRefund (more than is left).
    """
    row, _ = locked_attempt(attempt_id)
    known = next((each for each in refunds_of(attempt_id) if each.reason == reason.value and not each.wish_id), None)
    if known is not None:
        return refund_value(known)
    row.state = ATTEMPTS.next(AttemptState(row.state), AttemptEvent.REFUND_REQUESTED).value
    return refund_value(add_refund(row, amount, reason))


def give_back(contract_id: UUID, by: Actor) -> tuple[Refund, ...]:
    """All that was paid for a contract from which its customer withdrew, and has not gone back yet, each payment the
    way it came; of one that paid for several contracts too, this one's part. Asked again it changes nothing.
    """
    return tuple(each for found in unreturned_of(contract_id) if (each := _give_back(found, contract_id, by)))


def _give_back(attempt_id: UUID, contract_id: UUID, by: Actor) -> Refund | None:
    row, _ = locked_attempt(attempt_id)
    whose = Whose(contract_id=contract_id)
    paid = _premium_left(row, whose)
    amount = min(paid, left_of(row))
    if not amount:
        return None
    row.state = ATTEMPTS.next(AttemptState(row.state), AttemptEvent.REFUND_REQUESTED).value
    return refund_value(add_refund(row, amount, RefundReason.WITHDRAWN, whose=whose, taken=paid, by=by))


def pay_out(contract_id: UUID, amount: Money, by: Actor) -> tuple[Refund, ...]:
    """So much of what was paid for a contract that its customer ended early, out of the latest payments first, each the
    way it came. Raises NothingToRefund for more than is left of them.
    """
    whose, found = Whose(contract_id=contract_id), []
    rows = [locked_attempt(attempt_id)[0] for attempt_id in unreturned_of(contract_id)]
    for row in sorted(rows, key=lambda each: (each.succeeded_at, each.id), reverse=True):
        part = min(amount, _premium_left(row, whose), left_of(row))
        if part:
            row.state = ATTEMPTS.next(AttemptState(row.state), AttemptEvent.REFUND_REQUESTED).value
            found.append(refund_value(add_refund(row, part, RefundReason.SURRENDERED, whose=whose, by=by)))
            amount -= part
    if amount:
        raise NothingToRefund
    return tuple(found)


def _premium_left(row: AttemptRow, whose: Whose) -> Money:
    return sum((each.premium for each in shares_left(row.id, whose)), Money.zero(row.currency))


def grant(wish: WishRow, row: AttemptRow, by: Actor) -> RefundRow:
    """The refund of what staff wished, of a locked attempt. Raises NothingToRefund, TransitionRefused."""
    row.state = ATTEMPTS.next(AttemptState(row.state), AttemptEvent.REFUND_REQUESTED).value
    amount, whose = Money(wish.amount_minor, wish.currency), Whose(wish.insurer_id)
    return add_refund(row, amount, RefundReason(wish.reason), whose=whose, wish=wish, by=by)


def left_of(row: AttemptRow) -> Money:
    """What came in of a locked attempt, that no bank took back and nobody has asked to go back."""
    came_in = received(row)
    if came_in is None:
        return Money.zero(row.currency)
    asked = sum((each.to_send for each in refunds_of(row.id)), Money.zero(came_in.currency))
    return refundable(came_in, asked + lost_of(row.id, came_in.currency))


def add_refund(
    row: AttemptRow,
    amount: Money,
    reason: RefundReason,
    *,
    whose: Whose = EVERYBODYS,
    taken: Money | None = None,
    wish: WishRow | None = None,
    by: Actor = SYSTEM,
) -> RefundRow:
    """Write the refund of a locked attempt and defer its sending. `taken`: out of the shares, where that is more, as
    all of them are of a contract that is withdrawn from. Raises NothingToRefund.
    """
    if received(row) is None or not amount or left_of(row) < amount:
        raise NothingToRefund
    refund = RefundRow(
        id=ids.new_id(),
        attempt_id=row.id,
        amount_minor=amount.minor,
        currency=amount.currency,
        reason=reason.value,
        state=RefundState.REQUESTED.value,
        requested_at=clock.now(),
        wish_id=wish.id if wish else None,
        contract_id=whose.contract_id,
    )
    db.session.add(refund)
    db.session.flush()
    reach(At.REFUND_WRITTEN)
    record(row, EntryType.REFUND_REQUESTED, by, **_told(refund))
    at = clock.now()
    of_contracts = reason is not RefundReason.GOODWILL and ledger.is_posted(LedgerEvent.PREMIUM, row.id)
    lines = _sources(row, amount, whose, reason=reason, of_contracts=of_contracts)
    ledger.post(LedgerEvent.REFUND_REQUESTED, refund.id, lines, attempt_id=row.id, at=at)
    if of_contracts:
        take_back(refund.id, row.id, taken or amount, whose, at)
    jobs.defer("payment.send_refund", refund_id=refund.id)
    reach(At.REFUND_DEFERRED)
    return refund


def _sources(
    row: AttemptRow, amount: Money, whose: Whose, *, reason: RefundReason, of_contracts: bool
) -> Sequence[Line]:
    """Out of what the money comes (ADR 0028). Raises NothingToRefund for more than the insurer has of it."""
    if reason is RefundReason.GOODWILL:
        return bookkeeping.goodwill(amount)
    if not of_contracts:
        return bookkeeping.move(LedgerEvent.REFUND_REQUESTED, amount)
    try:
        left = shares_left(row.id, whose)
        if reason is RefundReason.WITHDRAWN:
            return bookkeeping.withdrawn(amount, left)
        return bookkeeping.returned(amount, left, LedgerAccount.REFUNDS_PAYABLE)
    except ValueError:
        raise NothingToRefund from None


def ask_again(refund_id: UUID, by: Actor) -> Refund:
    """Ask anew for a refund that failed, under its next number and so with a new key; what Stripe has of it counts.

    Raises RefundNotFound, RefundNotFailed, PaymentDisputed; Unavailable while Stripe cannot be asked.
    """
    refund = refund_row(refund_id)
    if RefundState(refund.state) is not RefundState.FAILED:
        raise RefundNotFailed
    intent = attempt_row(refund.attempt_id).payment_intent_id
    found = _standing(_of(intent, refund.id)) if intent else None
    attempt, _ = locked_attempt(refund.attempt_id)
    refund = refund_row(refund_id)
    if RefundState(refund.state) is not RefundState.FAILED:
        raise RefundNotFailed
    if is_frozen(attempt.id):
        raise PaymentDisputed
    refund.state = REFUNDS.next(RefundState.FAILED, RefundEvent.ASKED_AGAIN).value
    refund.provider_id, refund.failure, refund.settled_at = found.id if found else None, None, None
    _renew_key(refund)
    record(attempt, EntryType.REFUND_REQUESTED, by, **_told(refund))
    jobs.defer("payment.send_refund", refund_id=refund.id)
    return refund_value(refund)


def _of(intent: str, refund_id: UUID) -> list[ProviderRefund]:
    """All that Stripe has of a refund, newest first."""
    found = payment_gateway.gateway().list_refunds(intent)
    return [each for each in found if each.metadata.get("refund_id") == str(refund_id)]


def _standing(refunds: list[ProviderRefund]) -> ProviderRefund | None:
    """The one that did not fail."""
    return next((each for each in refunds if refund_event(each.status) is not RefundEvent.FAILED), None)


def _cause(refund: RefundRow) -> str:
    """What its calls and entries are known by: each number has its own."""
    return str(refund.id) if refund.number == 1 else f"{refund.id}/{refund.number}"


def _renew_key(refund: RefundRow) -> None:
    """The next call is another one for Stripe: whatever it remembers of the last is not replayed."""
    refund.number, refund.asked_at, refund.failed_calls, refund.failed_as = refund.number + 1, clock.now(), 0, None
    db.session.flush()


def send_refund(refund_id: UUID) -> Refund:
    """Bring a refund forward: create it at the provider, or ask how it stands, and move it by the table.

    The same idempotency key every time; older than the provider remembers keys, or after three failures alike, it is
    looked up first, and where the key only replays its failure, the next one is taken. While the bank of the customer
    disputes the payment nothing is sent. Raises Unavailable.
    """
    refund = refund_row(refund_id)
    attempt = attempt_row(refund.attempt_id)
    ended = RefundState(refund.state) in {RefundState.FAILED, RefundState.OVERTAKEN}
    if ended or (not refund.provider_id and is_frozen(attempt.id)):
        return refund_value(refund)
    try:
        found = _at_provider(refund, attempt)
    except PaymentsUnavailable as error:
        note_failed_call(refund, error)
        raise
    except PaymentCallRefused as error:
        log.exception("refund %s was refused", refund_id)
        return _move(refund_id, RefundEvent.FAILED, None, error.reason or PROVIDER_FAILED)
    if found is None:
        return _with_next_key(refund_id)
    reach(At.REFUND_SENT)
    return _move(refund_id, refund_event(found.status), found.id, found.failure_reason)


def _at_provider(refund: RefundRow, attempt: AttemptRow) -> ProviderRefund | None:
    """The refund as it is there, created where it was not; None where its key will never create it."""
    gateway = payment_gateway.gateway()
    if refund.provider_id is not None:
        return gateway.retrieve_refund(refund.provider_id)
    intent = attempt.payment_intent_id
    if intent is None:
        raise PaymentCallRefused("the payment has no intent", "intent_missing")
    if must_look_first(refund.asked_at or refund.requested_at, clock.now(), refund.failed_calls):
        found = _look_up(intent, refund)
        if found is not None or is_stuck(refund.failed_calls):
            return found
    reach(At.REFUND_TO_SEND)
    metadata = {"refund_id": str(refund.id), "attempt_id": str(attempt.id), "reference": attempt.reference}
    again = {} if refund.number == 1 else {"number": str(refund.number)}
    try:
        return gateway.create_refund(intent, refund.to_send, metadata | again, f"refund-{_cause(refund)}")
    except PaymentCallRefused:
        found = _look_up(intent, refund)
        if found is None:
            raise
        return found


def _with_next_key(refund_id: UUID) -> Refund:
    """Stored before the call: it is made by another job."""
    refund = refund_row(refund_id)
    locked_attempt(refund.attempt_id)
    refund = refund_row(refund_id)
    if RefundState(refund.state) is RefundState.REQUESTED and is_stuck(refund.failed_calls):
        log.error(
            "refund %s failed %s times as %s; a new key is taken", refund_id, refund.failed_calls, refund.failed_as
        )
        _renew_key(refund)
        jobs.defer("payment.send_refund", refund_id=refund_id)
    return refund_value(refund)


def _look_up(intent: str, refund: RefundRow) -> ProviderRefund | None:
    """What Stripe has of the refund: what stands under whichever number, else what failed under this one."""
    ours = _of(intent, refund.id)
    numbered = (each for each in ours if each.metadata.get("number", "1") == str(refund.number))
    return _standing(ours) or next(numbered, None)


def _move(refund_id: UUID, event: RefundEvent, provider_id: str | None, failure: str | None) -> Refund:
    refund = refund_row(refund_id)
    attempt, _ = locked_attempt(refund.attempt_id)
    refund = refund_row(refund_id)
    before, after = RefundState(refund.state), REFUNDS.next(RefundState(refund.state), event)
    refund.provider_id, refund.looked_at = provider_id or refund.provider_id, clock.now()
    if after is not before:
        refund.state, refund.failure = after.value, failure
        refund.settled_at = None if after is RefundState.SENT else clock.now()
        if after is RefundState.FAILED:
            log.error("ALARM refund %s did not reach the customer (%s) and needs a person", refund_id, failure)
        db.session.flush()
        _book(refund, after)
        _enter(attempt, refund, after)
        reach(At.REFUND_NOTED)
    db.session.flush()
    return refund_value(refund)


def _book(refund: RefundRow, after: RefundState) -> None:
    """It leaves when it is sent. What could not be delivered comes back, and still has to go to the customer."""
    if after in {RefundState.SENT, RefundState.SUCCEEDED}:
        event = LedgerEvent.REFUND_SENT
    elif ledger.is_posted(LedgerEvent.REFUND_SENT, _cause(refund)):
        event = LedgerEvent.REFUND_RETURNED
    else:
        return
    object_ = refund.provider_id
    ledger.move(event, _cause(refund), refund.to_send, attempt_id=refund.attempt_id, provider_object=object_)


def made_of(intent: str) -> dict[str, str]:
    """What Stripe has sent back of a payment, or is about to: its id there by ours."""
    found = payment_gateway.gateway().list_refunds(intent)
    stand = (each for each in found if refund_event(each.status) is not RefundEvent.FAILED)
    return {our_id: each.id for each in stand if (our_id := each.metadata.get("refund_id"))}


def adopt(refund: RefundRow, provider_id: str) -> None:
    """Of a refund of a locked attempt whose answer was lost: Stripe has it, and is asked how it stands."""
    refund.provider_id = provider_id
    db.session.flush()
    jobs.defer("payment.send_refund", refund_id=refund.id)


def overtake(attempt: AttemptRow, refund: RefundRow, amount: Money) -> None:
    """The bank has given the customer so much of a refund of a locked attempt that was never sent. What is left of it
    still goes back: under the next key, because it is another amount.
    """
    refund.overtaken_minor += amount.minor
    if refund.to_send:
        _renew_key(refund)
        return
    refund.state = REFUNDS.next(RefundState(refund.state), RefundEvent.OVERTAKEN).value
    refund.settled_at = clock.now()
    db.session.flush()
    _enter(attempt, refund, RefundState.OVERTAKEN)
    db.session.flush()


def _enter(attempt: AttemptRow, refund: RefundRow, after: RefundState) -> None:
    state = AttemptState(attempt.state)
    if after.is_back:
        if after is RefundState.SUCCEEDED:
            record(attempt, EntryType.REFUND_SUCCEEDED, PROVIDER, **_told(refund))
        if all(RefundState(other.state).is_back for other in refunds_of(attempt.id)):
            # What never counted is given back as a whole; of a payment that counts the rest goes on counting.
            partly = attempt.succeeded_at is not None and bool(left_of(attempt))
            event = AttemptEvent.PARTLY_REFUNDED if partly else AttemptEvent.REFUND_SUCCEEDED
            attempt.state = ATTEMPTS.next(state, event).value
        about = (attempt.id, Purpose(attempt.purpose), attempt.subject_id)
        jobs.publish(RefundSucceeded(refund.id, *about, RefundReason(refund.reason), _money(refund)))
    elif after is RefundState.FAILED:
        record(attempt, EntryType.REFUND_FAILED, PROVIDER, **_told(refund))
        attempt.state = ATTEMPTS.next(state, AttemptEvent.REFUND_FAILED).value


def _told(refund: RefundRow) -> dict[str, Any]:
    """What the trail says of it."""
    about = {"refund_id": str(refund.id), "reason": refund.reason}
    of = {"policy_id": str(refund.contract_id)} if refund.contract_id else {}
    return about | of | {"amount": refund.amount_minor, "currency": refund.currency}


def _money(refund: RefundRow) -> Money:
    return Money(refund.amount_minor, refund.currency)
