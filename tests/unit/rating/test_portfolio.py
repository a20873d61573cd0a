"""Many risks at once cost, to the cent, what each of them costs alone."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.catalog.values.columns import Choices
from marketplace.rating.rules import compile_tariff, portfolio, premium, shape_of_tariff
from marketplace.rating.rules.portfolio import PortfolioRater
from marketplace.rating.values import RiskOutOfRange, Tariff
from tests.factories.quoting import a_tariff_in_parts
from tests.factories.tariffs import LABEL, RISK, tariffs


def columns(risks: list[dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, first in risks[0].items():
        values = [risk[name] for risk in risks]
        if isinstance(first, str):
            words = tuple(sorted(set(values)))
            told[name] = Choices(np.array([words.index(value) for value in values]), words)
        else:
            told[name] = np.array(values)
    return told


def alone(tariff: Tariff, risk: dict[str, Any]) -> int | None:
    try:
        return premium(compile_tariff(tariff), risk).total.minor
    except RiskOutOfRange:
        return None


@settings(max_examples=300, deadline=None)
@given(tariffs(), st.lists(RISK, min_size=1, max_size=20))
def test_many_at_once_cost_what_each_costs_alone(tariff: Tariff, risks: list[dict[str, Any]]) -> None:
    expected = [alone(tariff, risk) for risk in risks]
    rater = PortfolioRater(shape_of_tariff(tariff))
    if any(total is not None and total >= 2**63 for total in expected):
        with pytest.raises(OverflowError):
            rater.premiums(columns(risks))
        return
    found = rater.premiums(columns(risks))

    together = [None if refused else total for total, refused in zip(found.totals, found.refused, strict=True)]
    assert together == expected


def test_instalments_by_the_chosen_frequency_cost_the_same_at_once_and_alone() -> None:
    tariff = a_tariff_in_parts("0.03")
    risks = [{"payment_frequency": name} for name in ("monthly", "yearly", "quarterly", "half_yearly", "monthly")]
    together = PortfolioRater(shape_of_tariff(tariff)).premiums(columns(risks)).totals.tolist()
    assert together == [alone(tariff, risk) for risk in risks] == [10_300, 120_000, 30_900, 61_800, 10_300]


def a_simple_tariff(rate: str = "0.5") -> Tariff:
    step = {"id": "base", "kind": "per_unit", "rate": rate, "factors": ["sum"], "line": "risk", "label": LABEL}
    return Tariff.from_json({"currency": "CNY", "rounding": "half_up", "steps": [step]})


def test_what_might_overflow_is_rated_one_by_one_and_the_rest_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "CHUNK", 4)
    alone_rated: list[int] = []
    slowly = portfolio._one_by_one

    def counted(compiled: Any, chunk: Any, size: int) -> Any:
        alone_rated.append(size)
        return slowly(compiled, chunk, size)

    monkeypatch.setattr(portfolio, "_one_by_one", counted)
    sums = np.array([1, 2, 3, 4, 10**14, 6, 7])

    found = PortfolioRater(shape_of_tariff(a_simple_tariff())).premiums({"sum": sums})

    assert found.totals.tolist() == [50, 100, 150, 200, 5 * 10**15, 300, 350]
    assert alone_rated == [3]


@pytest.mark.parametrize(
    "given",
    [{}, {"sum": np.array([1.5])}, {"sum": np.array([True])}, {"sum": Choices(np.array([0]), ("1",))}],
    ids=["missing", "fractions", "yes_or_no", "words"],
)
def test_a_column_that_is_missing_or_of_another_kind_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="column"):
        PortfolioRater(shape_of_tariff(a_simple_tariff())).premiums(given)


def test_columns_of_different_length_are_refused() -> None:
    table = {"name": "t", "value": "rate", "exact": ["class"], "banded": [], "rows": [[1, "1"]]}
    steps = [
        {"id": "rate", "kind": "lookup", "table": "t"},
        {"id": "base", "kind": "per_unit", "rate": "rate", "factors": ["sum"], "line": "risk", "label": LABEL},
    ]
    tariff = Tariff.from_json({"currency": "CNY", "rounding": "half_up", "steps": steps, "tables": [table]})
    with pytest.raises(ValueError, match="equally long"):
        PortfolioRater(shape_of_tariff(tariff)).premiums({"class": np.array([1]), "sum": np.array([1, 2])})


def test_numpy_is_not_loaded_with_the_site() -> None:
    loaded = "import sys, marketplace.app; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded], check=False).returncode == 0
