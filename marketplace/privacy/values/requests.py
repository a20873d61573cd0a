"""Exports, requests, closing and forgetting: the public words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.policy.values import Ending
from marketplace.traceability.values import Actor

NOTICE = timedelta(days=14)
"""Between the day on which the desk is told that nothing asks to keep a contract and the day on which it is erased."""


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


class Dispute(StrEnum):
    """What holds the records of a contract beyond their time (T26-45)."""

    COMPLAINT = "complaint"
    LAWSUIT = "lawsuit"


@dataclass(frozen=True, slots=True)
class KeptContract:
    """A contract whose records are kept until the end of `kept_until`, in `zone` (IANA name).

    In force it has no end of its own (`ended_on` is None), and the day is told as if it runs its whole period. While a
    dispute is open (`held`) the day is told without it, and passing it frees nothing.
    """

    policy_id: UUID
    number: str
    covered_until: date
    ended_on: date | None
    ending: Ending | None
    kept_until: date
    zone: str
    held: bool
    erased: bool


@dataclass(frozen=True, slots=True)
class DueContract:
    """A contract whose time of keeping is over: given notice of on `noticed_on`, erased from `erased_from` on. Both are
    None until the next run gives notice.
    """

    contract: KeptContract
    noticed_on: date | None
    erased_from: date | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A dispute about a contract, from its opening to its end (`closed_on`, a day of the contract's time zone; None
    while it is open). `reference` is its number with us or at the court; words are empty once the contract is erased.
    """

    id: UUID
    policy_id: UUID
    kind: Dispute
    reference: str
    reason: str
    opened_at: datetime
    closed_on: date | None
    closed_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class HeldContract:
    """A contract and the dispute that holds it."""

    contract: KeptContract
    hold: Hold


@dataclass(frozen=True, slots=True)
class OpenHold:
    """A complaint or a lawsuit has come: `by` is whoever of the staff notes it."""

    policy_id: UUID
    kind: Dispute
    reference: str
    reason: str
    by: Actor


@dataclass(frozen=True, slots=True)
class ClosingPreview:
    """What closing the account does: which contracts are kept, which applications erased, and what it waits for; or by
    the disputes about which contracts it is refused.
    """

    kept: tuple[KeptContract, ...]
    erased_applications: tuple[str, ...]
    unfinished: tuple[str, ...]

    @property
    def held(self) -> tuple[str, ...]:
        return tuple(each.number for each in self.kept if each.held)


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
    """How many subjects were erased again, how many were erased already, which accounts wait for the end of a sale or
    of a dispute, and which applications and journeys belong to a contract that has to be kept.
    """

    erased: int
    known: int
    waiting: tuple[UUID, ...]
    kept: tuple[UUID, ...]


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


class ContractHeld(Refused):
    """There is an open complaint or lawsuit about a contract. Its records, and the account they belong to, are kept
    until three years after the end of the dispute at least; nothing was erased.
    """

    code = "privacy:contract-held"


class HoldNotFound(NotFound):
    """There is no such dispute."""

    code = "privacy:hold-not-found"


class HoldClosed(Conflict):
    """This dispute is closed already."""

    code = "privacy:hold-closed"


class HoldTooLate(Conflict):
    """The records of this contract are erased; nothing is left that a dispute could hold."""

    code = "privacy:hold-too-late"


class Restricted(Refused):
    """The customer closed the account. These records are kept as the law asks, and only compliance opens them."""

    code = "privacy:restricted"
