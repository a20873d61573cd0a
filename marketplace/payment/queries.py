"""Ask about payments. Values only; no row leaves."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from marketplace.infra.db import db
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow, ProviderEventRow, RefundRow
from marketplace.payment.values import (
    Attempt,
    AttemptNotFound,
    AttemptState,
    Purpose,
    Refund,
    RefundReason,
    RefundState,
)


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


def refunds_for(purpose: Purpose, subject_id: UUID) -> tuple[Refund, ...]:
    """All money that went or goes back for the subject, oldest request first."""
    rows = db.session.scalars(
        select(RefundRow)
        .join(AttemptRow, AttemptRow.id == RefundRow.attempt_id)
        .where(AttemptRow.purpose == purpose.value, AttemptRow.subject_id == subject_id)
        .order_by(RefundRow.requested_at, RefundRow.id)
    )
    return tuple(refund_value(row) for row in rows)


def event_counts() -> Mapping[tuple[str, str], int]:
    """How many events of each (type, outcome) came in; outcome `waiting` is not handled yet."""
    outcome = func.coalesce(ProviderEventRow.outcome, "waiting")
    rows = db.session.execute(
        select(ProviderEventRow.type, outcome, func.count())
        .group_by(ProviderEventRow.type, outcome)
        .order_by(ProviderEventRow.type, outcome)
    )
    return {(kind, how): number for kind, how, number in rows}


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
    )


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
    )
