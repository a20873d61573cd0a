"""What a product version says, and what follows from it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from marketplace.catalog.values import (
    LINES,
    REGULAR,
    Allowed,
    DocumentKind,
    EarlyEnd,
    Frequency,
    KeyFacts,
    Line,
    Payment,
    PaymentMethod,
    ProductContent,
    ProductVersion,
    Profile,
    SumLimit,
    Term,
    TermUnit,
    read_content,
    unmet_demands,
)
from marketplace.kernel.canonical import canonical_bytes
from marketplace.kernel.text import LocalizedText as Words
from tests.factories.catalog import RISK, a_draft_product

CONTENT = a_draft_product().content


def test_content_survives_its_journey_through_json_with_its_hash() -> None:
    again = ProductContent.from_json(CONTENT.to_json())
    assert again == CONTENT
    assert again.sha256 == CONTENT.sha256
    assert replace(CONTENT, filing_no="x").sha256 != CONTENT.sha256
    assert read_content(canonical_bytes(CONTENT.to_json())) == CONTENT


@pytest.mark.asvs("15.3.5")
def test_reading_is_strict() -> None:
    data = CONTENT.to_json()
    data["key_facts"]["grace_days"] = "60"
    with pytest.raises(ValidationError, match="valid integer"):
        read_content(canonical_bytes(data))


@pytest.mark.requirement("O13-16")
def test_the_comparison_has_the_rows_of_the_line_in_its_order() -> None:
    rows = {value.row.key: [item.en for item in value.items] for value in CONTENT.comparison()}
    assert list(rows) == [row.key for row in CONTENT.definition.rows]
    assert rows == {
        "pays_out_on": ["Death, any cause"],
        "waiting_period": ["90 days"],
        "not_covered": [
            "Suicide in the first 2 years", "Intentional crime", "War and nuclear events",
            "Illness in the first 90 days",
        ],
        "cooling_off": ["15 days, full refund"],
        "stop_paying": ["60 days of grace"],
        "health_questions": ["4"],
        "cash_value": ["Cash value, less than paid"],
        "claim_decided": ["10 days"],
        "ways_to_pay": ["every year", "card", "Alipay", "WeChat Pay"],
    }  # fmt: skip
    assert [value.items[0].in_("zh_Hans_CN") for value in CONTENT.comparison()][1] == "90天"


def test_what_is_not_stated_is_said_to_be_so() -> None:
    silent = replace(CONTENT, key_facts=KeyFacts(waiting_days=0, grace_days=1), exclusions=(), facts={})
    rows = {value.row.key: value.items[0].en for value in silent.comparison()}
    assert rows["waiting_period"] == "none"
    assert rows["stop_paying"] == "1 day of grace"
    assert {rows["cooling_off"], rows["not_covered"], rows["pays_out_on"]} == {"not stated"}


@pytest.mark.parametrize(
    ("allowed", "value", "included"),
    [
        (Allowed(min=18, max=60), 18, True),
        (Allowed(min=18, max=60), 60, True),
        (Allowed(min=18, max=60), 17, False),
        (Allowed(min=18, max=60), 61, False),
        (Allowed(min=18), 99, True),
        (Allowed(max=60), 0, True),
        (Allowed(values=(10, 20)), 20, True),
        (Allowed(values=(10, 20)), 15, False),
        (Allowed(values=(1,)), True, False),
        (Allowed(values=(False,)), False, True),
        (Allowed(values=(False,)), True, False),
        (Allowed(min="2017-04-01"), "2017-03-31", False),
        (Allowed(min="2017-04-01", max="2017-06-30"), "2017-06-30", True),
        (Allowed(max="2017-06-30"), "2017-07-01", False),
        (Allowed(), True, True),
    ],
)
def test_who_is_insured(allowed: Allowed, value: object, included: bool) -> None:  # noqa: FBT001  a row of a truth table
    assert allowed.includes(value) is included  # type: ignore[arg-type]


def test_a_limit_over_several_factors() -> None:
    limit = SumLimit(("age", "term_years"), 54, Words("too long"))
    assert limit.includes(RISK)
    assert not limit.includes({**RISK, "age": 35})


@pytest.mark.parametrize(
    ("term", "start", "end"),
    [
        (Term(TermUnit.YEAR, factor="term_years"), date(2027, 3, 1), date(2047, 3, 1)),
        (Term(TermUnit.YEAR, length=1), date(2028, 2, 29), date(2029, 2, 28)),
        (Term(TermUnit.DAY, length=10), date(2026, 12, 27), date(2027, 1, 6)),
    ],
)
def test_cover_ends_at_the_beginning_of_this_day(term: Term, start: date, end: date) -> None:
    assert term.end_of(start, RISK) == end


def test_how_many_times_the_premium_is_paid() -> None:
    assert CONTENT.payment.times_of(RISK) == 20
    assert Payment(Frequency.MONTHLY, times=12).times_of(RISK) == 12
    assert Payment(Frequency.SINGLE).times_of(RISK) == 1


CHOSEN = Payment(frequency_factor="payment_frequency", times_factor="term_years")


@pytest.mark.parametrize(
    ("chosen", "times"), [("yearly", 20), ("half_yearly", 40), ("quarterly", 80), ("monthly", 240)]
)
def test_a_chosen_frequency_says_how_often_a_year_is_paid(chosen: str, times: int) -> None:
    risk = {**RISK, "payment_frequency": chosen}
    assert CHOSEN.frequency_of(risk) is Frequency(chosen)
    assert CHOSEN.times_of(risk) == times
    assert Payment(frequency_factor="payment_frequency", times=3).times_of(risk) == 3 * times // 20
    assert Payment(Frequency.YEARLY, times=3).times_of(risk) == 3


def test_a_product_says_how_often_it_can_be_paid_and_for_whom_it_is_not() -> None:
    some = {"payment_frequency": Allowed(values=("yearly", "monthly"))}
    assert replace(CONTENT, payment=CHOSEN).frequencies == REGULAR
    assert replace(CONTENT, payment=CHOSEN, eligibility=some).frequencies == (Frequency.YEARLY, Frequency.MONTHLY)
    assert replace(CONTENT, payment=CHOSEN, eligibility=some).accepted == some
    assert replace(CONTENT, eligibility={}).frequencies == (Frequency.YEARLY,)
    assert replace(CONTENT, eligibility={}).accepted == {"payment_frequency": Allowed(values=("yearly",))}
    once = replace(CONTENT, payment=Payment(Frequency.SINGLE), eligibility={})
    assert (once.frequencies, once.paid_regularly, once.accepted) == ((Frequency.SINGLE,), False, {})


@pytest.mark.requirement("O13-08")
def test_who_lets_customers_pay_in_parts_says_how_long_a_premium_may_be_late() -> None:
    silent = replace(CONTENT, key_facts=replace(CONTENT.key_facts, grace_days=None))
    assert [each.field for each in unmet_demands(replace(silent, payment=CHOSEN))] == ["key_facts.grace_days"]
    assert unmet_demands(replace(silent, payment=Payment(Frequency.SINGLE))) == ()


@pytest.mark.requirement("O13-12")
def test_how_and_by_what_is_paid_is_a_row_of_the_comparison() -> None:
    paying = Payment(Frequency.MONTHLY, times=12, methods=(PaymentMethod.CARD, PaymentMethod.WECHAT_PAY))
    (said,) = (each for each in replace(CONTENT, payment=paying).comparison() if each.row.key == "ways_to_pay")
    assert [item.en for item in said.items] == ["every month", "card", "WeChat Pay"]
    assert [item.zh for item in said.items] == ["月交", "银行卡", "微信支付"]


def test_what_was_published_before_there_were_methods_is_paid_by_card() -> None:
    data = CONTENT.to_json()
    data["payment"] = {"frequency": "yearly", "times": None, "times_factor": "term_years"}
    read = ProductContent.from_json(data).payment
    assert read == Payment(Frequency.YEARLY, times_factor="term_years", methods=(PaymentMethod.CARD,))


def test_a_wallet_takes_the_currencies_that_its_operator_names() -> None:
    assert [method for method in PaymentMethod if method.takes("CNY")] == list(PaymentMethod)
    assert [method for method in PaymentMethod if method.takes("CHF")] == ["card", "wechat_pay"]
    assert [method for method in PaymentMethod if method.takes("PLN")] == ["card"]


def test_documents_are_found_by_kind_and_language() -> None:
    found = CONTENT.document(DocumentKind.CLAUSES, "zh_Hans_CN")
    assert found is not None
    assert found.file == "clauses.zh.md"
    other = CONTENT.document(DocumentKind.CLAUSES, "fr")
    assert other is not None
    assert other.file == "clauses.en.md"
    assert CONTENT.document(DocumentKind.IPID, "en") is None


def test_the_guideline_is_that_of_the_questions() -> None:
    assert [(rule.question_id, rule.on_yes.value, rule.on_no.value) for rule in CONTENT.guideline] == [
        ("heart", "decline", "accept"),
        ("cancer", "decline", "accept"),
        ("blood_pressure", "refer", "accept"),
        ("hospital", "refer", "accept"),
    ]


def demands(content: ProductContent) -> list[tuple[str, str, str]]:
    return [(each.field, each.requirement, each.reason) for each in unmet_demands(content)]


def test_the_reference_product_meets_its_profile() -> None:
    assert demands(CONTENT) == []


def test_rates_only_demands_the_facts_of_the_comparison_only() -> None:
    bare = ProductContent(
        code="bare",
        line=Line.TERM_LIFE,
        profile=Profile.RATES_ONLY,
        currency="CNY",
        marketing_name=Words("Bare"),
        summary=Words("Bare"),
        payment=Payment(Frequency.YEARLY),
        term=Term(TermUnit.YEAR, length=1),
        facts=CONTENT.facts,
    )
    assert demands(bare) == []
    assert not bare.profile.can_be_bought
    assert [field for field, _, _ in demands(replace(bare, facts={}))] == [
        "facts.pays_out_on", "facts.cash_value", "facts.claim_decided",
    ]  # fmt: skip
    named = {field for field, _, _ in demands(replace(bare, profile=Profile.CN_PERSONAL))}
    assert {"clause_name", "filing_no", "clause_code", "covers", "exclusions", "documents.clauses"} <= named


@pytest.mark.requirement("O13-31")
def test_the_phone_is_one_of_the_ways() -> None:
    online = {service: modes[:1] for service, modes in CONTENT.services.items()}
    assert demands(replace(CONTENT, services=online)) == [("services", "O13-31", "no_phone")]


@pytest.mark.requirement("N108-06")
def test_insurance_of_persons_says_in_its_name_that_it_is_sold_online_and_is_of_a_kind_that_may_be() -> None:
    named = replace(CONTENT, clause_name=Words("Harbour Internet Term Life", "港湾人寿定期寿险"))
    assert demands(named) == [("clause_name", "N108-06", "must_say_internet")]
    assert demands(replace(named, clause_name=Words("Harbour Term Life"))) == demands(named), "in Chinese, that is"
    trip = replace(CONTENT, line=Line.TRAVEL, facts={row.key: Words(row.key) for row in LINES[Line.TRAVEL].rows})
    assert ("line", "N108-06", "not_sold_online") in demands(trip)
    assert [each for each in demands(replace(trip, profile=Profile.CN_NONLIFE)) if each[1] == "N108-06"] == []


@pytest.mark.requirement("N108-09")
def test_what_comes_back_early_is_said_once_and_of_a_year_it_is_of_the_days_left() -> None:
    def said(years: int, profile: Profile = Profile.CN_PERSONAL, **early_end: Any) -> list[tuple[str, str]]:
        term = Term(TermUnit.YEAR, length=years)
        content = replace(CONTENT, profile=profile, term=term, early_end=EarlyEnd(**early_end))
        return [(field, reason) for field, requirement, reason in demands(content) if requirement == "N108-09"]

    missing = [("early_end.of_unused", "missing")]
    assert said(20) == said(1) == missing
    assert said(20, of_paid=("0", "10")) == []
    assert said(20, of_unused="80") == said(1, of_unused="80") == []
    assert said(20, of_unused="80", of_paid=("0",)) == [("early_end.of_paid", "one_of_two")]
    assert said(1, of_paid=("0", "10")) == said(1, of_unused="0") == said(1, of_unused="0.00") == missing
    assert said(1, Profile.CN_NONLIFE, of_unused="0", whole_before_start=True) == [], (
        "of things the notice says nothing"
    )
    assert said(1, Profile.EU_NONLIFE) == missing, "said by halves it is nowhere said"
    of_years = [("early_end.nothing_in_last_year", "of_years_only")]
    assert said(20, of_unused="80", nothing_in_last_year=True) == of_years
    assert said(1, Profile.CN_NONLIFE, of_paid=("10",), nothing_in_last_year=True) == of_years
    assert said(20, of_paid=("0", "10"), nothing_in_last_year=True) == []


def test_what_comes_back_early_is_put_in_words() -> None:
    assert EarlyEnd(of_unused="75").words.en == "75% of the premium for the days that are left."
    found = EarlyEnd(of_paid=("0", "10", "18.5"), nothing_in_last_year=True).words
    assert found.en == (
        "Of all premiums paid: in the first year of cover 0%, after 1 year 10%, after 2 years and later 18.5%. "
        "Nothing in the last year of cover."
    )
    assert found.zh == "退还已交保险费的：首个保单年度0%，满1年10%，满2年及以后18.5%。最后一个保单年度不退还。"
    travel = EarlyEnd(of_unused="0", whole_before_start=True).words
    assert travel.en == "Nothing once cover has begun. Everything before cover begins."


@pytest.mark.requirement("PER-08")
@pytest.mark.parametrize(
    ("years", "guaranteed", "reasons"), [(1, False, []), (1, True, ["too_short"]), (6, False, ["too_short"])]
)
def test_cooling_off_is_long_where_the_cover_is(*, years: int, guaranteed: bool, reasons: list[str]) -> None:
    facts = replace(
        CONTENT.key_facts, cooling_off_days=14, renewal=Words("Not guaranteed"), renewal_guaranteed=guaranteed
    )
    term = Term(TermUnit.YEAR, length=years)
    for line in (Line.HOSPITAL, Line.TERM_LIFE):
        found = demands(replace(CONTENT, line=line, term=term, key_facts=facts))
        assert [reason for field, _, reason in found if field == "key_facts.cooling_off_days"] == reasons


@pytest.mark.requirement("PER-04")
@pytest.mark.parametrize(
    ("said", "guaranteed", "reasons"),
    [
        ("May be renewed each year.", False, ["must_say_not_guaranteed"]),
        ("May be renewed each year; renewal is not guaranteed.", False, []),
        ("Automatic renewal each year, which is not guaranteed.", False, ["banned_words"]),
        ("Guaranteed for six years.", True, []),
    ],
)
def test_a_hospital_product_promises_no_renewal(said: str, guaranteed: bool, reasons: list[str]) -> None:  # noqa: FBT001  a row of a truth table
    facts = replace(CONTENT.key_facts, renewal=Words(said), renewal_guaranteed=guaranteed)
    hospital = replace(CONTENT, line=Line.HOSPITAL, key_facts=facts)
    found = [each for each in demands(hospital) if each[0] == "key_facts.renewal"]
    assert found == [("key_facts.renewal", "PER-04", reason) for reason in reasons]


def test_a_version_is_on_sale_from_its_first_day_until_before_its_end() -> None:
    version = a_version(date(2026, 1, 1), date(2027, 1, 1))
    assert version.on_sale_on(date(2026, 1, 1))
    assert version.on_sale_on(date(2026, 12, 31))
    assert not version.on_sale_on(date(2025, 12, 31))
    assert not version.on_sale_on(date(2027, 1, 1))
    assert not replace(version, withdrawn_at=version.published_at).on_sale_on(date(2026, 6, 1))
    assert a_version(date(2026, 1, 1), None).on_sale_on(date(2099, 1, 1))
    assert version.line is Line.TERM_LIFE


def a_version(start: date, end: date | None) -> ProductVersion:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return ProductVersion(UUID(int=1), UUID(int=2), UUID(int=3), 1, CONTENT, CONTENT.sha256, start, end, at, None)
