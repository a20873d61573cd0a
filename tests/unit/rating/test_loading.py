"""An extra premium that underwriting decided: lines that sum exactly, tax in proportion, nothing compounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rating.rules import compile_tariff, loaded, premium
from marketplace.rating.values import Add, Breakdown, ExtraPremium, Fee, LineKind, Step, Tariff, Tax
from tests.factories.quoting import words


def extra(*rates: str) -> list[ExtraPremium]:
    return [ExtraPremium(f"decided_{number}", rate, words("Extra")) for number, rate in enumerate(rates, 1)]


def a_premium(amount: str, *, tax: str = "0.06", fee: str | None = "5.00") -> Breakdown:
    steps: list[Step] = [Add("base", amount, LineKind.COVER, words("Cover"))]
    steps += [Fee("fee", fee, words("Fee"))] if fee else []
    return premium(compile_tariff(Tariff("CNY", "half_up", (*steps, Tax("tax", tax, words("Tax"))))), {})


def amounts(made: Breakdown) -> list[tuple[str, str, int]]:
    return [(line.step, line.kind.value, line.amount.minor) for line in made.lines]


def test_a_share_of_the_premium_without_tax_and_fee_is_added_and_taxed_as_the_tariff_does() -> None:
    assert amounts(loaded(a_premium("100.00"), extra("0.25"))) == [
        ("base", "cover", 10_000),
        ("fee", "fee", 500),
        ("tax", "tax", 630),
        ("decided_1", "loading", 2_500),
        ("decided_tax_1", "tax", 150),
    ]


def test_two_extra_premiums_add_up_and_are_not_multiplied() -> None:
    lines = amounts(loaded(a_premium("100.00", fee=None), extra("0.5", "0.0025")))
    assert lines[2:] == [("decided_1", "loading", 5_000), ("decided_2", "loading", 25), ("decided_tax_1", "tax", 302)]


@pytest.mark.parametrize("rates", [(), ("0.25",)])
def test_where_nothing_is_asked_or_nothing_costs_there_is_no_tax_on_it(rates: tuple[str, ...]) -> None:
    free = loaded(a_premium("0", fee=None), extra(*rates))
    assert free.total.minor == 0
    assert [line.step for line in free.lines] == ["base", "tax", *[each.step for each in extra(*rates)]]


@given(st.integers(0, 10**9), st.integers(1, 5_000_000))
def test_the_lines_sum_to_the_total_and_what_the_tariff_made_stays(minor: int, millionths: int) -> None:
    made = a_premium(f"{minor // 100}.{minor % 100:02d}")
    found = loaded(made, extra(f"{millionths // 10**6}.{millionths % 10**6:06d}"))
    assert found.posted[: len(made.posted)] == made.posted
    assert found.total.minor == sum(line.amount.minor for line in found.lines) >= made.total.minor
    assert Breakdown.from_json(found.to_json()) == found
