"""The public words of evidence. `EntryType` is the only vocabulary of the trail.

Sources: regulation checklist T26-04…06 (what a trace is), T26-31 (granularity), T26-34 and T26-35 (page versions).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5

from marketplace.kernel.canonical import digest
from marketplace.kernel.errors import NotFound, Refused, Unavailable
from marketplace.kernel.ids import new_id


class TrailUnavailable(Unavailable):
    """What happens on this page cannot be recorded at the moment, so it cannot go on."""

    code = "traceability:trail-unavailable"


class JourneyNotFound(NotFound):
    """There is no such journey."""

    code = "traceability:journey-not-found"


class EntryNotFound(NotFound):
    """There is no such entry, or it holds no page."""

    code = "traceability:entry-not-found"


class NotInLogYet(Unavailable):
    """This entry is recorded and will be in the log within moments. Please try again."""

    code = "traceability:not-in-log-yet"


class EvidenceIncomplete(Unavailable):
    """What happened last in this contract is recorded and not in the log yet. Please try again in a moment."""

    code = "traceability:evidence-incomplete"


class NoEvidence(NotFound):
    """Nothing is recorded of such a contract."""

    code = "traceability:no-evidence"


class LogAltered(Unavailable):
    """Something is missing in the log that was signed. Nothing of it is handed out until somebody has looked."""

    code = "traceability:log-altered"


class LogIsEmpty(NotFound):
    """The log holds nothing yet, or not that part of it."""

    code = "traceability:log-is-empty"


class PageVersionNotFound(NotFound):
    """There is no such version of a page."""

    code = "traceability:page-version-not-found"


class PagesNotReleased(Unavailable):
    """Insurance is not sold at the moment: the pages as they are now were not released, or not all of them is kept."""

    code = "traceability:pages-not-released"


class ReviewerNeeded(Refused):
    """Pages are released by two persons: somebody else than their author has to review them."""

    code = "traceability:reviewer-needed"


class Channel(StrEnum):
    """How the customer came to the pages: alone, helped by a person, or at a terminal of the institution."""

    SELF = "self"
    ASSISTED = "assisted"
    TERMINAL = "terminal"


class ActorRole(StrEnum):
    """In which capacity somebody acted. The desk's own roles are in `accounts`."""

    VISITOR = "visitor"
    CUSTOMER = "customer"
    INSURER = "insurer"
    PRACTITIONER = "practitioner"
    ADMIN = "admin"
    SYSTEM = "system"
    PROVIDER = "provider"


class EntryType(StrEnum):
    """What an entry says happened, as `subject:act`."""

    COMPARISON_MADE = "comparison:made"
    COMPARISON_SHOWN = "comparison:shown"
    PRODUCT_SHOWN = "product:shown"
    ENTRY_SHOWN = "entry:shown"
    ENTRY_ACKNOWLEDGED = "entry:acknowledged"
    CODE_SENT = "code:sent"
    EMAIL_VERIFIED = "email:verified"
    PAGE_SHOWN = "page:shown"
    PAGE_LEFT = "page:left"
    PAGE_REFUSED = "page:refused"
    FIELD_ENTERED = "field:entered"
    ANSWER_GIVEN = "answer:given"
    DOCUMENT_OPENED = "document:opened"
    DOCUMENT_CONFIRMED = "document:confirmed"
    OFFER_REPLACED = "offer:replaced"
    EXCLUSIONS_CONFIRMED = "exclusions:confirmed"
    HEALTH_NOTICE_ACKNOWLEDGED = "health_notice:acknowledged"
    HEALTH_CONSENT_GIVEN = "health_consent:given"
    HEALTH_CONSENT_WITHDRAWN = "health_consent:withdrawn"
    APPLICATION_SUBMITTED = "application:submitted"
    UNDERWRITING_DECIDED = "underwriting:decided"
    PAYMENT_STARTED = "payment:started"
    PAYMENT_LEFT = "payment:left"
    PAYMENT_RETURNED = "payment:returned"
    PAYMENT_SUCCEEDED = "payment:succeeded"
    PAYMENT_FAILED = "payment:failed"
    REFUND_REQUESTED = "refund:requested"
    REFUND_SUCCEEDED = "refund:succeeded"
    CONTRACT_CONCLUDED = "contract:concluded"
    POLICY_SIGNED = "policy:signed"
    POLICY_MAILED = "policy:mailed"
    POLICY_VIEWED = "policy:viewed"
    DATA_RESTRICTED = "data:restricted"
    DATA_ERASED = "data:erased"
    SALE_VIEWED = "sale:viewed"
    EVIDENCE_READ = "evidence:read"
    LOG_KEY_ROTATED = "log:key_rotated"


