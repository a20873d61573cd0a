"""Tell cases: to the desk of the marketplace's compliance, and to nobody else."""

from collections.abc import Sequence
from math import ceil
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.screening.models import CaseEventRow, CaseFactRow, CaseRow
from marketplace.screening.values import (
    Case,
    CaseEvent,
    CaseNotFound,
    CasePage,
    CaseState,
    Decision,
    EventKind,
    Fact,
    RuleCode,
)


def waiting_cases() -> tuple[Case, ...]:
    """What is not decided, what is due first before all else. Nothing of it is opened."""
    rows = db.session.scalars(
        select(CaseRow).where(CaseRow.closed_at.is_(None)).order_by(CaseRow.due_at, CaseRow.id)
    ).all()
    return tuple(_case(row) for row in rows)


def closed_cases(page: int, *, size: int) -> CasePage:
    """What was decided, the newest first."""
    closed = CaseRow.closed_at.is_not(None)
    total = db.session.scalar(select(func.count()).select_from(CaseRow).where(closed)) or 0
    rows = db.session.scalars(
        select(CaseRow)
        .where(closed)
        .order_by(CaseRow.closed_at.desc(), CaseRow.id)
        .limit(size)
        .offset((page - 1) * size)
    ).all()
    return CasePage(tuple(_case(row) for row in rows), page, max(1, ceil(total / size)), total)


def case(case_id: UUID) -> Case:
    """The case with its facts and everything that was done with it, opened. Raises CaseNotFound."""
    row = db.session.get(CaseRow, case_id)
    if row is None:
        raise CaseNotFound
    facts = db.session.scalars(
        select(CaseFactRow).where(CaseFactRow.case_id == case_id).order_by(CaseFactRow.found_at, CaseFactRow.id)
    ).all()
    events = db.session.scalars(
        select(CaseEventRow).where(CaseEventRow.case_id == case_id).order_by(CaseEventRow.at, CaseEventRow.id)
    ).all()
    return _case(row, [told for each in facts for told in each.facts], [_event(each) for each in events])


def overdue() -> tuple[Case, ...]:
    """What should have been decided by now, the oldest first."""
    return tuple(each for each in waiting_cases() if each.due_at <= clock.business_now())


def _case(row: CaseRow, facts: Sequence[dict[str, Any]] = (), events: Sequence[CaseEvent] = ()) -> Case:
    return Case(
        id=row.id,
        reference=row.reference,
        rule=RuleCode(row.rule),
        rule_version=row.rule_version,
        state=CaseState(row.state),
        decision=None if row.decision is None else Decision(row.decision),
        holds=row.holds,
        opened_at=row.opened_at,
        due_at=row.due_at,
        closed_at=row.closed_at,
        facts=tuple(Fact(UUID(each["application_id"]), each["reference"], each["numbers"]) for each in facts),
        events=tuple(events),
    )


def _event(row: CaseEventRow) -> CaseEvent:
    return CaseEvent(
        EventKind(row.kind),
        row.at,
        row.account_id,
        None if row.decision is None else Decision(row.decision),
        row.reason,
    )
