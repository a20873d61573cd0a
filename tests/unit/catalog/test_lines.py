"""The vocabulary of the comparison: factors that identify nobody, rows that are the same for all."""

from datetime import date
from typing import Any

import pytest

from marketplace.catalog.values import LINES, FactorKind, Line, RowSource
from marketplace.kernel.errors import Invalid
from marketplace.kernel.text import LocalizedText
from tests.factories.catalog import RISK

TERM_LIFE = LINES[Line.TERM_LIFE]
# The allow-list of T26-12: what a quote may ask.
RATING_FACTORS = {
    "age", "sex", "smoker", "sum_insured", "term_years", "occupation_class", "region", "zone", "days", "sports",
    "building_area", "building_type", "contents_sum", "let_out", "social_insurance", "deductible", "start_on",
    "rating_area", "payment_frequency",
}  # fmt: skip


def test_every_line_is_defined() -> None:
    assert set(LINES) == set(Line)


@pytest.mark.requirement("T26-12")
def test_only_rating_factors_are_asked() -> None:
    assert {factor.name for definition in LINES.values() for factor in definition.factors} == RATING_FACTORS


@pytest.mark.requirement("O13-16")
@pytest.mark.parametrize("definition", LINES.values(), ids=lambda definition: definition.line.value)
def test_six_rows_at_least_are_compared_and_all_words_are_there_in_chinese(definition: Any) -> None:
    assert len(definition.rows) >= 6
    assert len({row.key for row in definition.rows}) == len(definition.rows)
    words = [definition.name, definition.summary, *(row.label for row in definition.rows)]
    words += [factor.label for factor in definition.factors]
    words += [choice.label for factor in definition.factors for choice in factor.choices]
    assert all(each.zh for each in words)


@pytest.mark.parametrize("definition", LINES.values(), ids=lambda definition: definition.line.value)
def test_a_default_is_a_possible_value(definition: Any) -> None:
    for factor in definition.factors:
        assert factor.default is None or factor.fault(factor.default) is None
        assert factor.kind is not FactorKind.CHOICE or factor.choices


def test_a_risk_is_completed_by_its_assumptions() -> None:
    given = {name: RISK[name] for name in ("age", "sex", "smoker", "sum_insured", "term_years")}
    assert TERM_LIFE.risk(given) == RISK
    assert [factor.name for factor in TERM_LIFE.assumed(given)] == ["occupation_class", "region", "payment_frequency"]
    assert TERM_LIFE.assumed(RISK) == ()


@pytest.mark.asvs("1.4.2", "2.2.1", "15.3.5")
@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"age": 17}, {"age": "must lie between 18 and 65"}),
        ({"age": 66}, {"age": "must lie between 18 and 65"}),
        ({"age": "34"}, {"age": "must be of kind integer"}),
        ({"age": True}, {"age": "must be of kind integer"}),
        ({"age": None}, {"age": "must be of kind integer"}),
        ({"smoker": "no"}, {"smoker": "must be of kind boolean"}),
        ({"sex": "other"}, {"sex": "must be one of the values offered"}),
        ({"sum_insured": 999_999}, {"sum_insured": "must be one of the values offered"}),
        ({"name": "Zhang"}, {"name": "is not a factor of this line"}),
        ({"age": 0, "term_years": 11}, {"age": "must lie between 18 and 65",
                                       "term_years": "must be one of the values offered"}),
    ],
)  # fmt: skip
def test_each_factor_that_does_not_fit_is_named(change: dict[str, Any], faults: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refusal:
        TERM_LIFE.risk({**RISK, **change})
    assert refusal.value.fields == faults


def test_the_edges_fit() -> None:
    for age in (18, 65):
        assert TERM_LIFE.risk({**RISK, "age": age})["age"] == age


def test_a_day_is_a_real_day() -> None:
    start_on = LINES[Line.US_HEALTH].factor("start_on")
    assert start_on.fault("2017-04-01") is None
    assert start_on.fault("2017-04-02") == "must be one of the values offered"
    assert start_on.fault("2017-02-30") == "must be of kind date"
    assert start_on.parse_bound("2017-06-30") == "2017-06-30"
    with pytest.raises(ValueError, match="kind date"):
        start_on.parse_bound("2017-06-31")


def test_the_day_of_sale_is_the_first_day_of_cover_where_it_is_asked() -> None:
    today = date(2026, 11, 22)
    assert TERM_LIFE.day_of_sale(RISK, today) == today
    assert LINES[Line.US_HEALTH].day_of_sale({"start_on": "2017-04-01"}, today) == date(2017, 4, 1)
    assert TERM_LIFE.first_day(RISK, date(2027, 1, 1)) == date(2027, 1, 1)
    assert LINES[Line.US_HEALTH].first_day({"start_on": "2017-04-01"}, today) == date(2017, 4, 1)


def test_values_are_read_as_they_are_written_in_tables() -> None:
    assert TERM_LIFE.factor("age").parse(" 34 ") == 34
    assert TERM_LIFE.factor("smoker").parse("yes") is True
    for text in ("34.0", "３４", "1e1", "", "0x22", "-"):
        with pytest.raises(ValueError, match="whole number"):
            TERM_LIFE.factor("age").parse(text)
    with pytest.raises(ValueError, match="yes or no"):
        TERM_LIFE.factor("smoker").parse("true")
    with pytest.raises(ValueError, match="no order"):
        TERM_LIFE.factor("sex").parse_bound("male")


def test_words_of_a_value() -> None:
    assert TERM_LIFE.factor("sex").words("female") == LocalizedText("female", "女")
    assert TERM_LIFE.factor("smoker").words(value=False).en == "no"
    assert TERM_LIFE.factor("age").words(34).en == "34"
    with pytest.raises(KeyError):
        TERM_LIFE.factor("height")


def test_rows_come_from_the_contract_or_from_the_insurer() -> None:
    sources = {row.key: row.source for row in TERM_LIFE.rows}
    assert sources["waiting_period"] is RowSource.WAITING
    assert sources["pays_out_on"] is RowSource.FACT
