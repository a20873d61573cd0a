"""The public words of the sales log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.catalog.values import Line
from marketplace.kernel.errors import NotFound
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.payment.values import ShareLine
from marketplace.policy.values import CoverPeriod
from marketplace.traceability.values import Actor, Channel, EntryType


class SaleState(StrEnum):
    """How far a sale came, in the order in which a good one goes; the last ones are other ends."""

    COMPARED = "compared"
    ENTERED = "entered"
    APPLIED = "applied"
    PAID = "paid"
    ISSUED = "issued"
    MAILED = "mailed"
    REFERRED = "referred"
    COUNTERED = "countered"
    DECLINED = "declined"
    POSTPONED = "postponed"
    REFUSED = "refused"
    LAPSED = "lapsed"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


class Lack(StrEnum):
    """What is wrong with a trail where something is expected."""

    MISSING = "missing"
    OUT_OF_ORDER = "out_of_order"
    PAGE_NOT_SHOWN = "page_not_shown"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that a trail lacks: an entry of this type (`subject`: about which document or question, as far as it
    is about one), its place in the order, or the page on which it was done.
    """

    lack: Lack
    type: EntryType
    subject: str = ""

    def to_json(self) -> dict[str, str]:
        return {"lack": self.lack.value, "type": self.type.value, "subject": self.subject}

    @classmethod
    def from_json(cls, data: Mapping[str, str]) -> "Gap":
        return cls(Lack(data["lack"]), EntryType(data["type"]), data["subject"])


class Mismatch(StrEnum):
    """How what a browser recorded of a page and what its form brought disagree."""

    TICK_NOT_CARRIED = "tick_not_carried"
    TICK_NOT_REPORTED = "tick_not_reported"
    TICKED_BEFOREHAND = "ticked_beforehand"
    VALUE_DIFFERS = "value_differs"
    NOT_SENT = "not_sent"
    TIMES_APART = "times_apart"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One of them: on which page (the entry that showed it), about which act, if one was entered, and which field of
    the form, if it is about one.
    """

    kind: Mismatch
    view_id: UUID
    act_id: UUID | None
    field: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What browsers recorded of a sale: of which pages (the entries that showed them), and each difference from what
    their forms brought. Not `readable`: there may be some, and nobody can say.
    """

    view_ids: tuple[UUID, ...]
    disagreements: tuple[Disagreement, ...]
    readable: bool = True


@dataclass(frozen=True, slots=True)
class ActOnPage:
    """What came of a page, in words: `at` milliseconds after its recording began."""

    at: int
    words: str


@dataclass(frozen=True, slots=True)
class Replay:
    """A recording ready to be played: of which page (the entry that showed it), its events and what came of it; and the
    stored picture (PNG) of that page, where one was made.
    """

    view_id: UUID
    page: str
    events: tuple[Mapping[str, Any], ...]
    acts: tuple[ActOnPage, ...]
    picture: bytes | None


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of what a sale leaves in its trail is there: `wanted` entries, and each gap."""

    wanted: int
    gaps: tuple[Gap, ...]

    @property
    def per_cent(self) -> int:
        """Of the entries wanted those without a gap, rounded down: 100 is said of a whole trail alone."""
        return max(0, 100 * (self.wanted - len(self.gaps)) // self.wanted)


@dataclass(frozen=True, slots=True)
class Sale:
    """A line of the sales log. What a journey that only compared does not have yet is None.

    `customer` is the masked e-mail address. Instants are business time. `completeness` is told when the policy was
    mailed or should have been, and not of what was erased.
    """

    id: UUID
    state: SaleState
    line: Line
    journey_id: UUID
    journey_reference: str
    channel: Channel
    application_id: UUID | None
    application_reference: str | None
    order_id: UUID | None
    order_reference: str | None
    policy_id: UUID | None
    policy_number: str | None
    insurer_id: UUID | None
    insurer_name: LocalizedText | None
    product_version_id: UUID | None
    product_name: LocalizedText | None
    premium: Money | None
    customer: str | None
    started_at: datetime
    concluded_at: datetime | None
    last_at: datetime
    completeness: Completeness | None


@dataclass(frozen=True, slots=True)
class SaleFilter:
    """Which sales: all that is given must hold. Days are those of `ZONE`, both ends included.

    `text` is a policy number (or its beginning) or the reference of an application, order or journey.
    """

    line: Line | None = None
    state: SaleState | None = None
    insurer_id: UUID | None = None
    since: date | None = None
    until: date | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class SalesPage:
    """One page of the log, newest first; `number` counts from 1."""

    sales: tuple[Sale, ...]
    number: int
    size: int
    total: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.size))


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """A line of a sale's trail in words. `page` says on or as which page; `has_page`: its bytes can be looked at."""

    entry_id: UUID
    type: EntryType
    recorded_at: datetime
    business_at: datetime
    words: str
    actor: str
    page: str | None
    page_version_id: str | None
    has_page: bool
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Visit:
    """A later visit of the customer to the contract of a sale, with what is recorded of it."""

    reference: str
    started_at: datetime
    entries: tuple[TimelineEntry, ...]


