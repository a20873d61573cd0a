"""The public words of underwriting. `Outcome` (accept, load, exclude, …) is the catalog's: guidelines are uploaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from marketplace.catalog.values import Exclusion, GuidelineRule, Loading, Outcome
from marketplace.kernel.errors import Conflict, Refused
from marketplace.kernel.text import LocalizedText
from marketplace.traceability.values import Actor

BY_GUIDELINE = "guideline"
"""Who decided where no person did."""


class ReasonCode(StrEnum):
    """Why a person decided, for the insurer's own books; the customer reads words, not codes."""

    HEALTH = "health"
    OCCUPATION = "occupation"
    LEISURE = "leisure"
    SUM_AT_RISK = "sum_at_risk"
    THING = "thing"
    NOT_ENOUGH_KNOWN = "not_enough_known"
    NOTHING_AGAINST = "nothing_against"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Eligible:
    """This risk may be offered this product."""


@dataclass(frozen=True, slots=True)
class Ineligible:
    """Why not: the factor that decides, and the reason in words for the customer."""

    factor: str
    reason: LocalizedText


@dataclass(frozen=True, slots=True)
class Reason:
    """One answer that did not lead to acceptance; `words` are the insurer's, `code` is for its books."""

    question_id: str
    answer: bool
    outcome: Outcome
    words: LocalizedText | None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """On what other terms than applied for the insurer accepts, or `until` which day it wants to wait."""

    loadings: tuple[Loading, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    until: date | None = None

    @property
    def changed(self) -> bool:
        return bool(self.loadings or self.exclusions)


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided. `rule_sha256` is the hash of the guideline and of the way its rows are combined; `terms` of a
    referral are what the guideline would have asked for beside it. A person gives `code` and `words` for the customer,
    in the language of the application.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    rule_sha256: str
    terms: Terms = field(default_factory=Terms)
    code: ReasonCode | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A decision as it was stored: the `number`-th about this application. `sha256` is what it is bound by: of all it
    says and a salt kept with it, so that it tells nothing to whoever does not have the decision.
    """

    application_id: UUID
    number: int
    decision: Decision
    decided_at: datetime
    business_decided_at: datetime
    decided_by: str
    sha256: str | None

    @property
    def outcome(self) -> Outcome:
        return self.decision.outcome

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return self.decision.reasons

    @property
    def terms(self) -> Terms:
        return self.decision.terms

    @property
    def by_guideline(self) -> bool:
        return self.decided_by == BY_GUIDELINE


@dataclass(frozen=True, slots=True)
class AssessApplication:
    """An application to decide by the guideline its offer pinned. `answers`: question id -> yes."""

    application_id: UUID
    journey_id: UUID
    insurer_id: UUID
    guideline: Sequence[GuidelineRule]
    answers: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class DecideCase:
    """A person's decision about a referred application. `number` is what it will be: one more than those the person
    looked at. `outcome` is none but accept, load, exclude, postpone or decline.
    """

    application_id: UUID
    journey_id: UUID
    insurer_id: UUID
    number: int
    outcome: Outcome
    terms: Terms
    code: ReasonCode
    words: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question of the underwriter to the applicant, and its answer: the `number`-th about this application."""

    application_id: UUID
    number: int
    question: str
    asked_at: datetime
    business_asked_at: datetime
    answer: str | None
    business_answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a referred application has waited for the insurer, the time in which it waited for the applicant left
    out. All of business time; `due_at` is what was promised.
    """

    since: datetime
    paused: bool
    due_at: datetime
    overdue: bool


class AnswersIncomplete(Refused):
    """A decision needs an answer to every question and to no other."""

    code = "underwriting:answers-incomplete"

    def __init__(self, question_ids: tuple[str, ...]) -> None:
        super().__init__(f"missing or unknown: {', '.join(question_ids)}")
        self.question_ids = question_ids


class DecidedMeanwhile(Conflict):
    """Somebody else decided or asked about this application meanwhile. Please look at it again."""

    code = "underwriting:decided-meanwhile"


class InquiryOpen(Conflict):
    """A question to the applicant is open. Please wait for the answer before asking another one."""

    code = "underwriting:inquiry-open"


class NoInquiry(Conflict):
    """There is no open question, or it was answered already."""

    code = "underwriting:no-inquiry"