OUTLIVES_ERASURE = frozenset(
    {
        EntryType.PAYMENT_SUCCEEDED,
        EntryType.PAYMENT_FAILED,
        EntryType.REFUND_REQUESTED,
        EntryType.REFUND_SUCCEEDED,
        EntryType.DATA_ERASED,
        EntryType.SALE_VIEWED,
        EntryType.EVIDENCE_READ,
    }
)
"""What happens without the customer, so also after an erasure: what money does, the erasure itself, a look of staff.

It is entered in an erased journey too, without what it says. Nothing else may happen there.
"""


LOOKS = frozenset({EntryType.POLICY_VIEWED, EntryType.PAGE_LEFT, EntryType.SALE_VIEWED, EntryType.EVIDENCE_READ})
"""That somebody looked at a contract, or stopped looking: nothing in its evidence, which ends with its last act."""

RECEIPTED = (EntryType.CONTRACT_CONCLUDED, EntryType.POLICY_SIGNED)
"""Of what the customer is handed a receipt."""

WAITED_FOR = frozenset(RECEIPTED)
"""What somebody waits for to be in the log: the sequencer is told at once, and does not wait for its next turn."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it. `label` is what a reader of the trail sees: a desk or a part of the system, never a person's name."""

    role: ActorRole
    account_id: UUID | None = None
    label: str = ""


SYSTEM = Actor(ActorRole.SYSTEM, label="marketplace")
PROVIDER = Actor(ActorRole.PROVIDER, label="stripe")
VISITOR = Actor(ActorRole.VISITOR, label="visitor")


def journey_of_readings(application_id: UUID) -> UUID:
    """The journey in which it is entered who read the evidence of a contract: one for each, without gaps."""
    return uuid5(application_id, "evidence")


@dataclass(frozen=True, slots=True)
class PageManifest:
    """Everything a page is made of before a customer's own data comes in (T26-35).

    `page` is the endpoint; `templates` the closure of extended and included templates (path -> sha256), `assets` the
    static files it uses (path -> sha256), `wordings` the disclosure texts (key -> sha256), `documents` the insurer's
    papers it shows or links (sha256). The build is not part of it: a redeploy without change is the same version.
    """

    page: str
    locale: str
    templates: Mapping[str, str]
    assets: Mapping[str, str] = field(default_factory=dict)
    wordings: Mapping[str, str] = field(default_factory=dict)
    documents: tuple[str, ...] = ()
    product_version_id: UUID | None = None

    def to_json(self) -> dict[str, Any]:
        """The manifest as it is hashed and stored; the order in which parts were named does not matter."""
        return {
            "page": self.page,
            "locale": self.locale,
            "templates": dict(self.templates),
            "assets": dict(self.assets),
            "wordings": dict(self.wordings),
            "documents": sorted(set(self.documents)),
            "product_version_id": str(self.product_version_id) if self.product_version_id else None,
        }

    @property
    def id(self) -> str:
        """SHA-256 (hex) of the canonical manifest: the identity of the page version."""
        return digest(self.to_json())

    @property
    def series(self) -> str:
        """SHA-256 (hex) of what the page stays while its versions follow one another: which page, in which language,
        about which version of a product, with which papers and which of our texts, whatever these say.
        """
        plain = self.to_json()
        same = {name: plain[name] for name in ("page", "locale", "product_version_id", "documents")}
        return digest({**same, "wordings": sorted(self.wordings)})


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """What pages are made of before insurers' content and a customer's own data come in: name -> SHA-256 (hex) of every
    template, static file and text of ours.
    """

    templates: Mapping[str, str]
    assets: Mapping[str, str]
    wordings: Mapping[str, str]

    def to_json(self) -> dict[str, dict[str, str]]:
        """As it is hashed and kept."""
        return {name: dict(getattr(self, name)) for name in ("templates", "assets", "wordings")}

    @property
    def id(self) -> str:
        """SHA-256 (hex) of the canonical content: the identity of what is released."""
        return digest(self.to_json())

    @property
    def files(self) -> frozenset[str]:
        """The hashes of all of it."""
        return frozenset().union(*(named.values() for named in self.to_json().values()))


@dataclass(frozen=True, slots=True)
class NewRelease:
    """Who made the pages, who looked at them, why, and from which build they come."""

    author: str
    reviewer: str
    reason: str
    build: str


@dataclass(frozen=True, slots=True)
class Release:
    """Pages that two persons said good. The build is told beside the content and is no part of its identity."""

    number: int
    content: ReleaseContent
    author: str
    reviewer: str
    reason: str
    build: str
    released_at: datetime