@dataclass(frozen=True, slots=True)
class AskBundle:
    """Somebody wants the evidence of a contract (or application) and says why."""

    application_id: UUID
    by: Actor
    reason: str
    locale: str


class BundleState(StrEnum):
    """How far a bundle is; `refused` says that what is kept does not make one (see `Bundle.failure`)."""

    ASKED = "asked"
    READY = "ready"
    REFUSED = "refused"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Evidence of a contract as somebody asked for it. `core_sha256` is the same for whoever asks.

    `verified` is what the offline verifier said of the file, `findings` are its words; `failure` is the code of the
    error that kept it from being made. After `expires_at` it is asked for anew.
    """

    id: UUID
    state: BundleState
    application_id: UUID
    insurer_id: UUID
    reason: str
    asked_at: datetime
    made_at: datetime | None
    expires_at: datetime | None
    failure: str | None
    core_sha256: str | None
    sha256: str | None
    size: int | None
    verified: bool | None
    findings: tuple[Mapping[str, Any], ...]


class Looked(StrEnum):
    """At what of a sale somebody of the staff looks; `TOLD`: at nothing yet, but why was said."""

    TOLD = "told"
    FOUND = "found"
    FILE = "file"
    PAGE = "page"
    BYTES = "bytes"
    POLICY = "policy"
    PAPER = "paper"
    DAY = "day"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody of the staff looks at a sale, and why; `which` page, policy or day of it, by its name."""

    sale: Sale
    by: Actor
    reason: str
    what: Looked
    which: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """That somebody looked at a sale, or asked for, looked at or took away its evidence. What concerned it when it was
    erased says no more than when and who.
    """

    what: str
    label: str
    reason: str
    recorded_at: datetime


class BundleNotFound(NotFound):
    """There is no such evidence, it is not yours, or it was dropped after a week. Please ask for it again."""

    code = "oversight:bundle-not-found"


class RecordingNotFound(NotFound):
    """There is no such recording, it was erased, or it was asked for some time ago. Please ask for it again."""

    code = "oversight:recording-not-found"


class SaleNotFound(NotFound):
    """There is no such sale, or it is not one of yours."""

    code = "oversight:sale-not-found"


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A person whom a contract names, as its insurer needs to know: `role` by the words of policy."""

    role: str
    name: str
    birth_on: date


@dataclass(frozen=True, slots=True)
class BordereauLine:
    """What happened to the insurer's share of a contract, with the contract: of an erased one its number and period."""

    share: ShareLine
    number: str
    product_name: LocalizedText | None
    period: CoverPeriod
    persons: tuple[NamedPerson, ...]
    premium_lines: tuple[tuple[LocalizedText, Money], ...]


@dataclass(frozen=True, slots=True)
class Sums:
    """An account with an insurer in one currency: what it was owed `before`, what was added, and what it has."""

    before: Money
    premium: Money
    commission: Money
    passed_on: Money

    @property
    def after(self) -> Money:
        return self.before + self.premium - self.commission - self.passed_on


SETTLED_AFTER = timedelta(minutes=10)
"""So long after a day is over it is told: what began before midnight may be committed minutes after it."""


@dataclass(frozen=True, slots=True)
class Bordereau:
    """A day of an insurer's account, in the order in which it happened."""

    day: date
    lines: tuple[BordereauLine, ...]
    sums: tuple[Sums, ...]


NumberedLines = tuple[tuple[ShareLine, str], ...]
"""Each with the number of its contract."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A month of an insurer's account."""

    month: date
    lines: NumberedLines
    sums: tuple[Sums, ...]


class BordereauNotReady(NotFound):
    """This day, or this month, is not over yet, or only for minutes."""

    code = "oversight:bordereau-not-ready"
