"""One disclosed order: stated needs met, total cost over the term, then product code, and nothing else."""

from dataclasses import fields

import pytest

from marketplace.kernel.money import Money
from marketplace.quoting.rules.ranking import RANKING_RULE, RULES, Criterion, Rankable, RankingRule, order_of


def offer(code: str, minor: int, currency: str = "CNY", needs_met: int = 0) -> Rankable:
    return Rankable(code, Money(minor, currency), needs_met)


def test_more_stated_needs_met_come_before_a_lower_total() -> None:
    assert order_of([offer("A", 100, needs_met=1), offer("B", 300, needs_met=2), offer("C", 200, needs_met=2)]) == (
        2,
        1,
        0,
    )


def test_the_lower_total_comes_first() -> None:
    assert order_of([offer("A", 300), offer("B", 100), offer("C", 200)]) == (1, 2, 0)


def test_equal_totals_stand_by_product_code() -> None:
    assert order_of([offer("B", 100), offer("A", 100), offer("C", 99)]) == (2, 1, 0)


def test_amounts_of_two_currencies_are_never_compared() -> None:
    assert order_of([offer("A", 1, "USD"), offer("B", 500), offer("C", 2, "USD")]) == (1, 0, 2)


@pytest.mark.requirement("EU-03")
def test_the_ranking_cannot_even_see_a_commission() -> None:
    assert [field.name for field in fields(Rankable)] == ["product_code", "total", "needs_met"]


@pytest.mark.requirement("EU-24")
def test_the_declared_criteria_are_the_ones_applied() -> None:
    offers = [offer("B", 100), offer("A", 200), offer("C", 300, needs_met=1)]
    assert RANKING_RULE.criteria == (Criterion.NEEDS_MET, Criterion.TOTAL_COST, Criterion.PRODUCT_CODE)
    assert order_of(offers) == (2, 0, 1)
    assert order_of(offers, RankingRule("by-code", (Criterion.PRODUCT_CODE,))) == (1, 0, 2)


@pytest.mark.requirement("EU-24")
def test_earlier_rules_are_kept_as_they_ranked() -> None:
    assert {rule.id: rule.criteria for rule in RULES.values()} == {
        "ranking-2": RANKING_RULE.criteria,
        "ranking-1": (Criterion.TOTAL_COST, Criterion.PRODUCT_CODE),
    }
    offers = [offer("B", 100), offer("A", 200), offer("C", 300, needs_met=1)]
    assert order_of(offers, RULES["ranking-1"]) == (0, 1, 2)


def test_no_offers_no_order() -> None:
    assert order_of([]) == ()
