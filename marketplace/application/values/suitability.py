"""Whether an insurance suits who applies: what is asked, what speaks against it. Sources: regulation checklist SCM-04,
O13-20, EU-07, EU-16, UK-03, N108-07.
"""

from dataclasses import dataclass
from enum import StrEnum

from marketplace.kernel.text import LocalizedText

STATEMENT_FORMAT = "evenfold-needs/1"


class Circumstance(StrEnum):
    """What a customer is asked before anything else; each is yes or no."""

    COVERED_ALREADY = "covered_already"
    COSTS_TOO_MUCH = "costs_too_much"
    MEANT_FOR_ME = "meant_for_me"


class Warned(StrEnum):
    """Why an insurance may not suit."""

    NEED_NOT_MET = "need_not_met"
    SHORT_OF_PLAN = "short_of_plan"
    COVERED_ALREADY = "covered_already"
    COSTS_TOO_MUCH = "costs_too_much"
    OVER_BUDGET = "over_budget"
    NOT_MEANT_FOR = "not_meant_for"


@dataclass(frozen=True, slots=True)
class Misfit:
    """What speaks against this insurance for this customer, as they read it; `need` is the code of a need not met."""

    kind: Warned
    words: LocalizedText
    need: str | None = None
