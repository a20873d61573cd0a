"""Ask for the refund desk: what staff wish, what goes back, what waits for a person, and what banks ask back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, CompoundSelect, String, cast, func, null, select, union_all

from marketplace.infra.db import db
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow, DisputeRow, RefundRow, WishRow, frozen
from marketplace.payment.values import (
    DECIDED_WITHIN,
    DeskPage,
    DeskRow,
    DeskState,
    Dispute,
    DisputeStatus,
    Refund,
    RefundReason,
    RefundState,
    Unfinished,
    Wish,
    WishNotFound,
    WishState,
)

_DESK: dict[DeskState, ColumnElement[bool]] = {
    DeskState.WAITING: WishRow.state == WishState.WAITING.value,
    DeskState.REFUSED: WishRow.state == WishState.REFUSED.value,
    DeskState.UNDER_WAY: RefundRow.state.in_([RefundState.REQUESTED.value, RefundState.SENT.value]),
    DeskState.SUCCEEDED: RefundRow.state == RefundState.SUCCEEDED.value,
    DeskState.FAILED: RefundRow.state == RefundState.FAILED.value,
    DeskState.OVERTAKEN: RefundRow.state == RefundState.OVERTAKEN.value,
}


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
        contract_id=row.contract_id,
    )


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
