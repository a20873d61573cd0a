"""A named person decides a case with a reason; a report or a refusal needs a second one. Every look is kept."""

from uuid import UUID

from sqlalchemy import select

from marketplace.application import services as applications
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.screening import queries, rules
from marketplace.screening.models import CaseEventRow, CaseRow, locked_case
from marketplace.screening.values import (
    Case,
    CaseClosed,
    CaseState,
    Decision,
    EventKind,
    SecondPersonNeeded,
)


def look(case_id: UUID, account_id: UUID) -> Case:
    """The case, opened for this person; that they looked is kept with it. Raises CaseNotFound."""
    found = queries.case(case_id)
    _event(case_id, EventKind.LOOKED, account_id)
    return found


def propose(case_id: UUID, decision: Decision, reason: str, account_id: UUID) -> Case:
    """Clear a case, or propose to report or refuse it. What waits for a cleared case goes on.

    Raises CaseNotFound, CaseClosed where it does not wait for a first person; refused is only what waits.
    """
    row = locked_case(case_id)
    if row.state != CaseState.OPEN or (decision is Decision.REFUSED and not row.holds):
        raise CaseClosed
    after = rules.CASES.next(CaseState(row.state), decision)
    if after is CaseState.PROPOSED:
        _event(case_id, EventKind.PROPOSED, account_id, decision, reason)
        row.state, row.decision = after.value, decision.value
    else:
        _event(case_id, EventKind.DECIDED, account_id, decision, reason)
        _close(row, decision)
    db.session.flush()
    return queries.case(case_id)


def agree(case_id: UUID, reason: str, account_id: UUID) -> Case:
    """The second person agrees: so it is decided. Raises CaseNotFound, CaseClosed, SecondPersonNeeded."""
    row, decision = _proposed(case_id, account_id)
    _event(case_id, EventKind.AGREED, account_id, decision, reason)
    _close(row, decision)
    db.session.flush()
    return queries.case(case_id)


def disagree(case_id: UUID, reason: str, account_id: UUID) -> Case:
    """The second person does not agree: it is open again. Raises CaseNotFound, CaseClosed, SecondPersonNeeded."""
    row, decision = _proposed(case_id, account_id)
    _event(case_id, EventKind.DISAGREED, account_id, decision, reason)
    row.state, row.decision = CaseState.OPEN.value, None
    db.session.flush()
    return queries.case(case_id)


def _proposed(case_id: UUID, account_id: UUID) -> tuple[CaseRow, Decision]:
    row = locked_case(case_id)
    if row.state != CaseState.PROPOSED or row.decision is None:
        raise CaseClosed
    proposed_by = db.session.scalars(
        select(CaseEventRow.account_id)
        .where(CaseEventRow.case_id == case_id, CaseEventRow.kind == EventKind.PROPOSED.value)
        .order_by(CaseEventRow.at.desc(), CaseEventRow.id.desc())
        .limit(1)
    ).one()
    if proposed_by == account_id:
        raise SecondPersonNeeded
    return row, Decision(row.decision)


def _close(row: CaseRow, decision: Decision) -> None:
    """What waits goes on, or is not concluded."""
    row.state, row.decision, row.closed_at = CaseState.CLOSED.value, decision.value, clock.business_now()
    if not row.holds:
        return
    db.session.flush()
    for application_id in {fact.application_id for fact in queries.case(row.id).facts}:
        if decision is Decision.REFUSED:
            applications.refuse_held(application_id)
        else:
            applications.release_held(application_id)


def _event(
    case_id: UUID, kind: EventKind, account_id: UUID, decision: Decision | None = None, reason: str | None = None
) -> None:
    row = CaseEventRow(id=ids.new_id(), case_id=case_id, kind=kind.value, account_id=account_id, at=clock.now())
    row.decision, row.reason = decision and decision.value, reason
    db.session.add(row)
    db.session.flush()
