"""How a budget is spent on needs: in declared steps, each as far as the money reaches. The order of the steps decides,
so there is one result only, and anybody can work it out by hand.
"""

from collections.abc import Sequence

from marketplace.catalog.values import LINES, LineDefinition, Scalar
from marketplace.needs.values import (
    Caution,
    Gap,
    Goal,
    Household,
    Level,
    NeedKind,
    PricedLevel,
    StatedNeed,
    Unmet,
    Warned,
)

ORDER = (
    (NeedKind.HOSPITAL, Goal.WHOLE),
    (NeedKind.DEATH, Goal.HALF),
    (NeedKind.ACCIDENT, Goal.HALF),
    (NeedKind.DEATH, Goal.WHOLE),
    (NeedKind.ACCIDENT, Goal.WHOLE),
    (NeedKind.CONTENTS, Goal.WHOLE),
)
"""How the budget is spent: each step for every member in turn, before the next begins."""
MOST_OF_INCOME_PERCENT = 10
"""Above this share of the income the customer is warned: a common rule of thumb for protection in China, no law."""
_AMOUNTS = {NeedKind.DEATH: "sum_insured", NeedKind.ACCIDENT: "sum_insured", NeedKind.CONTENTS: "contents_sum"}


def levels_of(need: StatedNeed, household: Household) -> tuple[Level, ...]:
    """The amounts at which the line covers the need, the least first, up to the first that is enough."""
    definition = LINES[need.kind.line]
    told = _told(need, household, definition)
    factor = _AMOUNTS.get(need.kind)
    if factor is None:
        return (Level(0, told),)
    amounts = sorted(int(value) for value in definition.factor(factor).eligible(None))
    wanted = [value for value in amounts if value < need.amount]
    wanted += [value for value in amounts if value >= need.amount][:1]
    return tuple(Level(value, {**told, factor: value}) for value in wanted)


def _told(need: StatedNeed, household: Household, definition: LineDefinition) -> dict[str, Scalar]:
    """Every factor of the line that the household told, the amount aside."""
    told: dict[str, Scalar | None] = {"region": household.region}
    if need.member is not None:
        member = household.members[need.member]
        told |= {"age": member.age, "occupation_class": member.occupation_class, "smoker": member.smoker}
        told |= {"social_insurance": member.public_insurance, "sex": member.sex}
    elif household.home is not None:
        told |= {"building_area": household.home.area, "building_type": household.home.building}
    if need.years is not None:
        told["term_years"] = _term(need.years, definition)
    found = ((factor.name, told.get(factor.name)) for factor in definition.factors)
    return {name: value for name, value in found if value is not None}


def _term(years: int, definition: LineDefinition) -> int:
    """The shortest term that is long enough, else the longest there is."""
    terms = sorted(int(value) for value in definition.factor("term_years").eligible(None))
    return next((term for term in terms if term >= years), terms[-1])


def allot(
    needs: Sequence[StatedNeed], priced: Sequence[Sequence[PricedLevel]], budget_minor: int
) -> tuple[PricedLevel | None, ...]:
    """By need the level that the budget pays for. `priced` has, by need, the levels that are offered, least first."""
    chosen: list[PricedLevel | None] = [None] * len(needs)
    left = budget_minor
    for kind, goal in ORDER:
        for place, need in enumerate(needs):
            if need.kind is not kind:
                continue
            before = chosen[place]
            paid = before.first_year_minor if before else 0
            found = _most(priced[place], _goal(need, goal, priced[place]), left + paid)
            if found is not None and (before is None or found.level.amount > before.level.amount):
                chosen[place] = found
                left += paid - found.first_year_minor
    return tuple(chosen)


def _goal(need: StatedNeed, goal: Goal, priced: Sequence[PricedLevel]) -> int:
    """The least amount offered that reaches the goal; the largest, where none does."""
    wanted = need.amount if goal is Goal.WHOLE else need.amount // 2
    amounts = [each.level.amount for each in priced]
    return min((amount for amount in amounts if amount >= wanted), default=max(amounts, default=0))


def _most(priced: Sequence[PricedLevel], most: int, affordable: int) -> PricedLevel | None:
    fitting = [each for each in priced if each.level.amount <= most and each.first_year_minor <= affordable]
    return max(fitting, key=lambda each: (each.level.amount, -each.first_year_minor), default=None)


def unmet_of(
    needs: Sequence[StatedNeed], priced: Sequence[Sequence[PricedLevel]], chosen: Sequence[PricedLevel | None]
) -> tuple[Unmet, ...]:
    """What is missing of each need, and why."""
    found: list[Unmet] = []
    for place, (need, levels, level) in enumerate(zip(needs, priced, chosen, strict=True)):
        amount = level.level.amount if level else 0
        if not levels:
            found.append(Unmet(place, need.amount, Gap.NOT_OFFERED))
        elif level is None or amount < min(need.amount, levels[-1].level.amount):
            found.append(Unmet(place, need.amount - amount, Gap.BUDGET))
        elif amount < need.amount:
            found.append(Unmet(place, need.amount - amount, Gap.LARGEST))
    return tuple(found)


def cautions_of(household: Household, first_year_minor: int) -> tuple[Caution, ...]:
    """What the customer should know before buying: what costs too much, and what is covered twice (SCM-04)."""
    tenth = household.income * MOST_OF_INCOME_PERCENT  # of the income, in hundredths as amounts are
    found = []
    if household.budget * 100 > tenth:
        found.append(Caution(Warned.BUDGET_HIGH))
    if first_year_minor > tenth:
        found.append(Caution(Warned.COST_HIGH))
    if first_year_minor > household.budget * 100:
        found.append(Caution(Warned.OVER_BUDGET))
    covered = (place for place, member in enumerate(household.members) if member.hospital_cover)
    return (*found, *(Caution(Warned.COVERED_ALREADY, place) for place in covered))
