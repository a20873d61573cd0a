"""Load and lock rows of payment, and write what happened to them into the trail."""

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import func, select

from marketplace.infra.db import Base, db
from marketplace.kernel.errors import NotFound
from marketplace.payment.models import AttemptRow, RefundRow, ReversalRow, TransferRow, frozen
from marketplace.payment.values import AttemptNotFound, RefundNotFound, ReversalNotFound, TransferNotFound
from marketplace.traceability.services import record_act
from marketplace.traceability.values import Act, Actor, EntryType

R = TypeVar("R", bound=Base)


def attempt_row(attempt_id: UUID) -> AttemptRow:
    return _row(AttemptRow, attempt_id, AttemptNotFound)


def refund_row(refund_id: UUID) -> RefundRow:
    return _row(RefundRow, refund_id, RefundNotFound)


def transfer_row(transfer_id: UUID) -> TransferRow:
    return _row(TransferRow, transfer_id, TransferNotFound)


def reversal_row(reversal_id: UUID) -> ReversalRow:
    return _row(ReversalRow, reversal_id, ReversalNotFound)


def _row(table: type[R], row_id: UUID, missing: type[NotFound]) -> R:
    """As it is now. Raises `missing`."""
    row = db.session.get(table, row_id, populate_existing=True)
    if row is None:
        raise missing
    return row


def locked_attempt(attempt_id: UUID) -> tuple[AttemptRow, list[AttemptRow]]:
    """The attempt as it is now, and the other attempts for its subject; the subject is locked."""
    known = attempt_row(attempt_id)
    rows = locked_subject(known.purpose, known.subject_id)
    return known, [row for row in rows if row.id != attempt_id]


def locked_subject(purpose: str, subject_id: UUID) -> list[AttemptRow]:
    """All attempts of a subject by number; whoever else moves money for it waits until this transaction ends.

    An advisory lock, because the first attempt has no row to lock yet.
    """
    key = func.hashtextextended(f"payment:{purpose}:{subject_id}", 0)
    db.session.execute(select(func.pg_advisory_xact_lock(key)))
    wanted = (AttemptRow.purpose == purpose, AttemptRow.subject_id == subject_id)
    query = select(AttemptRow).where(*wanted).order_by(AttemptRow.number)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def is_frozen(attempt_id: UUID) -> bool:
    """Whether a bank has taken the money of the payment back and not decided yet (see `models.frozen`)."""
    return bool(db.session.scalar(select(frozen(attempt_id))))


def record(row: AttemptRow, kind: EntryType, actor: Actor, **body: Any) -> None:
    """Write an entry about the attempt, in the present transaction."""
    record_act(
        Act(
            journey_id=row.journey_id,
            type=kind,
            body={"attempt_id": str(row.id), "number": row.number, "reference": row.reference, **body},
            actor=actor,
            application_id=row.application_id,
            insurer_id=row.insurer_id,
        )
    )
