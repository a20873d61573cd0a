"""Open a case for what was found: one for the same facts, and one at a time about the same subject."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from marketplace.application import queries as applications
from marketplace.application.values import State
from marketplace.infra import watchlist
from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import digest
from marketplace.screening.models import CaseEventRow, CaseFactRow, CaseRow
from marketplace.screening.values import RULES, CaseState, EventKind, Finding, RuleCode


def open_case(finding: Finding) -> None:
    """What was found comes to the open case about its subject, or to a new one; the same facts come once."""
    facts = digest([finding.rule, finding.subject, sorted(str(each) for each in finding.application_ids)])
    if db.session.scalar(
        select(CaseFactRow.id).where(CaseFactRow.rule == finding.rule.value, CaseFactRow.facts_sha256 == facts)
    ):
        return
    case_id, kind = _case_for(finding)
    fact = CaseFactRow(
        id=ids.new_id(), case_id=case_id, rule=finding.rule.value, facts_sha256=facts, found_at=clock.business_now()
    )
    called = applications.references(finding.application_ids)
    fact.facts = [
        {"application_id": str(each), "reference": called[each], "numbers": dict(finding.numbers)}
        for each in finding.application_ids
        if each in called
    ]
    db.session.add(fact)
    db.session.add(CaseEventRow(id=ids.new_id(), case_id=case_id, kind=kind.value, at=clock.now()))
    db.session.flush()


def open_for_list(application_id: UUID) -> None:
    """For an application that waits because a name of it is on the list: whom of the list it may be."""
    found = applications.application(application_id)
    if found.state is not State.SUBMITTED or found.people is None:
        return
    current, told = watchlist.current(), found.people
    names: Sequence[Mapping[str, Any]] = ()
    if current is not None:
        names = [
            {"name": person.name, "listed": match.name, "entry": match.entry.id, "likeness": match.likeness.value,
             "source": current.source, "as_of": current.as_of.isoformat()}
            for person in {told.applicant, told.insured_person}
            for match in current.matches(person.name, person.birth_on)
        ]  # fmt: skip
    open_case(Finding(RuleCode.LIST_MATCH, str(application_id), (application_id,), {"matches": list(names)}))


def _case_for(finding: Finding) -> tuple[UUID, EventKind]:
    rule, now = RULES[finding.rule], clock.business_now()
    opened = db.session.scalar(
        insert(CaseRow)
        .values(
            id=ids.new_id(),
            reference=ids.reference("S"),
            rule=rule.code.value,
            rule_version=rule.version,
            subject=finding.subject,
            holds=rule.holds,
            state=CaseState.OPEN.value,
            opened_at=now,
            due_at=now + timedelta(hours=rule.hours),
        )
        .on_conflict_do_nothing(index_elements=[CaseRow.rule, CaseRow.subject], index_where=CaseRow.closed_at.is_(None))
        .returning(CaseRow.id)
    )
    if opened is not None:
        return opened, EventKind.OPENED
    wanted = (CaseRow.rule == rule.code.value, CaseRow.subject == finding.subject, CaseRow.closed_at.is_(None))
    return db.session.scalars(select(CaseRow.id).where(*wanted).with_for_update()).one(), EventKind.ADDED
