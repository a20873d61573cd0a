"""On random tariffs and risks: the lines sum to the total, and a slow reading of the format gives the same amounts."""

from decimal import ROUND_FLOOR, Decimal, localcontext
from time import perf_counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.rating.rules import compile_tariff, premium
from marketplace.rating.values import Tariff
from tests.factories.catalog import RISK, a_draft_product

LABEL = {"en": "Line"}
rates = st.decimals("0", "9999", places=6, allow_nan=False).map(lambda value: f"{value:f}")
cents = st.decimals("0", "9999", places=2, allow_nan=False).map(lambda value: f"{value:f}")


def steps() -> st.SearchStrategy[list[dict[str, Any]]]:
    base = st.builds(
        lambda rate, unit: {"kind": "per_unit", "rate": rate, "factors": ["days"], "unit": unit, "line": "risk"},
        rates, st.integers(1, 10_000),
    )  # fmt: skip
    more = st.one_of(
        base,
        cents.map(lambda amount: {"kind": "add", "amount": amount, "line": "cover"}),
        rates.map(lambda by: {"kind": "multiply", "by": by, "line": "cost"}),
        cents.map(lambda amount: {"kind": "minimum", "amount": amount}),
        rates.map(lambda rate: {"kind": "tax", "rate": rate}),
        cents.map(lambda amount: {"kind": "fee", "amount": amount}),
        st.sampled_from(["0.05", "0.10", "1", "10"]).map(lambda to: {"kind": "round", "to": to}),
    )
    return st.tuples(base, st.lists(more, max_size=6)).map(
        lambda both: [{"id": f"s{n}", "label": LABEL, **step} for n, step in enumerate([both[0], *both[1]])]
    )


def nearest(value: Decimal, to: Decimal) -> Decimal:
    """Half up in decimal arithmetic, as a person would do it."""
    return ((value / to + Decimal("0.5")).to_integral_value(ROUND_FLOOR)) * to


def slowly(listed: list[dict[str, Any]], days: int) -> Decimal:
    """The total in decimal arithmetic with 80 digits, read straight from the description of the format."""
    with localcontext(prec=80):
        total = Decimal(0)
        for step in listed:
            match step["kind"]:
                case "per_unit":
                    total += nearest(Decimal(step["rate"]) * days / step["unit"], Decimal("0.01"))
                case "add" | "fee":
                    total += Decimal(step["amount"])
                case "multiply":
                    total += nearest(total * (Decimal(step["by"]) - 1), Decimal("0.01"))
                case "tax":
                    total += nearest(total * Decimal(step["rate"]), Decimal("0.01"))
                case "minimum":
                    total = max(total, Decimal(step["amount"]))
                case "round":
                    total = nearest(total, Decimal(step["to"]))
        return total


@settings(max_examples=150, deadline=None)
@given(steps(), st.integers(0, 400))
def test_lines_sum_and_a_second_reading_agrees(listed: list[dict[str, Any]], days: int) -> None:
    tariff = Tariff.from_json({"currency": "CNY", "rounding": "half_up", "steps": listed})
    breakdown = premium(compile_tariff(tariff), {"days": days})
    assert sum(line.amount.minor for line in breakdown.lines) == breakdown.total.minor
    assert Decimal(breakdown.total.minor).scaleb(-2) == slowly(listed, days)


def test_sixty_four_premiums_are_cheap() -> None:
    """Five milliseconds is the aim; the test allows a crowded machine four times that."""
    compiled = compile_tariff(a_draft_product().tariff)
    best = min(_seconds_for(compiled) for _ in range(5))
    assert best < 0.020


def _seconds_for(compiled: Any) -> float:
    started = perf_counter()
    for _ in range(64):
        premium(compiled, RISK)
    return perf_counter() - started
