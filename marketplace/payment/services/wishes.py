"""The refund desk: what staff wish to give back, and the second person who agrees to it above the limit (O13-43).

There is no way to name where the money goes: it goes back to the payment that it came from.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow, WishRow, refunds_of, waiting_wishes
from marketplace.payment.queries import refund_value, wish_value
from marketplace.payment.rules.settling import needs_second
from marketplace.payment.services import ledger
from marketplace.payment.services.refunds import grant, left_of
from marketplace.payment.services.rows import is_frozen, locked_attempt, record
from marketplace.payment.values import (
    ENDED_BY_CUSTOMERS,
    WISHED,
    AskRefund,
    LedgerEvent,
    NotConcluded,
    NothingToRefund,
    PaymentDisputed,
    Refund,
    RefundReason,
    SecondPersonNeeded,
    Wish,
    WishDecided,
    WishNotFound,
    WishState,
)
from marketplace.traceability.values import Actor, EntryType

_limits: Mapping[str, Money] = {}


def configure(limits: Mapping[str, Money]) -> None:
    """For the wiring: up to how much of each currency one person alone sends back; of any other, nothing."""
    global _limits  # noqa: PLW0603  set once at start by the wiring
    _limits = limits


def limit_of(currency: str) -> Money:
    """Up to how much of it one person alone sends back."""
    return _limits.get(currency, Money.zero(currency))


def ask_refund(command: AskRefund) -> Wish:
    """Send money back at once, or let it wait for a second person where it is above the limit, with what one person
    alone sent back of the payment before: in slices it is no less. The same wish again is the first one.

    Raises AttemptNotFound, NotConcluded, NothingToRefund (more than is left, counting what waits), PaymentDisputed.
    """
    if command.reason not in WISHED or command.by.account_id is None:
        raise ValueError("a refund is wished for by a person, for one of the reasons of the desk")
    row, _ = locked_attempt(command.attempt_id)
    known = db.session.get(WishRow, command.id, populate_existing=True)
    if known is not None:
        return wish_value(known)
    _refuse(row, command)
    second = needs_second(command.amount + _sent_alone(row.id, command.amount), limit_of(command.amount.currency))
    wish = WishRow(
        id=command.id,
        sealed_for=row.sealed_for,
        attempt_id=row.id,
        insurer_id=command.insurer_id,
        amount_minor=command.amount.minor,
        currency=command.amount.currency,
        reason=command.reason.value,
        words=command.words,
        state=(WishState.WAITING if second else WishState.APPROVED).value,
        needs_second=second,
        asked_by=command.by.account_id,
        asked_at=clock.now(),
    )
    db.session.add(wish)
    db.session.flush()
    _enter(row, wish, EntryType.REFUND_WISHED, command.by)
    if not second:
        grant(wish, row, command.by)
    return wish_value(wish)


def approve_wish(wish_id: UUID, by: Actor) -> Refund:
    """The second person agrees: the money goes back. Raises WishNotFound, WishDecided, SecondPersonNeeded,
    PaymentDisputed, NothingToRefund.
    """
    row, wish = _waiting(wish_id, by)
    if is_frozen(row.id):
        raise PaymentDisputed
    if _is_overtaken(wish):
        raise NothingToRefund
    _decide(wish, WishState.APPROVED, by)
    db.session.flush()
    _enter(row, wish, EntryType.REFUND_APPROVED, by)
    return refund_value(grant(wish, row, by))


def refuse_wish(wish_id: UUID, why: str, by: Actor) -> Wish:
    """The second person does not agree, and says why. Raises WishNotFound, WishDecided, SecondPersonNeeded."""
    row, wish = _waiting(wish_id, by)
    wish.refusal = why
    _decide(wish, WishState.REFUSED, by)
    db.session.flush()
    _enter(row, wish, EntryType.REFUND_REFUSED, by)
    return wish_value(wish)


def _refuse(row: AttemptRow, command: AskRefund) -> None:
    if row.succeeded_at is None or not ledger.is_posted(LedgerEvent.PREMIUM, row.id):
        raise NotConcluded
    if is_frozen(row.id):
        raise PaymentDisputed
    left = left_of(row)
    if left.currency != command.amount.currency or command.amount.minor <= 0:
        raise NothingToRefund
    waiting = sum(each.amount_minor for each in waiting_wishes(row.id))
    if left.minor - waiting < command.amount.minor:
        raise NothingToRefund


def _sent_alone(attempt_id: UUID, like: Money) -> Money:
    """What of a locked attempt one person alone has sent back, in the currency of `like`."""
    alone = WishRow.state == WishState.APPROVED.value, WishRow.needs_second.is_(False)
    total = db.session.scalar(
        select(func.sum(WishRow.amount_minor)).where(
            WishRow.attempt_id == attempt_id, WishRow.currency == like.currency, *alone
        )
    )
    return Money(int(total or 0), like.currency)


def _waiting(wish_id: UUID, by: Actor) -> tuple[AttemptRow, WishRow]:
    """The wish and its payment, decided on by one person at a time, who is not the one that asked."""
    known = db.session.get(WishRow, wish_id)
    if known is None:
        raise WishNotFound
    row, _ = locked_attempt(known.attempt_id)
    db.session.refresh(known)
    if WishState(known.state) is not WishState.WAITING:
        raise WishDecided
    if by.account_id in {None, known.asked_by}:
        raise SecondPersonNeeded
    return row, known


def _is_overtaken(wish: WishRow) -> bool:
    """Whether the customer ended a contract of the payment meanwhile: what was wished for may be in what went back, and
    is not taken out of another contract unseen.
    """
    if wish.reason == RefundReason.GOODWILL:
        return False
    ended = (each for each in refunds_of(wish.attempt_id) if each.reason in ENDED_BY_CUSTOMERS)
    return any(each.requested_at >= wish.asked_at for each in ended)


def _decide(wish: WishRow, state: WishState, by: Actor) -> None:
    wish.state, wish.decided_by, wish.decided_at = state.value, by.account_id, clock.now()


def _enter(row: AttemptRow, wish: WishRow, kind: EntryType, by: Actor) -> None:
    """Not the words: what is said of a person stays with the desk."""
    body = {"amount": wish.amount_minor, "currency": wish.currency, "reason": wish.reason, "wish_id": str(wish.id)}
    record(row, kind, by, **body)
