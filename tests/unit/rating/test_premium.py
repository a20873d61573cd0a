"""How steps make a premium: each line exact, their sum the total, every refusal with its factor."""

from decimal import Decimal
from typing import Any

import pytest

from marketplace.kernel.money import Money
from marketplace.rating.rules import compile_tariff, half_up, premium, tables
from marketplace.rating.values import (
    Breakdown,
    Cell,
    LineKind,
    Posting,
    RiskOutOfRange,
    Tariff,
    TariffFault,
)
from tests.factories.catalog import PREMIUM_MINOR, RISK, a_draft_product

LABEL = {"en": "Line"}


def a_tariff(*steps: dict[str, Any], tables: tuple[dict[str, Any], ...] = (), currency: str = "CNY") -> Tariff:
    return Tariff.from_json({"currency": currency, "rounding": "half_up", "steps": steps, "tables": tables})


def per_unit(rate: str) -> dict[str, Any]:
    return {"id": "base", "kind": "per_unit", "rate": rate, "factors": ["days"], "line": "risk", "label": LABEL}


def rated(tariff: Tariff, **risk: Any) -> Breakdown:
    return premium(compile_tariff(tariff), risk)


def amounts(breakdown: Breakdown) -> list[tuple[str, str, int]]:
    return [(line.step, line.kind.value, line.amount.minor) for line in breakdown.lines]


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(5, 10, 1), (4, 10, 0), (15, 10, 2), (-5, 10, 0), (-6, 10, -1), (7, 7, 1), (0, 3, 0)],
)
def test_half_up_goes_to_the_nearest_and_upwards_from_the_middle(
    numerator: int, denominator: int, rounded: int
) -> None:
    assert half_up(numerator, denominator) == rounded


@pytest.mark.requirement("SCM-09")
def test_the_reference_product_is_explained_line_by_line() -> None:
    breakdown = rated(a_draft_product().tariff, **RISK)
    assert amounts(breakdown) == [
        ("risk_female", "risk", 91_200),  # 0.9120 for 1,000 of 1,000,000
        ("waiver", "cover", 7_296),  # 8 % of it
        ("costs", "cost", 27_579),  # 28 % of both: 27,578.88
        ("policy_fee", "fee", 6_000),
    ]
    assert breakdown.total == Money(PREMIUM_MINOR, "CNY")
    first = breakdown.lines[0]
    assert first.label.en == "Risk of death, table CL2"
    assert first.cell == Cell(
        "risk", (("age", "34"), ("sex", "female"), ("smoker", "no"), ("term_years", "20")), "0.9120", (323,)
    )
    assert a_draft_product().tariff.tables[0].rows[322] == (34, "female", False, 20, "0.9120")
    assert first.table == "risk"


def test_a_man_is_rated_by_the_other_table() -> None:
    breakdown = rated(a_draft_product().tariff, **{**RISK, "sex": "male"})
    assert breakdown.lines[0].label.en == "Risk of death, table CL1"


def test_each_line_is_rounded_once_and_the_lines_sum_to_the_total() -> None:
    tariff = a_tariff(
        per_unit("0.333333"),
        {"id": "load", "kind": "multiply", "by": "1.005", "line": "cost", "label": LABEL},
        {"id": "off", "kind": "multiply", "by": "0.9", "of": ["base"], "line": "discount", "label": LABEL},
        {"id": "more", "kind": "add", "amount": "0.10", "line": "cover", "label": LABEL},
        {"id": "fee", "kind": "fee", "amount": "5.00", "label": LABEL},
        {"id": "vat", "kind": "tax", "rate": "0.06", "of": ["base", "fee"], "label": LABEL},
        {"id": "even", "kind": "round", "to": "0.50", "label": LABEL},
    )
    breakdown = rated(tariff, days=10)
    assert amounts(breakdown) == [
        ("base", "risk", 333),
        ("load", "cost", 2),  # 0.5 % of 3.33 is 0.01665
        ("off", "discount", -33),  # 10 % of 3.33 is 0.333
        ("more", "cover", 10),
        ("fee", "fee", 500),
        ("vat", "tax", 50),  # 6 % of 8.33 is 0.4998
        ("even", "rounding", -12),  # 8.62 -> 8.50
    ]
    assert breakdown.total == Money(850, "CNY")


@pytest.mark.parametrize(("mode", "total"), [("half_up", 1_000), ("up", 2_000), ("down", 1_000)])
def test_rounding_goes_where_it_is_told(mode: str, total: int) -> None:
    step = {"id": "even", "kind": "round", "to": "10", "mode": mode, "label": LABEL}
    assert rated(a_tariff(per_unit("1.25"), step), days=9).total.minor == total


