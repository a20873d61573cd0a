"""Ask about insurers' shares: how each stands, what is overdue, and the account with an insurer, line by line."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Date,
    Row,
    String,
    cast,
    func,
    literal,
    not_,
    null,
    select,
    union_all,
)
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment.models import ReturnRow, ReversalRow, TransferRow, frozen
from marketplace.payment.rules.transferring import OVERDUE_AFTER, Standing
from marketplace.payment.values import (
    Overdue,
    ReversalState,
    ShareEvent,
    ShareLine,
    Transfer,
    TransferNotFound,
    TransferState,
)

_UNRETURNED = TransferRow.premium_minor - (
    select(func.coalesce(func.sum(ReturnRow.premium_minor), 0))
    .where(ReturnRow.transfer_id == TransferRow.id)
    .scalar_subquery()
)
"""What has not gone back of a premium."""


def transfer_of(contract_id: UUID) -> Transfer:
    """The insurer's share of the first premium of a contract and how far it is. Raises TransferNotFound (also where it
    cost nothing).
    """
    wanted = select(TransferRow).where(TransferRow.contract_id == contract_id).order_by(TransferRow.booked_at).limit(1)
    row = db.session.scalar(wanted.execution_options(populate_existing=True))
    if row is None:
        raise TransferNotFound
    return Transfer(
        id=row.id,
        contract_id=row.contract_id,
        insurer_id=row.insurer_id,
        state=TransferState(row.state),
        owed=standing_of(row).owed,
        amount=None if row.amount_minor is None else Money(row.amount_minor, row.currency),
        due_at=row.due_at,
        sent_at=row.sent_at,
        failure=row.failure,
    )


def returned_of(contract_id: UUID) -> Money | None:
    """What of the contract's premiums went back to the customer; None where nothing did."""
    rows = db.session.scalars(select(TransferRow).where(TransferRow.contract_id == contract_id)).all()
    returned = [standing_of(row).returned for row in rows]
    return sum(returned[1:], returned[0]) or None if returned else None


def standing_of(row: TransferRow) -> Standing:
    """How an insurer's share stands, with what went back to the customer and what comes back from the insurer."""
    premium, commission = db.session.execute(
        select(
            func.coalesce(func.sum(ReturnRow.premium_minor), 0), func.coalesce(func.sum(ReturnRow.commission_minor), 0)
        ).where(ReturnRow.transfer_id == row.id)
    ).one()
    came_back = select(func.coalesce(func.sum(ReversalRow.amount_minor), 0)).where(ReversalRow.transfer_id == row.id)
    sent = row.amount_minor if row.state == TransferState.SENT and row.amount_minor is not None else 0
    minors = (
        row.premium_minor, row.commission_minor, premium, commission, sent, db.session.execute(came_back).scalar_one(),
    )  # fmt: skip
    return Standing(*(Money(int(minor), row.currency) for minor in minors))


def premium_left(attempt_id: UUID, insurer_id: UUID, currency: str) -> Money:
    """What has not gone back of the premiums that an attempt paid for contracts of this insurer."""
    wanted = TransferRow.attempt_id == attempt_id, TransferRow.insurer_id == insurer_id
    total = db.session.scalar(select(func.sum(_UNRETURNED)).where(*wanted, TransferRow.currency == currency))
    return Money(int(total or 0), currency)


def unreturned_of(contract_id: UUID) -> dict[UUID, Money]:
    """What has not gone back of the premiums of a contract, by the attempt that paid it; none where all of it has. In
    the order in which whoever moves several attempts locks them.
    """
    rows = db.session.execute(
        select(TransferRow.attempt_id, _UNRETURNED, TransferRow.currency)
        .where(TransferRow.contract_id == contract_id, _UNRETURNED > 0)
        .order_by(TransferRow.attempt_id)
    )
    return {attempt_id: Money(int(minor), currency) for attempt_id, minor, currency in rows}


def is_disputed(contract_id: UUID) -> bool:
    """Whether a bank has taken back a payment for the contract and not decided yet."""
    disputed = select(TransferRow.id).where(TransferRow.contract_id == contract_id, frozen(TransferRow.attempt_id))
    return db.session.scalar(disputed.limit(1)) is not None


def overdue() -> tuple[Overdue, ...]:
    """What should have reached its insurer, or come back from it, a day ago and more: by insurer, in one question for
    each of both ways. What a bank disputes has to wait until that is decided.
    """
    returned = select(func.coalesce(func.sum(ReturnRow.premium_minor - ReturnRow.commission_minor), 0))
    left = returned.where(ReturnRow.transfer_id == TransferRow.id).scalar_subquery()
    owed = TransferRow.premium_minor - TransferRow.commission_minor - left
    open_state = TransferRow.state.in_([TransferState.WAITING.value, TransferState.ASKED.value])
    late = open_state, TransferRow.due_at < clock.business_now() - OVERDUE_AFTER
    unsent = _overdue(TransferRow, TransferRow.due_at, owed, *late, not_(frozen(TransferRow.attempt_id)))
    unreturned = _overdue(
        ReversalRow,
        ReversalRow.booked_at,
        ReversalRow.amount_minor,
        ReversalRow.state == ReversalState.ASKED.value,
        ReversalRow.booked_at < clock.now() - OVERDUE_AFTER,
    )
    return (*unsent, *unreturned)


