"""How fast insurers answer, as measured: nothing here is said by anybody (N108-01)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select

from marketplace.consultation.models import MessageRow, ThreadRow
from marketplace.consultation.values import MEASURED_DAYS, Measured, Side, ThreadState
from marketplace.infra.db import db
from marketplace.kernel import clock

NOTHING = Measured(0, None, None, 0, 0, 0, 0)


def measured(insurer_id: UUID) -> Measured:
    """Of one insurer."""
    return measured_of_all(insurer_id).get(insurer_id, NOTHING)


def measured_of_all(insurer_id: UUID | None = None) -> dict[UUID, Measured]:
    """By insurer; of one, or of all that were asked anything within the time or are waited for."""
    answered = {row.insurer_id: row for row in db.session.execute(_answers(insurer_id))}
    waiting = {row.insurer_id: row for row in db.session.execute(_waiting(insurer_id))}
    return {each: _measured(answered.get(each), waiting.get(each)) for each in sorted({*answered, *waiting})}


def _answers(insurer_id: UUID | None) -> Select[*tuple[Any, ...]]:
    since = clock.business_now() - timedelta(days=MEASURED_DAYS)
    waited = func.extract("epoch", MessageRow.written_at - MessageRow.waited_since)
    wanted = select(
        MessageRow.insurer_id,
        func.count().label("answered"),
        func.percentile_cont(0.5).within_group(waited).label("median"),
        func.percentile_cont(0.95).within_group(waited).label("most"),
        func.count().filter(MessageRow.written_at < MessageRow.due_at).label("in_time"),
    ).where(MessageRow.side == Side.INSURER.value, MessageRow.written_at >= since)
    if insurer_id is not None:
        wanted = wanted.where(MessageRow.insurer_id == insurer_id)
    return wanted.group_by(MessageRow.insurer_id)


def _waiting(insurer_id: UUID | None) -> Select[*tuple[Any, ...]]:
    wanted = select(
        ThreadRow.insurer_id,
        func.count().label("waiting"),
        func.count().filter(ThreadRow.due_at <= clock.business_now()).label("overdue"),
    ).where(ThreadRow.state == ThreadState.WAITING.value)
    if insurer_id is not None:
        wanted = wanted.where(ThreadRow.insurer_id == insurer_id)
    return wanted.group_by(ThreadRow.insurer_id)


def _measured(answers: Row[Any] | None, waiting: Row[Any] | None) -> Measured:
    overdue = waiting.overdue if waiting else 0
    if answers is None:
        return Measured(0, None, None, overdue, 0, waiting.waiting if waiting else 0, overdue)
    return Measured(
        answered=answers.answered,
        median=float(answers.median),
        most=float(answers.most),
        due=answers.answered + overdue,
        in_time=answers.in_time,
        waiting=waiting.waiting if waiting else 0,
        overdue=overdue,
    )