def test_steps_that_change_nothing_post_no_line() -> None:
    tariff = a_tariff(
        per_unit("2"),
        {"id": "same", "kind": "multiply", "by": "1", "line": "cost", "label": LABEL},
        {"id": "least", "kind": "minimum", "amount": "20.00", "label": LABEL},
        {"id": "even", "kind": "round", "to": "1", "label": LABEL},
    )
    assert amounts(rated(tariff, days=10)) == [("base", "risk", 2_000)]


def test_a_minimum_posts_what_is_lacking() -> None:
    tariff = a_tariff(per_unit("2"), {"id": "least", "kind": "minimum", "amount": "20.01", "label": LABEL})
    assert amounts(rated(tariff, days=10))[-1] == ("least", "cost", 1)
    assert rated(tariff, days=10).total.minor == 2_001


def test_a_yen_has_no_decimals() -> None:
    assert rated(a_tariff(per_unit("1.5"), currency="JPY"), days=3).total == Money(5, "JPY")


def test_a_condition_passes_a_step_over() -> None:
    step = {"id": "ski", "kind": "add", "amount": "9", "line": "cover", "label": LABEL, "when": {"sports": [True]}}
    tariff = a_tariff(per_unit("1"), step)
    assert rated(tariff, days=1, sports=True).total.minor == 1_000
    assert rated(tariff, days=1, sports=False).total.minor == 100
    with pytest.raises(RiskOutOfRange) as refusal:
        rated(tariff, days=1)
    assert refusal.value.factor == "sports"


BANDED = {
    "name": "price",
    "value": "amount",
    "exact": ["zone"],
    "banded": ["days", "age"],
    "rows": [
        ["asia", 1, 7, 0, 17, "20.00"],
        ["asia", 1, 7, 18, 80, "30.00"],
        ["asia", 8, 30, 0, 80, "55.5"],
        ["europe", 1, 30, 0, 80, "0.0"],
    ],
}
PRICE = {"id": "price", "kind": "lookup", "table": "price", "line": "risk", "label": LABEL}


@pytest.mark.parametrize(
    ("zone", "days", "age", "minor", "matched"),
    [
        ("asia", 1, 17, 2_000, ("1..7", "0..17")),
        ("asia", 7, 18, 3_000, ("1..7", "18..80")),
        ("asia", 8, 18, 5_550, ("8..30", "0..80")),
        ("europe", 30, 80, 0, ("1..30", "0..80")),
    ],
)
def test_bands_hold_both_their_ends(zone: str, days: int, age: int, minor: int, matched: tuple[str, str]) -> None:
    breakdown = rated(a_tariff(PRICE, tables=(BANDED,)), zone=zone, days=days, age=age)
    assert breakdown.total.minor == minor
    assert breakdown.lines[0].cell is not None
    assert breakdown.lines[0].cell.key == (("zone", zone), ("days", matched[0]), ("age", matched[1]))


@pytest.mark.parametrize(
    ("risk", "factor"),
    [
        ({"zone": "world", "days": 3, "age": 30}, "zone"),
        ({"zone": "asia", "days": 31, "age": 30}, "days"),
        ({"zone": "asia", "days": 0, "age": 30}, "days"),
        ({"zone": "asia", "days": 7, "age": 81}, "age"),
        ({"zone": "asia", "days": "7", "age": 30}, "days"),
        ({"zone": "asia", "days": True, "age": 30}, "days"),
        ({"zone": "asia", "days": 7}, "age"),
        ({"days": 7, "age": 30}, "zone"),
    ],
)
def test_a_risk_without_a_cell_is_refused_and_the_factor_named(risk: dict[str, Any], factor: str) -> None:
    with pytest.raises(RiskOutOfRange) as refusal:
        rated(a_tariff(PRICE, tables=(BANDED,)), **risk)
    assert (refusal.value.factor, refusal.value.value) == (factor, risk.get(factor))
    assert refusal.value.code == "rating:risk-out-of-range"


@pytest.mark.parametrize("value", [None, True, "7", -1])
def test_what_does_not_count_cannot_be_multiplied(value: object) -> None:
    with pytest.raises(RiskOutOfRange) as refusal:
        rated(a_tariff(per_unit("1")), days=value)
    assert refusal.value.factor == "days"


