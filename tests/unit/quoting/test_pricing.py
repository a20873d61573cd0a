"""Which products are offered, at what price, in which order; and what is said of the others."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from marketplace.catalog.values import Commission, Frequency, Line, Payment, ProductContent
from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.quoting.rules.pricing import Candidate, can_start, compare, no_sale
from marketplace.rating.queries import Rater
from marketplace.rating.values import Breakdown, Risk, RiskOutOfRange, Tariff
from marketplace.underwriting.values import Eligible, Ineligible
from tests.factories.quoting import TERM_LIFE_RISK, TRAVEL_RISK, a_content, a_tariff, a_version, words

TODAY = date(2026, 11, 22)


def candidate(content: ProductContent, tariff: Tariff, eligibility: Eligible | Ineligible | None = None) -> Candidate:
    rater = Rater(tariff)
    return Candidate(a_version(content), rater.root, eligibility or Eligible(), rater.premium)


def test_offers_stand_by_total_and_each_carries_its_lines() -> None:
    dear = candidate(a_content("dear"), a_tariff("200.00"))
    cheap = candidate(a_content("cheap"), a_tariff("100.00"))
    offered, refused = compare([dear, cheap], TRAVEL_RISK)
    assert [each.version.content.code for each in offered] == ["cheap", "dear"]
    assert [each.total for each in offered] == [Money(10_600, "CNY"), Money(21_200, "CNY")]
    assert [line.amount.minor for line in offered[0].breakdown.lines] == [10_000, 600]
    assert refused == ()


@pytest.mark.requirement("O13-45")
def test_an_insurer_sells_in_its_regions_only() -> None:
    life = a_content(line=Line.TERM_LIFE)
    for regions in ((), ("shanghai",), ("beijing", "shanghai")):
        assert no_sale(regions, life, TERM_LIFE_RISK) is None
    refused = no_sale(("beijing",), life, TERM_LIFE_RISK)
    assert refused is not None
    assert refused.reason.en == "Where the person lives: this insurer may not sell in Shanghai"
    assert no_sale(("beijing",), a_content(), TRAVEL_RISK) is None, "a line that asks for no region"


def test_the_total_counts_every_payment_of_the_term() -> None:
    yearly = a_content("yearly", Line.TERM_LIFE, payment=Payment(Frequency.YEARLY, times_factor="term_years"))
    ten_years = a_content("ten", Line.TERM_LIFE, payment=Payment(Frequency.YEARLY, times=10))
    offered, _refused = compare(
        [candidate(yearly, a_tariff("100.00")), candidate(ten_years, a_tariff("150.00"))], TERM_LIFE_RISK
    )
    assert [(each.version.content.code, each.payments, each.total.minor) for each in offered] == [
        ("ten", 10, 159_000),
        ("yearly", 20, 212_000),
    ]


def test_an_ineligible_product_is_named_with_its_reason_and_never_priced() -> None:
    def never(_risk: Risk) -> Breakdown:
        raise AssertionError("an ineligible product is not rated")

    reason = words("Too old")
    refused_one = replace(candidate(a_content("b"), a_tariff()), eligibility=Ineligible("age", reason), premium=never)
    offered, (refused,) = compare([refused_one], TRAVEL_RISK)
    assert offered == ()
    assert (refused.product_code, refused.factor, refused.reason) == ("b", "age", reason)
    assert refused.name == words("b cover")


def test_a_risk_the_tariff_does_not_know_is_a_reason_not_an_error() -> None:
    def no_premium(_risk: Risk) -> Breakdown:
        raise RiskOutOfRange("age", 34, "base")

    known = candidate(a_content("a"), a_tariff())
    unknown = replace(candidate(a_content("b"), a_tariff()), premium=no_premium)
    offered, (refused,) = compare([known, unknown], TRAVEL_RISK)
    assert [each.version.content.code for each in offered] == ["a"]
    assert refused.factor == "age"
    assert refused.reason == LocalizedText(
        "Age of the traveller: the insurer has published no premium for 34",
        "旅行者年龄：该公司没有公布34对应的保费",
    )


@pytest.mark.requirement("EU-03")
def test_changing_every_commission_leaves_the_order_as_it_is() -> None:
    amounts = ("30.00", "10.00", "20.00", "10.00")

    def order(commissions: tuple[int, ...]) -> list[str]:
        candidates = [
            candidate(a_content(code, commission=Commission(basis_points)), a_tariff(amount))
            for code, amount, basis_points in zip("abcd", amounts, commissions, strict=True)
        ]
        return [each.version.content.code for each in compare(candidates, TRAVEL_RISK)[0]]

    orders = [order(each) for each in ((0, 0, 0, 0), (9000, 0, 100, 1), (0, 9000, 1, 100), (1, 100, 9000, 0))]
    assert orders == [["b", "d", "c", "a"]] * 4


@pytest.mark.asvs("2.3.2")
@pytest.mark.parametrize(("days", "possible"), [(-1, False), (0, True), (1, True), (365, True), (366, False)])
def test_cover_starts_from_today_to_a_year_ahead(days: int, possible: bool) -> None:  # noqa: FBT001  a table of cases
    assert can_start(TODAY + timedelta(days=days), TODAY) is possible
