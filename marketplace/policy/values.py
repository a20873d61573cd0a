"""The public words of contracts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from marketplace.catalog.values import Exclusion
from marketplace.kernel.errors import Conflict, Invalid, NotFound, Refused
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.traceability.values import SYSTEM, Actor


class PolicyState(StrEnum):
    """Whether the contract binds. How it ended says `Ending`."""

    IN_FORCE = "in_force"
    ENDED = "ended"


class Ending(StrEnum):
    """How a contract came to its end (T26-46). `expired`: its period ran out. `void`: it is held never to have bound.
    `claim_paid`: what it promised was paid, and nothing is left of it. `cancelled`: by notice of either side.
    """

    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SURRENDERED = "surrendered"
    VOID = "void"
    CLAIM_PAID = "claim_paid"
    CANCELLED = "cancelled"


class CoverState(StrEnum):
    """What the public check says of a contract on a day."""

    NOT_STARTED = "not_started"
    IN_FORCE = "in_force"
    ENDED = "ended"


class PaperKind(StrEnum):
    """The policy holds the schedule too. The certificate is for others to see; receipt and letter are about money."""

    POLICY = "policy"
    CERTIFICATE = "certificate"
    RECEIPT = "receipt"
    REFUND_LETTER = "refund_letter"


class DocumentState(StrEnum):
    """How far the paper of a policy version is. A failed paper never breaks the contract itself."""

    DUE = "due"
    RENDERED = "rendered"
    SEALED = "sealed"
    FAILED = "document_failed"


class DocumentEvent(StrEnum):
    RENDERED = "rendered"
    SEALED = "sealed"
    UNPRINTABLE = "unprintable"
    ASKED_AGAIN = "asked_again"


class PersonRole(StrEnum):
    APPLICANT = "applicant"
    INSURED = "insured"


@dataclass(frozen=True, slots=True)
class PolicyPerson:
    """A person named in the contract. `relationship` says how the insured stands to the applicant."""

    role: PersonRole
    name: str
    birth_on: date
    relationship: LocalizedText | None = None


@dataclass(frozen=True, slots=True)
class PremiumLine:
    """One line of the premium as the offer showed it; `kind` is rating's kind (risk, cover, cost, fee, tax, …)."""

    label: LocalizedText
    kind: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Instalment:
    """A premium after the first one, which is number 1. `due_on` is a day where the contract is at home. Before the
    contract is concluded it has no `id`.
    """

    number: int
    due_on: date
    amount: Money
    id: UUID | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CoverPeriod:
    """From the first moment of `start_on` to the last moment of `end_on`, both in `zone` (IANA name)."""

    start_on: date
    end_on: date
    zone: str

    def __post_init__(self) -> None:
        if self.end_on < self.start_on:
            raise Invalid({"end_on": "cover cannot end before it starts"})