def _overdue(
    row: type[TransferRow] | type[ReversalRow],
    since: InstrumentedAttribute[datetime],
    minor: ColumnElement[int] | InstrumentedAttribute[int],
    *late: ColumnElement[bool],
) -> Iterator[Overdue]:
    found = db.session.execute(
        select(
            row.insurer_id,
            row.currency,
            func.count().label("number"),
            func.sum(minor).label("minor"),
            func.min(since).label("since"),
            func.max(row.failure).label("why"),
        )
        .where(*late)
        .group_by(row.insurer_id, row.currency)
        .order_by("since", row.insurer_id)
    )
    for each in found:
        amount = Money(int(each.minor), each.currency)
        yield Overdue(each.insurer_id, row is ReversalRow, each.number, amount, each.since, each.why)


def share_lines(insurer_id: UUID, since: datetime, until: datetime) -> tuple[ShareLine, ...]:
    """What happened to this insurer's shares from `since` on and before `until`."""
    lines = _lines(insurer_id).subquery()
    wanted = select(lines).where(lines.c.at >= since, lines.c.at < until).order_by(lines.c.at, lines.c.contract_id)
    return tuple(map(_share_line, db.session.execute(wanted)))


def latest_share_lines(insurer_id: UUID, limit: int) -> tuple[ShareLine, ...]:
    """What happened to this insurer's shares last, newest first."""
    lines = _lines(insurer_id).subquery()
    wanted = select(lines).order_by(lines.c.at.desc(), lines.c.contract_id).limit(limit)
    return tuple(map(_share_line, db.session.execute(wanted)))


def _share_line(row: Row[*tuple[Any, ...]]) -> ShareLine:
    return ShareLine(
        event=ShareEvent(row.event),
        at=row.at,
        contract_id=row.contract_id,
        premium=Money(row.premium, row.currency),
        commission=Money(row.commission, row.currency),
        passed_on=Money(row.passed_on, row.currency),
        reference=row.reference,
    )


def owed_at(insurer_id: UUID, instant: datetime) -> tuple[Money, ...]:
    """What this insurer was owed just before an instant, by currency; negative is what it owed us."""
    lines = _lines(insurer_id).subquery()
    total = func.sum(lines.c.premium - lines.c.commission - lines.c.passed_on)
    rows = db.session.execute(
        select(lines.c.currency, total)
        .where(lines.c.at < instant)
        .group_by(lines.c.currency)
        .order_by(lines.c.currency)
    )
    return tuple(Money(int(minor), currency) for currency, minor in rows)


def share_days(insurer_id: UUID, limit: int) -> tuple[date, ...]:
    """The latest days on which something happened to this insurer's shares, newest first."""
    lines = _lines(insurer_id).subquery()
    day = cast(func.timezone(ZONE, lines.c.at), Date).label("day")
    return tuple(db.session.scalars(select(day).distinct().order_by(day.desc()).limit(limit)))


def _lines(insurer_id: UUID) -> CompoundSelect[tuple[object, ...]]:
    concluded = select(
        literal(ShareEvent.PREMIUM.value).label("event"),
        TransferRow.booked_at.label("at"),
        TransferRow.contract_id.label("contract_id"),
        TransferRow.currency.label("currency"),
        TransferRow.premium_minor.label("premium"),
        TransferRow.commission_minor.label("commission"),
        literal(0).label("passed_on"),
        cast(null(), String).label("reference"),
    ).where(TransferRow.insurer_id == insurer_id)
    returned = (
        select(
            literal(ShareEvent.PREMIUM_RETURNED.value),
            ReturnRow.returned_at,
            TransferRow.contract_id,
            ReturnRow.currency,
            -ReturnRow.premium_minor,
            -ReturnRow.commission_minor,
            literal(0),
            cast(null(), String),
        )
        .join(TransferRow, TransferRow.id == ReturnRow.transfer_id)
        .where(ReturnRow.insurer_id == insurer_id)
    )
    sent = select(
        literal(ShareEvent.TRANSFER_SENT.value),
        TransferRow.sent_at,
        TransferRow.contract_id,
        TransferRow.currency,
        literal(0),
        literal(0),
        TransferRow.amount_minor,
        TransferRow.provider_id,
    ).where(TransferRow.insurer_id == insurer_id, TransferRow.state == TransferState.SENT.value)
    reversed_ = (
        select(
            literal(ShareEvent.TRANSFER_REVERSED.value),
            ReversalRow.sent_at,
            TransferRow.contract_id,
            ReversalRow.currency,
            literal(0),
            literal(0),
            -ReversalRow.amount_minor,
            ReversalRow.provider_id,
        )
        .join(TransferRow, TransferRow.id == ReversalRow.transfer_id)
        .where(ReversalRow.insurer_id == insurer_id, ReversalRow.state == ReversalState.SENT.value)
    )
    return union_all(concluded, returned, sent, reversed_)
