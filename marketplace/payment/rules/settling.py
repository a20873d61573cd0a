"""Pure decisions about payments: what Stripe's answer means, and what it does in each state.

Sources: docs.stripe.com/checkout/fulfillment, /webhooks, /refunds. Duplicates and late or out-of-order events are rows
like any other; docs/decisions/0004-our-row-before-stripes.md says which test holds which fault.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from marketplace.kernel.money import Money
from marketplace.kernel.transitions import Table
from marketplace.payment.values import AttemptState, Holding, RefundReason, RefundState

# Stripe takes 30 minutes to 24 hours; an hour leaves room for repeating a lost call and ends before most offers do.
PAGE_LIFETIME = timedelta(hours=1)
# A page whose opening was never confirmed is given up after this long: a new number means a new idempotency key.
OPENING_PATIENCE = timedelta(minutes=2)
# Stripe forgets idempotency keys after 24 hours at the earliest; long before that we look before we ask again.
KEY_TRUSTED_FOR = timedelta(hours=20)
# Their clock and ours may differ a little.
CLOCK_MARGIN = timedelta(minutes=1)
# Stripe replays even a saved 500 for a key: after so many alike the same key will never do it.
ALIKE_AT_MOST = 3


class AttemptEvent(StrEnum):
    OPENED = "opened"
    PAID = "paid"
    PAID_OTHERWISE = "paid_otherwise"  # another amount or currency than asked
    PAID_AGAIN = "paid_again"  # another attempt for the same subject has succeeded
    PENDING = "pending"
    FAILED = "failed"
    EXPIRED = "expired"  # the provider says so
    CLOSED = "closed"  # we say so: the amount or the subject changed
    REFUND_REQUESTED = "refund_requested"
    PARTLY_REFUNDED = "partly_refunded"  # and the rest stays
    REFUND_SUCCEEDED = "refund_succeeded"
    REFUND_FAILED = "refund_failed"


A, E = AttemptState, AttemptEvent

_ON_ITS_WAY = "the money is on its way"
_NOTHING_PAID = "nothing was paid"
_NO_REFUND = "no refund was requested"
_COUNTED = "this attempt is the payment that counts"
_PAID = "the money is here; it is refunded, not closed"

_UNPAID_ROWS: dict[tuple[AttemptState, AttemptEvent], AttemptState | str] = {
    (state, event): after
    for state in (A.CREATED, A.OPEN, A.PROCESSING)
    for event, after in {
        E.OPENED: A.PROCESSING if state is A.PROCESSING else A.OPEN,
        E.PAID: A.SUCCEEDED,
        E.PAID_OTHERWISE: A.REFUND_PENDING,
        E.PAID_AGAIN: A.REFUND_PENDING,
        E.PENDING: A.PROCESSING,
        E.FAILED: A.FAILED,
        E.EXPIRED: A.EXPIRED,
        E.CLOSED: _ON_ITS_WAY if state is A.PROCESSING else A.EXPIRED,
        E.REFUND_REQUESTED: _NOTHING_PAID,
        E.PARTLY_REFUNDED: _NO_REFUND,
        E.REFUND_SUCCEEDED: _NO_REFUND,
        E.REFUND_FAILED: _NO_REFUND,
    }.items()
}

_ENDED_ROWS: dict[tuple[AttemptState, AttemptEvent], AttemptState | str] = {
    (state, event): after
    for state in (A.FAILED, A.EXPIRED)
    for event, after in {
        E.OPENED: state,  # the answer to our call came after we had given up
        E.PAID: A.REFUND_PENDING,  # late: what was to be paid is closed
        E.PAID_OTHERWISE: A.REFUND_PENDING,
        E.PAID_AGAIN: A.REFUND_PENDING,
        E.PENDING: state,
        E.FAILED: state,
        E.EXPIRED: state,
        E.CLOSED: state,
        E.REFUND_REQUESTED: _NOTHING_PAID,
        E.PARTLY_REFUNDED: _NO_REFUND,
        E.REFUND_SUCCEEDED: _NO_REFUND,
        E.REFUND_FAILED: _NO_REFUND,
    }.items()
}

_PAID_ROWS: dict[tuple[AttemptState, AttemptEvent], AttemptState | str] = {
    (A.SUCCEEDED, E.OPENED): A.SUCCEEDED,
    (A.SUCCEEDED, E.PAID): A.SUCCEEDED,
    (A.SUCCEEDED, E.PAID_OTHERWISE): _COUNTED,
    (A.SUCCEEDED, E.PAID_AGAIN): _COUNTED,
    (A.SUCCEEDED, E.PENDING): A.SUCCEEDED,
    (A.SUCCEEDED, E.FAILED): A.SUCCEEDED,
    (A.SUCCEEDED, E.EXPIRED): A.SUCCEEDED,
    (A.SUCCEEDED, E.CLOSED): _PAID,
    (A.SUCCEEDED, E.REFUND_REQUESTED): A.REFUND_PENDING,
    (A.SUCCEEDED, E.PARTLY_REFUNDED): _NO_REFUND,
    (A.SUCCEEDED, E.REFUND_SUCCEEDED): _NO_REFUND,
    (A.SUCCEEDED, E.REFUND_FAILED): A.REFUND_PENDING,  # a part that had arrived; the bank sends it back
}

_RETURNING_ROWS: dict[tuple[AttemptState, AttemptEvent], AttemptState | str] = {
    (state, event): after
    for state in (A.REFUND_PENDING, A.REFUNDED)
    for event, after in {
        E.OPENED: state,
        E.PAID: state,
        E.PAID_OTHERWISE: state,
        E.PAID_AGAIN: state,
        E.PENDING: state,
        E.FAILED: state,
        E.EXPIRED: state,
        E.CLOSED: state,
        E.REFUND_REQUESTED: A.REFUND_PENDING,  # the rest, for another reason
        E.PARTLY_REFUNDED: A.SUCCEEDED,
        E.REFUND_SUCCEEDED: A.REFUNDED,
        E.REFUND_FAILED: A.REFUND_PENDING,  # also after success: a bank may send it back
    }.items()
}

ATTEMPTS: Table[AttemptState, AttemptEvent] = Table(
    AttemptState, AttemptEvent, _UNPAID_ROWS | _ENDED_ROWS | _PAID_ROWS | _RETURNING_ROWS
)


class RefundEvent(StrEnum):
    ASKED_AGAIN = "asked_again"  # by a person, after it failed
    OVERTAKEN = "overtaken"  # the bank of the customer took the money back for good
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


R, F = RefundState, RefundEvent

_NOT_FAILED = "it has not failed"
_OVERTAKEN = "the customer has the money from the bank"

REFUNDS: Table[RefundState, RefundEvent] = Table(
    RefundState,
    RefundEvent,
    {
        (R.REQUESTED, F.ASKED_AGAIN): _NOT_FAILED,
        (R.SENT, F.ASKED_AGAIN): _NOT_FAILED,
        (R.SUCCEEDED, F.ASKED_AGAIN): _NOT_FAILED,
        (R.FAILED, F.ASKED_AGAIN): R.REQUESTED,
        (R.OVERTAKEN, F.ASKED_AGAIN): _OVERTAKEN,
        (R.REQUESTED, F.OVERTAKEN): R.OVERTAKEN,
        (R.SENT, F.OVERTAKEN): R.SENT,
        (R.SUCCEEDED, F.OVERTAKEN): R.SUCCEEDED,
        (R.FAILED, F.OVERTAKEN): R.OVERTAKEN,
        (R.OVERTAKEN, F.OVERTAKEN): R.OVERTAKEN,
        (R.OVERTAKEN, F.SENT): _OVERTAKEN,
        (R.OVERTAKEN, F.SUCCEEDED): _OVERTAKEN,
        (R.OVERTAKEN, F.FAILED): R.OVERTAKEN,
        (R.REQUESTED, F.SENT): R.SENT,
        (R.REQUESTED, F.SUCCEEDED): R.SUCCEEDED,
        (R.REQUESTED, F.FAILED): R.FAILED,
        (R.SENT, F.SENT): R.SENT,
        (R.SENT, F.SUCCEEDED): R.SUCCEEDED,
        (R.SENT, F.FAILED): R.FAILED,
        (R.SUCCEEDED, F.SENT): R.SUCCEEDED,
        (R.SUCCEEDED, F.SUCCEEDED): R.SUCCEEDED,
        (R.SUCCEEDED, F.FAILED): R.FAILED,
        (R.FAILED, F.SENT): R.FAILED,
        (R.FAILED, F.SUCCEEDED): "a failed refund is settled by a person",
        (R.FAILED, F.FAILED): R.FAILED,
    },
)

REFUNDED_AS: dict[AttemptEvent, RefundReason] = {
    E.PAID: RefundReason.LATE_PAYMENT,
    E.PAID_OTHERWISE: RefundReason.AMOUNT_MISMATCH,
    E.PAID_AGAIN: RefundReason.SECOND_PAYMENT,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the provider says of a payment page at present."""

    status: str
    payment_status: str
    intent_status: str | None
    received: Money | None