@dataclass(frozen=True, slots=True)
class IssuePolicy:
    """Everything a contract says that catalog and accounts do not know: the act that concludes it.

    `risk` is what was rated (factor name -> value), `start_on` the first day of cover; product and risk decide how long
    it lasts. The premium lines must add up to `premium`, the first premium, which is paid; one applicant and at least
    one insured are named. `added_exclusions` were agreed to beside those of the product. `statement` is that
    of demands and needs, as it was declared: `paragraphs` in both languages, the rest for machines.
    """

    application_id: UUID
    order_id: UUID
    journey_id: UUID
    account_id: UUID
    insurer_id: UUID
    product_version_id: UUID
    locale: str
    risk: Mapping[str, str | int | bool]
    start_on: date
    persons: tuple[PolicyPerson, ...]
    premium_lines: tuple[PremiumLine, ...]
    premium: Money
    added_exclusions: tuple[Exclusion, ...] = ()
    statement: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class OrderPaper:
    """A paper about the money of an order, once for its kind and subject: a payment, or a refund.

    `sealed_for` names whose key seals it; `issued_at` (aware) becomes its date, of whose year in `zone` is its number.
    """

    kind: PaperKind
    subject_id: UUID
    order_id: UUID
    sealed_for: UUID
    locale: str
    issued_at: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as other rooms see it. `number` is its own, or that of its policy; `version` is None where it is of no
    contract. `sealed_for` is the application it is about, or for the money of several the payment.
    """

    id: UUID
    kind: PaperKind
    number: str
    version: int | None
    subject_id: UUID
    state: DocumentState
    issued_at: datetime
    sha256: str | None
    sealed_at: datetime | None
    sealed_for: UUID

    @property
    def is_final(self) -> bool:
        """Whether it is made, or waits for a person."""
        return self.state in {DocumentState.SEALED, DocumentState.FAILED}


@dataclass(frozen=True, slots=True)
class EndContract:
    """A contract is at its end: `on` is the last day on which it bound, in its own time zone."""

    policy_id: UUID
    how: Ending
    on: date
    by: Actor = SYSTEM


@dataclass(frozen=True, slots=True)
class Policy:
    """A contract as other rooms see it. `body` is the canonical text of version `version`, empty once it is erased.

    `ended_on` is the last day on which it bound; None for a contract in force.
    """

    id: UUID
    number: str
    state: PolicyState
    insurer_id: UUID
    product_version_id: UUID
    application_id: UUID
    order_id: UUID
    journey_id: UUID
    account_id: UUID
    check_code: str
    period: CoverPeriod
    premium: Money
    concluded_at: datetime
    locale: str
    version: int
    body: Mapping[str, Any]
    body_sha256: str
    document_state: DocumentState
    document_sha256: str | None
    receipt_sha256: str | None
    sealed_at: datetime | None
    ended_on: date | None
    ending: Ending | None

    @property
    def erased(self) -> bool:
        return not self.body

    @property
    def product_name(self) -> LocalizedText:
        return LocalizedText.from_json(self.body["product"]["name"])

    @property
    def clause_name(self) -> LocalizedText | None:
        said = self.body["product"]["clause_name"]
        return None if said is None else LocalizedText.from_json(said)

    @property
    def insurer_name(self) -> LocalizedText:
        return LocalizedText.from_json(self.body["insurer"]["legal_name"])


@dataclass(frozen=True, slots=True)
class PolicyFrame:
    """A contract without anything that it says: from when to when it was agreed, and when and how it ended."""

    id: UUID
    number: str
    application_id: UUID
    journey_id: UUID
    insurer_id: UUID
    period: CoverPeriod
    ended_on: date | None
    ending: Ending | None
    erased: bool


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """The public answer: never a person, never an amount."""

    number: str
    product_name: LocalizedText
    state: CoverState
    period: CoverPeriod


class Verdict(StrEnum):
    """The public answer to a file, in one word."""

    VALID = "valid"
    CHANGED = "changed"
    NOT_OURS = "not_ours"


class PaperMatch(StrEnum):
    """What of a file is ours: every byte; our whole paper with more behind it; our paper without its seal; nothing."""

    WHOLE = "whole"
    EXTENDED = "extended"
    UNSEALED = "unsealed"
    NONE = "none"


class Ground(StrEnum):
    """Why a file gets its verdict.

    as_issued       every byte is that of the paper we issued, and its seal holds
    replaced        the same, and there is a newer version of the paper
    erased          the same, and the records of the contract were erased since
    added_to        our paper, and something was added behind it
    seal_broken     our paper, and its seal is damaged, cut off or not the one we put on it
    altered         our seal, on other bytes than those it was put on
    not_on_record   a seal of ours that holds, on a file that is not among our papers
    no_seal         no seal, or several
    foreign_seal    a seal that is not ours
    unreadable      no PDF that can be read
    """

    AS_ISSUED = "as_issued"
    REPLACED = "replaced"
    ERASED = "erased"
    ADDED_TO = "added_to"
    SEAL_BROKEN = "seal_broken"
    ALTERED = "altered"
    NOT_ON_RECORD = "not_on_record"
    NO_SEAL = "no_seal"
    FOREIGN_SEAL = "foreign_seal"
    UNREADABLE = "unreadable"

    @property
    def verdict(self) -> Verdict:
        if self in {Ground.AS_ISSUED, Ground.REPLACED, Ground.ERASED}:
            return Verdict.VALID
        if self in {Ground.ADDED_TO, Ground.SEAL_BROKEN, Ground.ALTERED}:
            return Verdict.CHANGED
        return Verdict.NOT_OURS


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """What we have on record of a paper: which it is, of which version of which contract, and when it was sealed. Those
    of an order say nothing of a contract.
    """

    kind: PaperKind
    number: str
    contract: PolicyCheck | None
    version: int | None
    sealed_at: datetime


@dataclass(frozen=True, slots=True)
class PaperCheck:
    """The public answer to a file. `paper` is None where nothing of ours is known of it, or nothing any more."""

    ground: Ground
    paper: PaperFacts | None = None


@dataclass(frozen=True, slots=True)
class PolicyIssued:
    """A contract was concluded; its document is still to be made."""

    policy_id: UUID


@dataclass(frozen=True, slots=True)
class PolicyEnded:
    """A contract came to its end, however it did."""

    policy_id: UUID


@dataclass(frozen=True, slots=True)
class PolicyDocumentReady:
    """The sealed document of a contract is stored."""

    policy_id: UUID


@dataclass(frozen=True, slots=True)
class PaperFinished:
    """A paper of an order is sealed and stored, or cannot be made without a person."""

    paper_id: UUID
    kind: PaperKind
    subject_id: UUID
    order_id: UUID


class PaperNotFound(NotFound):
    """There is no such paper."""

    code = "policy:paper-not-found"


class PolicyNotFound(NotFound):
    """There is no such policy."""

    code = "policy:not-found"


class DocumentNotReady(NotFound):
    """The document of this policy is not ready yet."""

    code = "policy:document-not-ready"


class ContractEnded(Conflict):
    """This contract has ended already, in another way or on another day."""

    code = "policy:ended"


class ContractInForce(Refused):
    """This contract is in force; its records are kept."""

    code = "policy:in-force"


class NotForSale(Refused):
    """This product can be compared but not bought."""

    code = "policy:not-for-sale"
