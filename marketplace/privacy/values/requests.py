"""Exports, requests, closing and forgetting: the public words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.errors import Conflict, NotFound, Refused


class ExportState(StrEnum):
    """`failed`: it could not be made, and nobody tries any more."""

    ASKED = "asked"
    READY = "ready"
    EXPIRED = "expired"
    FAILED = "failed"


class RequestKind(StrEnum):
    """What somebody may ask that a person must decide (GDPR articles 7 and 15-21, PIPL articles 15 and 44-48).

    `withdrawal`: of a consent on which a contract rests, or money that is on its way.
    """

    ACCESS = "access"
    CORRECTION = "correction"
    RESTRICTION = "restriction"
    OBJECTION = "objection"
    ERASURE = "erasure"
    WITHDRAWAL = "withdrawal"


class Outcome(StrEnum):
    """What became of a request. `withdrawn`: the person closed the account before it was answered."""

    DONE = "done"
    PARTLY = "partly"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Subject(StrEnum):
    """Whose key is destroyed when something is erased."""

    ACCOUNT = "account"
    APPLICATION = "application"
    JOURNEY = "journey"


class ErasureReason(StrEnum):
    """`retention`: its time was over. `closing`: the person closed the account. `withdrawal`: of the consent."""

    RETENTION = "retention"
    CLOSING = "closing"
    WITHDRAWAL = "withdrawal"


class RestrictionReason(StrEnum):
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Export:
    """A copy of somebody's data. `size` (bytes) and `expires_at` are known once it is ready."""

    id: UUID
    account_id: UUID
    state: ExportState
    asked_at: datetime
    ready_at: datetime | None
    expires_at: datetime | None
    size: int | None


@dataclass(frozen=True, slots=True)
class Request:
    """`due_on` is the day by which it must be answered. `words` is what the person wrote, `answer` what we did."""

    id: UUID
    reference: str
    account_id: UUID
    kind: RequestKind
    words: str
    asked_at: datetime
    due_on: date
    outcome: Outcome | None
    answer: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request in the queue: nothing of what was written. `pressing` after twenty days without an answer."""

    id: UUID
    reference: str
    kind: RequestKind
    asked_at: datetime
    due_on: date
    answered_at: datetime | None
    pressing: bool


@dataclass(frozen=True, slots=True)
class KeptContract:
    """A contract whose records stay after the account is closed, until the end of `kept_until`."""

    policy_id: UUID
    number: str
    covered_until: date
    kept_until: date


@dataclass(frozen=True, slots=True)
class ClosingPreview:
    """What closing the account does: which contracts are kept, which applications erased, and what it waits for."""

    kept: tuple[KeptContract, ...]
    erased_applications: tuple[str, ...]
    unfinished: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Records that are kept and used for nothing else, until the end of `kept_until`.

    `application_id` is that of the contract they are kept for; the whole journey to it is restricted with them.
    """

    policy_id: UUID
    application_id: UUID
    reason: RestrictionReason
    covered_until: date
    kept_until: date
    restricted_at: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """How many subjects were erased again, how many were erased already, which accounts wait for the end of a sale."""

    erased: int
    known: int
    waiting: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of forgetting: how much of each kind was erased, and what is due for a person's decision."""

    ran_at: datetime
    business_at: datetime
    counts: Mapping[str, int]


# Facts


@dataclass(frozen=True, slots=True)
class ApplicationErased:
    """What a person told in an application is gone."""

    application_id: UUID


# Errors


class ExportNotFound(NotFound):
    """There is no such copy of your data, or it is no longer kept. Please ask for a new one."""

    code = "privacy:export-not-found"


class RequestNotFound(NotFound):
    """There is no such request."""

    code = "privacy:request-not-found"


class RequestAnswered(Conflict):
    """This request has been answered already."""

    code = "privacy:request-answered"


class SaleUnderWay(Conflict):
    """A purchase of yours is still under way. Please close the account when it has come to its end."""

    code = "privacy:sale-under-way"


class Restricted(Refused):
    """The customer closed the account. These records are kept as the law asks, and only compliance opens them."""

    code = "privacy:restricted"