def attempt_event(seen: Seen, asked: Money, *, paid_before: bool) -> AttemptEvent:
    """What the provider's present answer means for us. `paid_before`: another attempt for the subject succeeded."""
    if seen.payment_status == "paid":
        if seen.received != asked:
            return E.PAID_OTHERWISE
        return E.PAID_AGAIN if paid_before else E.PAID
    if seen.status == "expired":
        return E.EXPIRED
    if seen.status == "complete":
        # Done but unpaid: a delayed method; when it fails, the intent asks for another method or is cancelled.
        return E.FAILED if seen.intent_status in {"requires_payment_method", "canceled"} else E.PENDING
    return E.OPENED


def refund_event(status: str) -> RefundEvent:
    """What the provider's status of a refund means (docs.stripe.com/api/refunds/object)."""
    return {"succeeded": F.SUCCEEDED, "failed": F.FAILED, "canceled": F.FAILED}.get(status, F.SENT)


def is_final(state: AttemptState, event: AttemptEvent) -> bool:
    """Whether nothing more can come from this payment page, so that nobody has to ask again."""
    return event not in {E.OPENED, E.PENDING, E.CLOSED} and state not in {A.CREATED, A.OPEN, A.PROCESSING}


def is_usable(
    state: AttemptState, created_at: datetime, expires_at: datetime, now: datetime, failed_calls: int = 0
) -> bool:
    """Whether another click may lead to the same payment page. One whose opening was never confirmed is given up after
    minutes, so that no key of such a call is ever old enough to be forgotten, or once its key only replays a failure.
    """
    if state is A.CREATED:
        return now < created_at + OPENING_PATIENCE and not is_stuck(failed_calls)
    return state is A.OPEN and now < expires_at


def must_look_first(requested_at: datetime, now: datetime, failed_calls: int = 0) -> bool:
    """Whether a call that moves money is so old that its idempotency key may be forgotten, or failed so often in the
    same way that the key itself replays the failure.
    """
    return now - requested_at > KEY_TRUSTED_FOR or is_stuck(failed_calls)


def is_stuck(failed_calls: int) -> bool:
    """Whether a key failed so often in the same way that another one is needed, once nothing is found of it."""
    return failed_calls >= ALIKE_AT_MOST


def needs_second(amount: Money, limit: Money) -> bool:
    """Whether a refund that staff wish for waits for another person. `amount`: with all that one person alone sent back
    of the payment before; `limit` is of the same currency.
    """
    return limit < amount


def holding(*, moving: bool, held: bool) -> Holding:
    """How a subject's money stands: what still moves decides, whatever has been paid beside it."""
    if moving:
        return Holding.MOVING
    return Holding.HELD if held else Holding.NOTHING


def refundable(received: Money, requested: Money) -> Money:
    """What may still go back when `requested` has been asked for already, or more: banks take what they like."""
    return max(received - requested, Money.zero(received.currency))