RATES = {"name": "rates", "value": "rate", "exact": ["zone"], "banded": [], "rows": [["asia", "1.2"]]}
FIND = {"id": "rate", "kind": "lookup", "table": "rates"}


@pytest.mark.parametrize(
    ("steps", "tables", "where", "fault"),
    [
        ((PRICE,), (), "steps.0.table", "unknown_table"),
        (({**PRICE, "line": None},), (BANDED,), "steps.0.line", "line_missing"),
        (({**FIND, "line": "risk", "label": LABEL},), (RATES,), "steps.0.line", "rate_has_line"),
        ((FIND,), (RATES,), "steps", "no_line"),
        ((per_unit("1"),), (RATES,), "tables", "unused_table"),
        ((per_unit("rate"),), (), "steps.0.rate", "unknown_rate"),
        ((PRICE, per_unit("price")), (BANDED,), "steps.1.rate", "unknown_rate"),
        ((per_unit("1"), per_unit("1")), (), "steps.1.id", "name_twice"),
        ((per_unit("1"), {"id": "t", "kind": "tax", "rate": "0.1", "of": ["later"], "label": LABEL}), (), "steps.1.of",
         "unknown_step"),
        (({**FIND, "when": {"sports": [True]}}, per_unit("rate")), (RATES,), "steps.1.when", "rate_not_always_there"),
        (({"id": "f", "kind": "fee", "amount": "1.005", "label": LABEL},), (), "steps.0.amount", "too_many_decimals"),
        (({"id": "r", "kind": "round", "to": "0", "label": LABEL}, per_unit("1")), (), "steps.0.to", "round_to_nought"),
        ((PRICE,), (BANDED, BANDED), "tables", "name_twice"),
        ((PRICE,), ({**BANDED, "rows": []},), "price", "empty_table"),
        ((PRICE,), ({**BANDED, "rows": [["asia", 1, 7, 0, "1"]]},), "price", "row_width"),
        ((PRICE,), ({**BANDED, "rows": [*BANDED["rows"], [True, 1, 7, 0, 17, "1"]]},), "price", "mixed_kinds"),
        ((PRICE,), ({**BANDED, "rows": [*BANDED["rows"], ["asia", 1, 7, 0, 17, "1"]]},), "price", "cell_twice"),
        ((PRICE,), ({**BANDED, "rows": [*BANDED["rows"], ["asia", 7, 9, 0, 80, "1"]]},), "price", "bands_overlap"),
        ((PRICE,), ({**BANDED, "rows": [["asia", 7, 1, 0, 80, "1"]]},), "price", "bands_overlap"),
    ],
)  # fmt: skip
def test_a_tariff_that_cannot_be_used_is_refused_with_the_place(
    steps: tuple[dict[str, Any], ...], tables: tuple[dict[str, Any], ...], where: str, fault: str
) -> None:
    with pytest.raises(TariffFault) as refusal:
        compile_tariff(a_tariff(*steps, tables=tables))
    assert (refusal.value.where, refusal.value.fault) == (where, fault)


def test_a_breakdown_is_the_sum_of_its_lines_and_one_that_was_altered_is_not_read() -> None:
    line = Posting("a", LineKind.RISK, a_draft_product().content.name, "CNY"), 1, None
    assert Breakdown((line, line), "CNY").total == Money(2, "CNY")
    with pytest.raises(ValueError, match="do not sum"):
        Breakdown.from_json(Breakdown((line, line), "CNY").to_json() | {"total": 3})


def test_a_breakdown_survives_its_journey_through_json() -> None:
    breakdown = rated(a_draft_product().tariff, **RISK)
    assert Breakdown.from_json(breakdown.to_json()) == breakdown


@pytest.mark.parametrize(
    ("step", "minor", "kind"),
    [
        ({"kind": "discount", "rate": "0.05"}, -50, "discount"),
        ({"kind": "loading", "rate": "0.255"}, 255, "loading"),
        ({"kind": "instalment", "rate": "0.0335"}, 34, "instalment"),  # 33.5, half up
        ({"kind": "discount", "rate": "0.0335"}, -33, "discount"),  # -33.5, half up is towards more
        ({"kind": "maximum", "amount": "9.99"}, -1, "discount"),
        ({"kind": "tax", "rate": "0"}, 0, "tax"),
    ],
)
def test_shares_and_bounds_post_what_they_say(step: dict[str, Any], minor: int, kind: str) -> None:
    breakdown = rated(a_tariff(per_unit("1"), {"id": "more", "label": LABEL, **step}), days=10)
    assert amounts(breakdown)[-1] == ("more", kind, minor)
    assert breakdown.total.minor == 1_000 + minor


