"""The public words of underwriting. `Outcome` (accept, refer, decline) is the catalog's: guidelines are uploaded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from marketplace.catalog.values import GuidelineRule, Outcome
from marketplace.kernel.errors import Refused
from marketplace.kernel.text import LocalizedText


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
    """One answer that did not lead to acceptance; `words` are the insurer's."""

    question_id: str
    answer: bool
    outcome: Outcome
    words: LocalizedText | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the guideline says. `rule_sha256` is the hash of the guideline and of the way its rows are combined."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    rule_sha256: str


@dataclass(frozen=True, slots=True)
class RecordedDecision:
    """A decision as it was stored: the `number`-th about this application."""

    application_id: UUID
    number: int
    decision: Decision
    decided_at: datetime
    decided_by: str

    @property
    def outcome(self) -> Outcome:
        return self.decision.outcome

    @property
    def reasons(self) -> tuple[Reason, ...]:
        return self.decision.reasons


@dataclass(frozen=True, slots=True)
class AssessApplication:
    """An application to decide by the guideline its offer pinned. `answers`: question id -> yes."""

    application_id: UUID
    journey_id: UUID
    insurer_id: UUID
    guideline: Sequence[GuidelineRule]
    answers: Mapping[str, bool]


class AnswersIncomplete(Refused):
    """A decision needs an answer to every question and to no other."""

    code = "underwriting:answers-incomplete"

    def __init__(self, question_ids: tuple[str, ...]) -> None:
        super().__init__(f"missing or unknown: {', '.join(question_ids)}")
        self.question_ids = question_ids
