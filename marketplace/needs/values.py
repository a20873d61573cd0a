"""The public words of needs. Sources: regulation checklist SCM-04, O13-20, EU-07, UK-03. Amounts are whole yuan unless
a name ends in `_minor`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from marketplace.catalog.values import Line, Scalar
from marketplace.kernel.errors import Conflict, NotFound, Refused
from marketplace.kernel.money import Money

CURRENCY = "CNY"


class Role(StrEnum):
    """Who in the household: whoever tells of it, their partner, a child."""

    SELF = "self"
    PARTNER = "partner"
    CHILD = "child"


class NeedKind(StrEnum):
    """What may be needed, in the order in which it is covered."""

    HOSPITAL = "hospital"
    DEATH = "death"
    ACCIDENT = "accident"
    CONTENTS = "contents"

    @property
    def line(self) -> Line:
        return _LINES[self]


_LINES = {
    NeedKind.HOSPITAL: Line.HOSPITAL,
    NeedKind.DEATH: Line.TERM_LIFE,
    NeedKind.ACCIDENT: Line.ACCIDENT,
    NeedKind.CONTENTS: Line.HOUSEHOLD,
}


class Goal(StrEnum):
    """How far a need is covered before others have their turn."""

    HALF = "half"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Member:
    """A person of the household: age in completed years, income before tax a year, and the cover there is already.
    None is what was not told.
    """

    role: Role
    age: int
    sex: str | None = None
    smoker: bool = False
    income: int = 0
    occupation_class: int | None = None
    public_insurance: bool | None = None
    hospital_cover: bool = False
    life_cover: int = 0
    accident_cover: int = 0


@dataclass(frozen=True, slots=True)
class Home:
    """The home and what is in it. `contents` is what all of it would cost anew, `covered` what of that is insured."""

    area: int
    building: str
    contents: int
    covered: int = 0


@dataclass(frozen=True, slots=True)
class Household:
    """`debts` and `savings` are of all together; `budget` is what may be spent on insurance in a year. No name, no
    address, nothing that says who they are (T26-12).
    """

    members: tuple[Member, ...]
    region: str
    budget: int
    debts: int = 0
    savings: int = 0
    home: Home | None = None

    @property
    def income(self) -> int:
        return sum(member.income for member in self.members)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the amount needed, such as `debts`; negative where it lessens it."""

    code: str
    amount: int


@dataclass(frozen=True, slots=True)
class StatedNeed:
    """What is needed, for which member (their place in the household; None: the home), how much and how it adds up.

    `amount` is nought where no sum is asked for; `years` is how long, where the cover has a term.
    """

    kind: NeedKind
    member: int | None
    amount: int = 0
    years: int | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """One amount at which a need can be covered, and the rating factors told for it; the others have their defaults."""

    amount: int
    risk: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class PricedLevel:
    """A level with the product that costs least in the first year; `first_year_minor` in hundredths."""

    level: Level
    product_code: str
    first_year_minor: int


class Gap(StrEnum):
    """Why a need is not, or not wholly, covered."""

    BUDGET = "budget"
    NOT_OFFERED = "not_offered"
    LARGEST = "largest"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class Item:
    """A need that is covered: with which amount, by which offer of which frozen comparison. `chosen`: the customer took
    this offer in place of the one the rule had found.
    """

    need: int
    amount: int
    comparison: str
    offer_id: UUID
    first_year_minor: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Unmet:
    """What is missing of a need and why; where nobody offers it, the comparison in which each product says why not."""

    need: int
    amount: int
    gap: Gap
    comparison: str | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """The rule in numbers: years, per cent and yuan."""

    independent_at: int
    support_percent: int
    partner_years: int
    disability_years: int
    rounded_to: int
    most_of_income_percent: int
    order: tuple[tuple[NeedKind, Goal], ...]


class Warned(StrEnum):
    """What somebody should know before they buy (SCM-04)."""

    BUDGET_HIGH = "budget_high"
    COST_HIGH = "cost_high"
    OVER_BUDGET = "over_budget"
    COVERED_ALREADY = "covered_already"


@dataclass(frozen=True, slots=True)
class Caution:
    """`member` is the one it is about, where it is about one."""

    kind: Warned
    member: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scheme says, frozen. Places in `items` and `unmet` name needs by their place in `needs`. `salt` is random:
    the hash of a plan stands in the trail, and from it nobody shall try out what a household earns.
    """

    rule: str
    salt: str
    household: Household
    needs: tuple[StatedNeed, ...]
    items: tuple[Item, ...]
    unmet: tuple[Unmet, ...]
    cautions: tuple[Caution, ...]

    @property
    def first_year(self) -> Money:
        return Money(sum(item.first_year_minor for item in self.items), CURRENCY)


@dataclass(frozen=True, slots=True)
class Scheme:
    """A plan as it was kept. `sha256` is that of its canonical JSON; `follows` is the scheme it was changed from."""

    id: UUID
    reference: str
    journey_id: UUID
    plan: Plan
    sha256: str
    made_at: datetime
    expires_at: datetime
    follows: UUID | None = None


@dataclass(frozen=True, slots=True)
class MakeScheme:
    """`start_on` is the first day of cover that is wished for all parts."""

    journey_id: UUID
    household: Household
    start_on: date
    follows: UUID | None = None


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One offer of a basket and whom it insures: their role, and their place in the household; neither for the home."""

    basket_id: UUID
    number: int
    offer_id: UUID
    role: Role | None
    member: int | None
    taken_out: bool


@dataclass(frozen=True, slots=True)
class Basket:
    """A scheme that is applied for: one application for each line, paid once."""

    id: UUID
    scheme_id: UUID
    journey_id: UUID
    lines: tuple[BasketLine, ...]

    @property
    def wanted(self) -> tuple[BasketLine, ...]:
        """The lines that were not taken out."""
        return tuple(line for line in self.lines if not line.taken_out)


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """The part of a plan that an application is for: what is needed, with which amount it is covered, and of what the
    plan warned that concerns it. `scheme` is the plan's reference.
    """

    scheme: str
    rule: str
    need: StatedNeed
    amount: int
    chosen: bool
    cautions: tuple[Caution, ...]


class SchemeNotFound(NotFound):
    """There is no such scheme, or it was made on another device. Please tell us once more what you need."""

    code = "needs:scheme-not-found"


class NothingNeeded(Refused):
    """From what you told us we find nothing that insurance from here would have to cover."""

    code = "needs:nothing-needed"


class NotOfThisScheme(Refused):
    """This offer does not belong to this part of your scheme."""

    code = "needs:not-of-this-scheme"


class BasketNotFound(NotFound):
    """There is no such basket, or it is not yours."""

    code = "needs:basket-not-found"


class NothingToApplyFor(Conflict):
    """Nothing of this scheme can be applied for any more: it covers nothing, or its prices have expired."""

    code = "needs:nothing-to-apply-for"