def test_a_maximum_that_is_not_reached_posts_nothing() -> None:
    tariff = a_tariff(per_unit("1"), {"id": "most", "kind": "maximum", "amount": "10.00", "label": LABEL})
    assert amounts(rated(tariff, days=10)) == [("base", "risk", 1_000)]


CURVE = {
    "name": "curve", "value": "rate", "exact": ["sex"], "banded": [], "interpolated": ["sum"], "scale": 4,
    "rows": [["f", 100, "1"], ["f", 400, "2"], ["f", 1000, "0.5"], ["m", 100, "3"], ["m", 101, "4"]],
}  # fmt: skip
ON_CURVE = (
    {"id": "rate", "kind": "lookup", "table": "curve"},
    {"id": "base", "kind": "per_unit", "rate": "rate", "factors": ["sum"], "line": "risk", "label": LABEL},
)


@pytest.mark.parametrize(
    ("total", "value", "between", "rows"),
    [
        (100, "1", "100", (1,)),
        (400, "2", "400", (2,)),
        (200, "1.333300", "100..400", (1, 2)),  # 1 + 1/3, declared to four decimals
        (300, "1.666700", "100..400", (1, 2)),
        (999, "0.502500", "400..1000", (2, 3)),  # 2 - 1.5 * 599/600
    ],
)
def test_between_two_knots_the_number_is_interpolated_to_its_scale(
    total: int, value: str, between: str, rows: tuple[int, ...]
) -> None:
    line = rated(a_tariff(*ON_CURVE, tables=(CURVE,)), sex="f", sum=total).lines[0]
    assert line.cell == Cell("curve", (("sex", "f"), ("sum", between)), value, rows)
    assert line.minor == half_up(int(Decimal(value) * 10**6) * total * 100, 10**6)


@pytest.mark.parametrize("total", [99, 1001, 0, None, True, "100"])
def test_nothing_lies_beyond_the_first_and_the_last_knot(total: object) -> None:
    with pytest.raises(RiskOutOfRange) as refusal:
        rated(a_tariff(*ON_CURVE, tables=(CURVE,)), sex="f", sum=total)
    assert refusal.value.factor == "sum"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"scale": None}, "scale_missing"),
        ({"value": "amount", "scale": 3}, "scale_too_fine"),
        ({"interpolated": [], "exact": ["sex", "sum"]}, "scale_for_nothing"),
        ({"rows": [["f", "100", "1"]]}, "knots_no_numbers"),
        ({"rows": [["f", 100, "1"], ["f", 100, "2"]]}, "cell_twice"),
        ({"rows": [["f", 100, "1"], ["m", 100, "2"], ["f", 400, "2"]]}, "knots_scattered"),
        ({"rows": [["f", 400, "2"], ["f", 100, "1"]]}, "knots_scattered"),
    ],
)
def test_a_curve_that_says_too_little_or_too_much_is_refused(change: dict[str, Any], fault: str) -> None:
    table = CURVE | change
    line = {} if table["value"] == "rate" else {"line": "risk", "label": LABEL}
    steps = ON_CURVE if table["value"] == "rate" else ({**ON_CURVE[0], **line},)
    with pytest.raises(TariffFault) as refusal:
        compile_tariff(a_tariff(*steps, tables=(table,)))
    assert refusal.value.fault == fault


def test_bands_too_many_to_be_written_out_are_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    written_out = rated(a_tariff(PRICE, tables=(BANDED,)), zone="asia", days=8, age=18)
    monkeypatch.setattr(tables, "MOST_WRITTEN_OUT", 1)
    assert rated(a_tariff(PRICE, tables=(BANDED,)), zone="asia", days=8, age=18) == written_out
    for refused in ({"days": 31, "age": 18}, {"days": 8, "age": 81}, {"days": 8}):
        with pytest.raises(RiskOutOfRange):
            rated(a_tariff(PRICE, tables=(BANDED,)), zone="asia", **refused)


def test_two_places_that_take_a_factor_differently_make_no_tariff() -> None:
    step = {"id": "ski", "kind": "add", "amount": "9", "line": "cover", "label": LABEL, "when": {"days": ["many"]}}
    with pytest.raises(TariffFault) as refusal:
        compile_tariff(a_tariff(per_unit("1"), step))
    assert (refusal.value.fault, refusal.value.detail) == ("mixed_kinds", "days")
