"""Ask about payments. Values only; no row leaves."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, String, and_, cast, exists, func, null, or_, select, union_all

from marketplace.catalog.values import PaymentMethod
from marketplace.infra import stripe_gateway
from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import Session
from marketplace.kernel.money import Money
from marketplace.payment.models import (
    AttemptRow,
    BalanceCheckRow,
    DisputeRow,
    LedgerEntryRow,
    LedgerLineRow,
    MovementRow,
    ProviderEventRow,
    RefundRow,
    WishRow,
    frozen,
    lost_of,
    refunds_of,
    waiting_wishes,
)
from marketplace.payment.queries.shares import (
    overdue,
    owed_at,
    premium_left,
    returned_of,
    share_days,
    share_lines,
    standing_of,
    transfer_of,
)
from marketplace.payment.rules import settling
from marketplace.payment.values import (
    DECIDED_WITHIN,
    AccountTotal,
    Attempt,
    AttemptNotFound,
    AttemptState,
    BalanceCheck,
    DeskPage,
    DeskRow,
    DeskState,
    Dispute,
    DisputeStatus,
    Holding,
    LedgerAccount,
    Purpose,
    Refund,
    RefundNotFound,
    RefundReason,
    RefundState,
    Unexplained,
    Unfinished,
    Wish,
    WishNotFound,
    WishState,
)

__all__ = [
    "account_totals",
    "attempt",
    "attempt_value",
    "attempts_of",
    "event_counts",
    "holdings",
    "last_balance_checks",
    "overdue",
    "owed_at",
    "premium_left",
    "received",
    "refund_value",
    "refunds_for",
    "returned_of",
    "share_days",
    "share_lines",
    "standing_of",
    "subjects_paid_as",
    "transfer_of",
    "unexplained",
    "unfinished",
    "unknown_since",
]

_DESK: dict[DeskState, ColumnElement[bool]] = {
    DeskState.WAITING: WishRow.state == WishState.WAITING.value,
    DeskState.REFUSED: WishRow.state == WishState.REFUSED.value,
    DeskState.UNDER_WAY: RefundRow.state.in_([RefundState.REQUESTED.value, RefundState.SENT.value]),
    DeskState.SUCCEEDED: RefundRow.state == RefundState.SUCCEEDED.value,
    DeskState.FAILED: RefundRow.state == RefundState.FAILED.value,
    DeskState.OVERTAKEN: RefundRow.state == RefundState.OVERTAKEN.value,
}


def attempt(attempt_id: UUID) -> Attempt:
    """Raises AttemptNotFound."""
    row = db.session.get(AttemptRow, attempt_id)
    if row is None:
        raise AttemptNotFound
    return attempt_value(row)


def attempts_of(purpose: Purpose, subject_id: UUID) -> tuple[Attempt, ...]:
    """Every attempt to pay for the subject, first to last."""
    wanted = (AttemptRow.purpose == purpose.value, AttemptRow.subject_id == subject_id)
    rows = db.session.scalars(select(AttemptRow).where(*wanted).order_by(AttemptRow.number))
    return tuple(attempt_value(row) for row in rows)


def subjects_paid_as(purpose: Purpose, names: Iterable[str]) -> frozenset[UUID]:
    """What was paid for by payments that the provider calls so: the ids of its pages and of payments, as they stand on
    its receipts.
    """
    wanted = list(names)
    called = or_(AttemptRow.payment_intent_id.in_(wanted), AttemptRow.session_id.in_(wanted))
    return frozenset(
        db.session.scalars(select(AttemptRow.subject_id).where(AttemptRow.purpose == purpose.value, called))
    )


def refunds_for(purpose: Purpose, subject_id: UUID) -> tuple[Refund, ...]:
    """All money that went or goes back for the subject, oldest request first."""
    rows = db.session.scalars(
        select(RefundRow)
        .join(AttemptRow, AttemptRow.id == RefundRow.attempt_id)
        .where(AttemptRow.purpose == purpose.value, AttemptRow.subject_id == subject_id)
        .order_by(RefundRow.requested_at, RefundRow.id)
    )
    return tuple(refund_value(row) for row in rows)


def refundable(attempt_id: UUID) -> Money:
    """What may still be asked to go back of a payment: neither asked for, nor waiting, nor taken back by a bank."""
    found = attempt(attempt_id)
    if found.received is None:
        return Money.zero(found.amount.currency)
    gone = sum(each.to_send.minor for each in refunds_of(attempt_id))
    waiting = sum(each.amount_minor for each in waiting_wishes(attempt_id))
    currency = found.received.currency
    return settling.refundable(found.received, Money(gone + waiting, currency) + lost_of(attempt_id, currency))


def wish(wish_id: UUID) -> Wish:
    """Raises WishNotFound."""
    row = db.session.get(WishRow, wish_id)
    if row is None:
        raise WishNotFound
    return wish_value(row)


def desk(state: DeskState | None = None, attempt_id: UUID | None = None, page: int = 1, size: int = 25) -> DeskPage:
    """Wishes of staff and refunds, newest first; only those that stand so, or of this payment, where asked for."""
    at = func.coalesce(RefundRow.requested_at, WishRow.asked_at)
    both = select(WishRow, RefundRow, AttemptRow.reference, frozen(AttemptRow.id)).join(
        RefundRow, RefundRow.wish_id == WishRow.id, full=True
    )
    both = both.join(AttemptRow, AttemptRow.id == func.coalesce(RefundRow.attempt_id, WishRow.attempt_id))
    if state is not None:
        both = both.where(_DESK[state])
    if attempt_id is not None:
        both = both.where(AttemptRow.id == attempt_id)
    total = db.session.scalar(select(func.count()).select_from(both.order_by(None).subquery())) or 0
    rows = db.session.execute(both.order_by(at.desc(), AttemptRow.id).limit(size).offset((page - 1) * size))
    return DeskPage(tuple(_desk_row(*row) for row in rows), total, page, max(1, -(-total // size)))


def unfinished(now: datetime) -> tuple[Unfinished, ...]:
    """What the desk has to do something about, oldest first: refunds that did not arrive, and what waits for a second
    person for longer than a day.
    """
    told = func.coalesce(RefundRow.failure, "unknown")
    failed = select(RefundRow.id, AttemptRow.reference, RefundRow.settled_at.label("since"), told)
    waiting = select(WishRow.id, AttemptRow.reference, WishRow.asked_at, cast(null(), String))
    both: CompoundSelect[Any] = union_all(
        failed.join(AttemptRow, AttemptRow.id == RefundRow.attempt_id).where(_DESK[DeskState.FAILED]),
        waiting.join(AttemptRow, AttemptRow.id == WishRow.attempt_id).where(
            _DESK[DeskState.WAITING], WishRow.asked_at < now - DECIDED_WITHIN
        ),
    )
    return tuple(Unfinished(*row) for row in db.session.execute(both.order_by("since", "id")))


def disputes() -> tuple[Dispute, ...]:
    """What banks of customers ask back: what is open first, by its due day, then what ended and nobody took note of,
    then the others, newest first.
    """
    closed = DisputeRow.closed_at.is_not(None)
    order = (closed, DisputeRow.seen_at.is_not(None), DisputeRow.due_at.asc().nulls_last(), DisputeRow.opened_at.desc())
    rows = db.session.execute(
        select(DisputeRow, AttemptRow.reference, AttemptRow.subject_id)
        .join(AttemptRow, AttemptRow.id == DisputeRow.attempt_id)
        .order_by(*order, DisputeRow.id)
    )
    return tuple(_dispute_value(*row) for row in rows)


def holdings(purpose: Purpose, subject_ids: Iterable[UUID]) -> dict[UUID, Holding]:
    """By subject, how its money stands, in one question; as the database has it now, whatever was read before."""
    wanted = list(subject_ids)
    under_way = [state.value for state in RefundState if not state.is_back]
    returning = exists().where(RefundRow.attempt_id == AttemptRow.id, RefundRow.state.in_(under_way))
    moving = or_(AttemptRow.settled_at.is_(None), AttemptRow.state == AttemptState.REFUND_PENDING.value, returning)
    rows = db.session.execute(
        select(
            AttemptRow.subject_id,
            func.bool_or(moving).label("moving"),
            func.bool_or(AttemptRow.state == AttemptState.SUCCEEDED.value).label("held"),
        )
        .where(AttemptRow.purpose == purpose.value, AttemptRow.subject_id.in_(wanted))
        .group_by(AttemptRow.subject_id)
    )
    found = {row.subject_id: settling.holding(moving=row.moving, held=row.held) for row in rows}
    return {subject_id: found.get(subject_id, Holding.NOTHING) for subject_id in wanted}


def event_counts() -> Mapping[tuple[str, str], int]:
    """How many events of each (type, outcome) came in; outcome `waiting` is not handled yet."""
    outcome = func.coalesce(ProviderEventRow.outcome, "waiting")
    rows = db.session.execute(
        select(ProviderEventRow.type, outcome, func.count())
        .group_by(ProviderEventRow.type, outcome)
        .order_by(ProviderEventRow.type, outcome)
    )
    return {(kind, how): number for kind, how, number in rows}


def unknown_since(since: datetime) -> tuple[Session, ...]:
    """Pages that were paid at the provider since `since` and belong to no attempt of ours: those of a database that
    lost its latest hours, or of another system on the same account. Newest first. Raises Unavailable.
    """
    paid = [page for page in stripe_gateway.gateway().list_sessions(since, "complete") if page.payment_status == "paid"]
    own_id = cast(AttemptRow.id, String)
    known = set(db.session.scalars(select(own_id).where(own_id.in_([page.our_id for page in paid]))))
    return tuple(page for page in paid if page.our_id not in known)


def attempt_value(row: AttemptRow) -> Attempt:
    return Attempt(
        id=row.id,
        purpose=Purpose(row.purpose),
        subject_id=row.subject_id,
        reference=row.reference,
        number=row.number,
        amount=Money(row.amount_minor, row.currency),
        state=AttemptState(row.state),
        url=row.url,
        journey_id=row.journey_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        received=received(row),
        succeeded_at=row.succeeded_at,
        settled_at=row.settled_at,
        method=_method(row.method),
    )


def _method(named: str | None) -> PaymentMethod | None:
    return next((each for each in PaymentMethod if each.value == named), None)


def refund(refund_id: UUID) -> Refund:
    """Raises RefundNotFound."""
    row = db.session.get(RefundRow, refund_id)
    if row is None:
        raise RefundNotFound
    return refund_value(row)


def received(row: AttemptRow) -> Money | None:
    if row.received_minor is None or row.received_currency is None:
        return None
    return Money(row.received_minor, row.received_currency)


def refund_value(row: RefundRow) -> Refund:
    return Refund(
        id=row.id,
        attempt_id=row.attempt_id,
        amount=Money(row.amount_minor, row.currency),
        reason=RefundReason(row.reason),
        state=RefundState(row.state),
        requested_at=row.requested_at,
        settled_at=row.settled_at,
        number=row.number,
        failure=row.failure,
    )


def account_totals() -> tuple[AccountTotal, ...]:
    """What each account of the ledger stands at, by currency and insurer: debits less credits."""
    total = func.sum(LedgerLineRow.amount_minor)
    key = LedgerLineRow.account, LedgerLineRow.currency, LedgerLineRow.insurer_id
    rows = db.session.execute(select(*key, total.label("total")).group_by(*key).order_by(*key))
    return tuple(
        AccountTotal(LedgerAccount(row.account), Money(int(row.total), row.currency), row.insurer_id) for row in rows
    )


def last_balance_checks() -> tuple[BalanceCheck, ...]:
    """What the provider and the ledger said when they were compared last, by currency; empty before the first time."""
    last = select(func.max(BalanceCheckRow.checked_at)).scalar_subquery()
    rows = db.session.scalars(
        select(BalanceCheckRow).where(BalanceCheckRow.checked_at == last).order_by(BalanceCheckRow.currency)
    )
    return tuple(
        BalanceCheck(row.checked_at, Money(row.provider_minor, row.currency), Money(row.ledger_minor, row.currency))
        for row in rows
    )


def unexplained() -> tuple[Unexplained, ...]:
    """Whose money the provider and the ledger say something else of, oldest first. What is only minutes old may be on
    its way into either.
    """
    there = (
        select(
            func.coalesce(MovementRow.subject, MovementRow.id).label("moved"),
            MovementRow.currency,
            func.sum(MovementRow.amount_minor - MovementRow.fee_minor).label("minor"),
            func.max(MovementRow.moved_at).label("at"),
        )
        .group_by("moved", MovementRow.currency)
        .subquery()
    )
    here = (
        select(
            func.coalesce(LedgerEntryRow.provider_object, cast(LedgerEntryRow.id, String)).label("moved"),
            LedgerLineRow.currency,
            func.sum(LedgerLineRow.amount_minor).label("minor"),
            func.max(LedgerEntryRow.posted_at).label("at"),
        )
        .join(LedgerLineRow, LedgerLineRow.entry_id == LedgerEntryRow.id)
        .where(LedgerLineRow.account == LedgerAccount.PROVIDER_BALANCE.value)
        .group_by("moved", LedgerLineRow.currency)
        .subquery()
    )
    same = and_(there.c.moved == here.c.moved, there.c.currency == here.c.currency)
    theirs, ours = func.coalesce(there.c.minor, 0), func.coalesce(here.c.minor, 0)
    rows = db.session.execute(
        select(
            func.coalesce(there.c.moved, here.c.moved).label("moved"),
            func.coalesce(there.c.currency, here.c.currency).label("currency"),
            (theirs - ours).label("minor"),
            func.greatest(there.c.at, here.c.at).label("since"),
        )
        .select_from(there.join(here, same, full=True))
        .where(theirs != ours)
        .order_by("since", "moved")
    )
    return tuple(Unexplained(row.moved, Money(int(row.minor), row.currency), row.since) for row in rows)


def wish_value(row: WishRow) -> Wish:
    return Wish(
        id=row.id,
        attempt_id=row.attempt_id,
        amount=Money(row.amount_minor, row.currency),
        reason=RefundReason(row.reason),
        words=row.words,
        insurer_id=row.insurer_id,
        state=WishState(row.state),
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        refusal=row.refusal,
    )


def _desk_row(wished: WishRow | None, refund: RefundRow | None, reference: str, disputed: bool) -> DeskRow:  # noqa: FBT001  as the question gives it
    state = DeskState.REFUSED if wished is not None and wished.state == WishState.REFUSED.value else DeskState.WAITING
    if refund is not None:
        state = _of_refund(RefundState(refund.state))
    told = wish_value(wished) if wished is not None else None
    made = refund_value(refund) if refund is not None else None
    one = made or told
    assert one is not None  # noqa: S101  a row of either table is on one side of the join
    at = made.requested_at if made else told.asked_at if told else None
    assert at is not None  # noqa: S101  the same
    return DeskRow(state, at, one.amount, one.reason, one.attempt_id, reference, told, made, disputed)


def _of_refund(state: RefundState) -> DeskState:
    under_way = {RefundState.REQUESTED, RefundState.SENT}
    return DeskState.UNDER_WAY if state in under_way else DeskState(state.value)


def _dispute_value(row: DisputeRow, reference: str, subject_id: UUID) -> Dispute:
    return Dispute(
        id=row.id,
        attempt_id=row.attempt_id,
        reference=reference,
        subject_id=subject_id,
        amount=Money(row.amount_minor, row.currency),
        reason=row.reason,
        status=DisputeStatus(row.status),
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        seen_at=row.seen_at,
    )
