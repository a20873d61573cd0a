"""What a household needs. The constants are the marketplace's own judgement, not a law's: the page that shows a need
shows its sum and these numbers, and the customer may tell other amounts.
"""

from marketplace.needs.values import Household, Member, NeedKind, Part, Role, StatedNeed

INDEPENDENT_AT = 22
"""Age at which a child is taken to stand on its own feet."""
SUPPORT_PERCENT = 60
"""Share of an income that the others go on needing."""
PARTNER_YEARS = 10
"""How long a partner who earns less than half as much is supported, children aside."""
DISABILITY_YEARS = 5
"""Years of income that an accident which ends working life should pay."""
ROUNDED_TO = 10_000
OLDEST = {NeedKind.DEATH: 65, NeedKind.ACCIDENT: 65, NeedKind.HOSPITAL: 70}
"""Age up to which a need of the kind is stated: beyond, no income is to be replaced, or the line has no product."""


def needs_of(household: Household) -> tuple[StatedNeed, ...]:
    """What the household needs, member by member; the home last."""
    found = [
        need
        for place in range(len(household.members))
        for need in (_hospital(household, place), _death(household, place), _accident(household, place))
    ]
    return tuple(need for need in (*found, _contents(household)) if need is not None)


def _hospital(household: Household, place: int) -> StatedNeed | None:
    member = household.members[place]
    needed = not member.hospital_cover and member.age <= OLDEST[NeedKind.HOSPITAL]
    return StatedNeed(NeedKind.HOSPITAL, place) if needed else None


def _death(household: Household, place: int) -> StatedNeed | None:
    """What an income that stops leaves open: the support of the others and a share of the debts."""
    member = household.members[place]
    if member.income <= 0 or member.age > OLDEST[NeedKind.DEATH]:
        return None
    years = years_of_support(household, member)
    parts = _parts(
        support=member.income * SUPPORT_PERCENT * years // 100,
        debts=_share(household.debts, member, household),
        savings=-_share(household.savings, member, household),
        life_cover=-member.life_cover,
    )
    return _stated(NeedKind.DEATH, place, parts, max(years, 1))


def _accident(household: Household, place: int) -> StatedNeed | None:
    member = household.members[place]
    if member.income <= 0 or member.age > OLDEST[NeedKind.ACCIDENT]:
        return None
    parts = _parts(disability=member.income * DISABILITY_YEARS, accident_cover=-member.accident_cover)
    return _stated(NeedKind.ACCIDENT, place, parts)


def _contents(household: Household) -> StatedNeed | None:
    if household.home is None:
        return None
    parts = _parts(contents=household.home.contents, covered=-household.home.covered)
    return _stated(NeedKind.CONTENTS, None, parts)


def years_of_support(household: Household, member: Member) -> int:
    """Until the youngest child stands on its own feet; longer where a partner leans on this income."""
    children = [INDEPENDENT_AT - each.age for each in household.members if each.role is Role.CHILD]
    partners = [each for each in household.members if each.role not in (Role.CHILD, member.role)]
    leaning = [PARTNER_YEARS for each in partners if each.income * 2 < member.income]
    return max([0, *children, *leaning])


def _share(amount: int, member: Member, household: Household) -> int:
    """What falls to a member, by income, of what all have in common."""
    return amount * member.income // household.income


def _parts(**amounts: int) -> tuple[Part, ...]:
    return tuple(Part(code, amount) for code, amount in amounts.items() if amount)


def _stated(kind: NeedKind, member: int | None, parts: tuple[Part, ...], years: int | None = None) -> StatedNeed | None:
    amount = -(-sum(part.amount for part in parts) // ROUNDED_TO) * ROUNDED_TO
    return StatedNeed(kind, member, amount, years, parts) if amount > 0 else None
