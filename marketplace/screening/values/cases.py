"""The words of a case: what was found, how it stands, who did what with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.screening.values.declared import RuleCode


class CaseState(StrEnum):
    """`open` waits for a person, `proposed` for a second one, `closed` is decided."""

    OPEN = "open"
    PROPOSED = "proposed"
    CLOSED = "closed"


class Decision(StrEnum):
    """`cleared`: there is nothing to it. `reported`: the authority is told, what waits goes on. `refused`: what waits
    is not concluded.
    """

    CLEARED = "cleared"
    REPORTED = "reported"
    REFUSED = "refused"


class EventKind(StrEnum):
    OPENED = "opened"
    ADDED = "added"
    LOOKED = "looked"
    PROPOSED = "proposed"
    AGREED = "agreed"
    DISAGREED = "disagreed"
    DECIDED = "decided"


@dataclass(frozen=True, slots=True)
class Fact:
    """An application that belongs to what was found, and what the rule counted when it did."""

    application_id: UUID
    reference: str
    numbers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CaseEvent:
    kind: EventKind
    at: datetime
    account_id: UUID | None
    decision: Decision | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Case:
    """`holds`: applications wait for its decision. `facts` and the reasons of `events` are opened for whoever looks."""

    id: UUID
    reference: str
    rule: RuleCode
    rule_version: int
    state: CaseState
    decision: Decision | None
    holds: bool
    opened_at: datetime
    due_at: datetime
    closed_at: datetime | None
    facts: tuple[Fact, ...] = ()
    events: tuple[CaseEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class CasePage:
    cases: tuple[Case, ...]
    page: int
    pages: int
    total: int


class CaseNotFound(NotFound):
    """There is no such case."""

    code = "screening:case-not-found"


class CaseClosed(Conflict):
    """The case was decided, or stands otherwise than the page showed."""

    code = "screening:case-closed"


class SecondPersonNeeded(Refused):
    """Whoever proposed a report or a refusal does not agree to it."""

    code = "screening:second-person-needed"
