"""What a household needs, and how its budget is spent: every step by hand."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.needs.rules.needing import needs_of
from marketplace.needs.rules.planning import ORDER, allot, cautions_of, levels_of, unmet_of
from marketplace.needs.values import (
    Gap,
    Goal,
    Home,
    Household,
    Level,
    Member,
    NeedKind,
    Part,
    PricedLevel,
    Role,
    StatedNeed,
    Warned,
)

EARNER = Member(Role.SELF, 34, "female", income=200_000)
PARTNER = Member(Role.PARTNER, 36, "male", income=50_000)
CHILD = Member(Role.CHILD, 4, public_insurance=True)
FAMILY = Household((EARNER, PARTNER, CHILD), "shanghai", budget=12_000, debts=600_000, savings=100_000)


def found(household: Household, kind: NeedKind) -> list[StatedNeed]:
    return [need for need in needs_of(household) if need.kind is kind]


@pytest.mark.requirement("O13-20", "EU-07", "UK-03")
def test_what_an_income_leaves_open_is_worked_out_in_parts() -> None:
    first, second = found(FAMILY, NeedKind.DEATH)
    assert first == StatedNeed(
        NeedKind.DEATH, 0, 2_560_000, 18,
        (Part("support", 2_160_000), Part("debts", 480_000), Part("savings", -80_000)),
    )  # fmt: skip
    assert second.parts == (Part("support", 540_000), Part("debts", 120_000), Part("savings", -20_000))


def test_cover_there_is_already_lessens_the_need_and_may_leave_none() -> None:
    covered = Member(Role.SELF, 34, "female", income=200_000, life_cover=2_400_000, accident_cover=1_000_000)
    household = Household((covered, PARTNER, CHILD), "shanghai", 12_000, debts=600_000, savings=100_000)
    assert [(need.member, need.amount) for need in found(household, NeedKind.DEATH)] == [(0, 160_000), (1, 640_000)]
    assert [need.member for need in found(household, NeedKind.ACCIDENT)] == [1]


def test_who_supports_nobody_needs_no_life_cover_but_for_debts() -> None:
    alone = Household((EARNER,), "shanghai", 5_000)
    assert found(alone, NeedKind.DEATH) == []
    indebted = Household((EARNER,), "shanghai", 5_000, debts=300_000)
    assert [(need.amount, need.years) for need in found(indebted, NeedKind.DEATH)] == [(300_000, 1)]


@pytest.mark.parametrize(("other", "years"), [(99_999, 10), (100_000, 0), (0, 10)])
def test_a_partner_leans_on_an_income_more_than_twice_their_own(*, other: int, years: int) -> None:
    household = Household((EARNER, Member(Role.PARTNER, 36, "male", income=other)), "shanghai", 5_000)
    needed = [need for need in found(household, NeedKind.DEATH) if need.member == 0]
    assert [need.years for need in needed] == ([years] if years else [])


def test_hospital_cover_is_for_everybody_who_has_none() -> None:
    covered = Member(Role.PARTNER, 36, "male", hospital_cover=True)
    household = Household((EARNER, covered, CHILD, Member(Role.CHILD, 1)), "shanghai", 5_000)
    assert [need.member for need in found(household, NeedKind.HOSPITAL)] == [0, 2, 3]


def test_only_the_part_of_the_home_that_is_not_insured_is_needed() -> None:
    home = Home(90, "brick", contents=250_000, covered=100_000)
    household = Household((EARNER,), "shanghai", 5_000, home=home)
    assert [(need.amount, need.member) for need in found(household, NeedKind.CONTENTS)] == [(150_000, None)]


def test_levels_go_up_to_the_first_that_is_enough() -> None:
    need = found(FAMILY, NeedKind.DEATH)[1]
    levels = levels_of(need, FAMILY)
    assert [level.amount for level in levels] == [300_000, 500_000, 800_000]
    assert levels[0].risk == {
        "age": 36, "sex": "male", "smoker": False, "sum_insured": 300_000, "term_years": 20,
        "region": "shanghai",
    }  # fmt: skip
    (hospital,) = levels_of(found(FAMILY, NeedKind.HOSPITAL)[2], FAMILY)
    assert (hospital.amount, hospital.risk) == (0, {"age": 4, "social_insurance": True, "region": "shanghai"})
    accident = found(FAMILY, NeedKind.ACCIDENT)[0]
    assert "occupation_class" not in levels_of(accident, FAMILY)[0].risk, "what was not told is assumed, and said so"


def priced(*rows: Sequence[tuple[int, int]]) -> list[tuple[PricedLevel, ...]]:
    """By need, pairs of amount and price in yuan."""
    return [tuple(PricedLevel(Level(amount, {}), "p", price * 100) for amount, price in row) for row in rows]


def amounts(needs: Sequence[StatedNeed], rows: list[tuple[PricedLevel, ...]], budget: int) -> list[int | None]:
    return [None if each is None else each.level.amount for each in allot(needs, rows, budget * 100)]


HOSPITAL = StatedNeed(NeedKind.HOSPITAL, 0)
DEATH = StatedNeed(NeedKind.DEATH, 0, 1_000_000, 20)
ACCIDENT = StatedNeed(NeedKind.ACCIDENT, 0, 1_000_000)
ROWS = priced(
    [(0, 300)],
    [(300_000, 400), (500_000, 600), (800_000, 900), (1_000_000, 1_100)],
    [(200_000, 50), (500_000, 120), (1_000_000, 240)],
)


@pytest.mark.requirement("O13-20", "SCM-04")
@pytest.mark.parametrize(
    ("budget", "chosen"),
    [
        (299, [None, None, 1_000_000]),
        (300, [0, None, None]),
        (800, [0, 300_000, 200_000]),
        (900, [0, 500_000, None]),
        (1_020, [0, 500_000, 500_000]),
        (1_320, [0, 800_000, 500_000]),
        (1_640, [0, 1_000_000, 1_000_000]),
        (9_999, [0, 1_000_000, 1_000_000]),
    ],
)
def test_the_budget_is_spent_step_by_step(*, budget: int, chosen: list[int | None]) -> None:
    assert amounts([HOSPITAL, DEATH, ACCIDENT], ROWS, budget) == chosen


def test_a_larger_sum_that_costs_less_is_taken() -> None:
    rows = priced([(300_000, 500), (500_000, 450)])
    assert amounts([StatedNeed(NeedKind.DEATH, 0, 600_000, 10)], rows, 460) == [500_000]


def test_what_is_missing_says_why() -> None:
    needs = [HOSPITAL, DEATH, StatedNeed(NeedKind.ACCIDENT, 0, 2_000_000), ACCIDENT]
    rows = [(), ROWS[1], ROWS[2], ()]
    unmet = unmet_of(needs, rows, allot(needs, rows, 86_000))
    assert [(each.need, each.amount, each.gap) for each in unmet] == [
        (0, 0, Gap.NOT_OFFERED),
        (1, 500_000, Gap.BUDGET),
        (2, 1_000_000, Gap.LARGEST),
        (3, 1_000_000, Gap.NOT_OFFERED),
    ]


@pytest.mark.requirement("SCM-04")
def test_what_costs_too_much_or_is_there_already_is_warned_of() -> None:
    covered = Member(Role.SELF, 34, "female", income=100_000, hospital_cover=True)
    within = Household((covered,), "shanghai", budget=10_000)
    assert [(each.kind, each.member) for each in cautions_of(within, 1_000_000)] == [(Warned.COVERED_ALREADY, 0)]
    above = Household((EARNER,), "shanghai", budget=20_001)
    assert [each.kind for each in cautions_of(above, 2_000_100)] == [Warned.BUDGET_HIGH, Warned.COST_HIGH]
    assert [each.kind for each in cautions_of(above, 2_000_101)][-1] is Warned.OVER_BUDGET


MEMBERS = st.builds(
    Member,
    st.sampled_from(Role),
    st.integers(0, 80),
    st.sampled_from(["female", "male"]),
    st.booleans(),
    st.integers(0, 10**7),
    st.none() | st.integers(1, 4),
    st.none() | st.booleans(),
    st.booleans(),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
)


@given(
    st.lists(MEMBERS, min_size=1, max_size=5), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**5),
    st.data(),
)  # fmt: skip
def test_no_household_is_told_nonsense(
    members: list[Member], debts: int, savings: int, budget: int, data: st.DataObject
) -> None:
    """Whatever is told: amounts are whole ten thousands above nought, and never more is spent than there is."""
    household = Household(tuple(members), "shanghai", budget, debts, savings)
    needs = needs_of(household)
    assert all(need.amount % 10_000 == 0 and (need.amount > 0 or need.kind is NeedKind.HOSPITAL) for need in needs)
    rows = [
        tuple(
            PricedLevel(level, "p", data.draw(st.integers(0, 10**6)))
            for level in (() if need.member is None else _levels(need, household))
        )
        for need in needs
    ]
    chosen = allot(needs, rows, budget * 100)
    assert sum(each.first_year_minor for each in chosen if each) <= budget * 100
    unmet = {each.need: each for each in unmet_of(needs, rows, chosen)}
    for place, (need, level) in enumerate(zip(needs, chosen, strict=True)):
        got = level.level.amount if level else 0
        assert (place in unmet) is (level is None or got < need.amount)
        assert place not in unmet or unmet[place].amount == need.amount - got


def _levels(need: StatedNeed, household: Household) -> tuple[Level, ...]:
    """Those of the line where the member is of an age that it asks for."""
    member = household.members[need.member or 0]
    return levels_of(need, household) if 18 <= member.age <= 65 else (Level(need.amount, {}),)


def test_every_kind_of_need_is_in_the_order_up_to_the_whole() -> None:
    assert {kind for kind, goal in ORDER if goal is Goal.WHOLE} == set(NeedKind)