@dataclass(frozen=True, slots=True)
class Online:
    """A version of a page that may be shown, and the file its views are kept against, if there is one already."""

    version_id: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Act:
    """Something done or decided, recorded with it. `body` is JSON without floats; ids and days may be given as such."""

    journey_id: UUID
    type: EntryType
    body: Mapping[str, Any]
    actor: Actor
    application_id: UUID | None = None
    insurer_id: UUID | None = None
    page_version_id: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A page about to be sent: its version and the exact bytes of its body; `pressed` are the same bytes as they are
    kept (`infra.pressing`), where whoever sends them has them so, against the file `reference` where one is named.
    """

    journey_id: UUID
    type: EntryType
    page_version_id: str
    page: bytes
    actor: Actor
    body: Mapping[str, Any] = field(default_factory=dict)
    application_id: UUID | None = None
    insurer_id: UUID | None = None
    pressed: bytes | None = None
    reference: str | None = None
    entry_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class ViewKept:
    """A page that was shown: of which version, in which journey, and what that concerns."""

    journey_id: UUID
    page_version_id: str
    application_id: UUID | None
    insurer_id: UUID | None


@dataclass(frozen=True, slots=True)
class Journey:
    """One road of one customer towards a contract. `attribution` says where they came from and never changes."""

    id: UUID
    reference: str
    channel: Channel
    attribution: Mapping[str, Any]
    started_at: datetime
    business_started_at: datetime


@dataclass(frozen=True, slots=True)
class PageVersion:
    """A version of a page as first served. `number` counts the versions of its `series` (`PageManifest.series`)."""

    id: str
    page: str
    locale: str
    product_version_id: UUID | None
    manifest: Mapping[str, Any]
    first_served_at: datetime
    series: str
    number: int


@dataclass(frozen=True, slots=True)
class PageOnline:
    """That a version was the one online, from an instant until before another (None while it is), by which release.

    Instants are those of contracts; `online_at` is the real one of the beginning.
    """

    version: PageVersion
    release: Release
    since: datetime
    until: datetime | None
    online_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """What a form says it stood on: the manifest of that version, and which version of its series is online by which
    release (None for what is from before releases).
    """

    manifest: Mapping[str, Any]
    online_id: str | None
    online_release: int | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the hash of an entry is of: SHA-256(salt ‖ data) is its `body_sha256` (docs/evidence-format.md)."""

    salt: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the trail. `recorded_at` is real time, `business_at` the time of the contract.

    `body` is empty where the personal data of its journey or application was erased, before or after; its hash stays.
    `body_sha256` is the SHA-256 of salt and envelope (docs/evidence-format.md), `page_sha256` that of the bytes sent
    where a page was sent. `log_index` is its place in the log, `number` its number in the journey, from 1 without gaps;
    both are None for what is not in the log yet.
    """

    id: UUID
    journey_id: UUID
    application_id: UUID | None
    insurer_id: UUID | None
    page_version_id: str | None
    type: EntryType
    actor: Actor
    recorded_at: datetime
    business_at: datetime
    body: Mapping[str, Any]
    body_sha256: str
    page_sha256: str | None
    log_index: int | None
    number: int | None


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A file that goes with the evidence of a contract: `kind` says what it is, `sha256` (hex) is that of `data`."""

    kind: str
    name: str
    sha256: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as the evidence of a contract shows it: its leaf, and the proof that it stands in the log.

    `envelope` and `page` are None where they are withheld, and `withheld` says why: `erased`, or of another contract
    in the same journey (`other_insurer`, `other_contract`). `body` is what the open envelope says.
    """

    index: int
    type: EntryType
    leaf: Mapping[str, Any]
    proof: tuple[bytes, ...]
    envelope: Envelope | None
    page: bytes | None
    withheld: str | None

    @property
    def page_version_id(self) -> str | None:
        found: str | None = self.leaf["pv"]
        return found

    @property
    def body(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = {} if self.envelope is None else json.loads(self.envelope.data)["body"]
        return found


@dataclass(frozen=True, slots=True)
class Extract:
    """What the log holds of one contract up to its last act, in the tree of the first checkpoint that covers it.

    The same whoever asks and whenever, until the contract has another act. `versions` are manifests by their id;
    `receipt_sizes` the trees under which receipts of it were handed out.
    """

    application_id: UUID
    origin: str
    size: int
    checkpoint: str
    entries: tuple[Logged, ...]
    versions: Mapping[str, Mapping[str, Any]]
    receipt_sizes: tuple[int, ...]
