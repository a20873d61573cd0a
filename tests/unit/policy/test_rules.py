"""Numbers, periods, and what may become a contract."""

from dataclasses import replace
from datetime import date

import pytest

from marketplace.catalog.values import Frequency, Profile, Term, TermUnit
from marketplace.kernel.errors import Invalid
from marketplace.kernel.money import Money
from marketplace.kernel.transitions import TransitionRefused
from marketplace.policy import rules
from marketplace.policy.values import CoverPeriod, CoverState, DocumentEvent, DocumentState, NotForSale, PersonRole
from tests.factories.policy import a_command

SHANGHAI = "Asia/Shanghai"


def test_a_number_names_insurer_year_and_place_in_the_year() -> None:
    assert rules.policy_number("harbour", 2026, 42) == "EF-HARBOUR-2026-000042"
    assert rules.policy_number("north-star", 2027, 1) == "EF-NORTH-STAR-2027-000001"
    assert rules.allotted_number("HL26-", 6, 4711) == "HL26-004711"


@pytest.mark.parametrize(
    "typed",
    [
        "EF-HARBOUR-2026-000042",
        "ef-harbour-2026-000042",
        " EF HARBOUR 2026 000042 ",
        "EFHARBOUR2026000042",
        "EF–HARBOUR–2026–000042",
    ],
)
def test_a_number_is_read_however_it_is_spaced(typed: str) -> None:
    assert rules.compact_number(typed) == "EFHARBOUR2026000042"


def test_numbers_are_found_in_what_people_write() -> None:
    text = "我的保单EF-HARBOUR-2026-000042，还有 ef north star 2027 000001, hl26-004711! Call me on Monday, no. 7"
    assert rules.numbers_in(text)[:2] == ("EFHARBOUR2026000042", "EFNORTHSTAR2027000001")
    assert "HL26004711" in rules.numbers_in(text)
    for other in ("hl26 004711", "HL26–004711", "policy-HL26-004711.pdf", "evidence-hl26-004711.zip"):
        assert "HL26004711" in rules.numbers_in(other), other
    assert "P123" in rules.numbers_in("number P123?")
    assert not {"MONDAY", "7", "CALL"} & set(rules.numbers_in(text))


def test_whatever_is_pasted_it_is_read_in_no_time() -> None:
    for pasted in ("9-" * 5_000, "A1 " * 5_000, "9" * 100_000, "EF-" * 3_000):
        assert all(4 <= len(each) <= 40 for each in rules.numbers_in(pasted))


@pytest.mark.parametrize("text", ["", "EF", "42", "'; DROP TABLE", "保单", "_" * 500])
def test_where_no_number_can_be_there_is_none(text: str) -> None:
    assert rules.numbers_in(text) == ()


@pytest.mark.parametrize(
    ("prefix", "first", "last", "named"),
    [
        ("EF-HL", "000", "999", {"prefix"}),
        ("EFX", "000", "999", {"prefix"}),
        ("E-F", "000", "999", {"prefix"}),
        ("hl", "000", "999", {"prefix"}),
        ("9HL", "000", "999", {"prefix"}),
        ("HL--", "000", "999", {"prefix"}),
        ("", "000", "999", {"prefix"}),
        ("H" * 25, "000", "999", {"prefix"}),
        ("HL", "00", "99", {"last"}),
        ("HL", "000", "9999", {"last"}),
        ("HL", "500", "499", {"last"}),
        ("HL", "٠٠٠", "٩٩٩", {"last"}),
        ("HL ", "0x0", "999", {"prefix", "last"}),
    ],
)
def test_what_is_no_range_is_refused(prefix: str, first: str, last: str, named: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        rules.require_range(prefix, first, last)
    assert set(refused.value.fields) == named


@pytest.mark.parametrize(("prefix", "first", "last"), [("HL26-", "000000", "999999"), ("P", "123", "123")])
def test_a_range_is_taken(prefix: str, first: str, last: str) -> None:
    rules.require_range(prefix, first, last)


def test_a_check_code_is_read_in_capitals_without_blanks() -> None:
    assert rules.read_check_code(" 7kmf-94 qc ") == "7KMF94QC"


@pytest.mark.parametrize(
    ("term", "risk", "start", "end"),
    [
        (Term(TermUnit.DAY, factor="days"), {"days": 1}, date(2026, 12, 1), date(2026, 12, 1)),
        (Term(TermUnit.DAY, factor="days"), {"days": 10}, date(2026, 12, 25), date(2027, 1, 3)),
        (Term(TermUnit.YEAR, length=1), {}, date(2027, 3, 1), date(2028, 2, 29)),
        (Term(TermUnit.YEAR, length=1), {}, date(2028, 2, 29), date(2029, 2, 27)),
        (Term(TermUnit.YEAR, factor="term_years"), {"term_years": 20}, date(2027, 3, 1), date(2047, 2, 28)),
    ],
)
def test_cover_ends_with_the_day_before_the_anniversary(term: Term, risk: dict, start: date, end: date) -> None:
    assert rules.period(term, risk, start, SHANGHAI) == CoverPeriod(start, end, SHANGHAI)


def test_first_and_last_day_are_covered() -> None:
    period = CoverPeriod(date(2027, 3, 1), date(2027, 3, 3), SHANGHAI)
    days = [date(2027, 2, 28), date(2027, 3, 1), date(2027, 3, 3), date(2027, 3, 4)]
    assert [rules.cover_on(day, period) for day in days] == [
        CoverState.NOT_STARTED,
        CoverState.IN_FORCE,
        CoverState.IN_FORCE,
        CoverState.ENDED,
    ]


def test_cover_cannot_end_before_it_starts() -> None:
    with pytest.raises(Invalid):
        CoverPeriod(date(2027, 3, 2), date(2027, 3, 1), SHANGHAI)


def test_every_market_but_mere_rates_has_its_zone() -> None:
    zones = {profile: rules.zone_of(profile) for profile in Profile if profile.can_be_bought}
    assert zones[Profile.CN_PERSONAL] == zones[Profile.CN_NONLIFE] == SHANGHAI
    assert zones[Profile.UK] == "Europe/London"
    with pytest.raises(NotForSale):
        rules.zone_of(Profile.RATES_ONLY)


def test_a_premium_whose_lines_do_not_add_up_is_refused() -> None:
    with pytest.raises(Invalid) as refusal:
        rules.require_complete(a_command(premium=Money(128_399, "CNY")))
    assert set(refusal.value.fields) == {"premium_lines"}


def test_a_contract_names_one_applicant_and_an_insured() -> None:
    complete = a_command()
    applicant, insured = complete.persons
    rules.require_complete(complete)
    for persons in ((applicant,), (insured,), (applicant, replace(insured, role=PersonRole.APPLICANT)), ()):
        with pytest.raises(Invalid) as refusal:
            rules.require_complete(replace(complete, persons=persons))
        assert set(refusal.value.fields) == {"persons"}


ARROWS = {
    (DocumentState.DUE, DocumentEvent.RENDERED): DocumentState.RENDERED,
    (DocumentState.DUE, DocumentEvent.UNPRINTABLE): DocumentState.FAILED,
    (DocumentState.RENDERED, DocumentEvent.SEALED): DocumentState.SEALED,
    (DocumentState.FAILED, DocumentEvent.ASKED_AGAIN): DocumentState.DUE,
}


@pytest.mark.parametrize(("state", "event"), list(rules.DOCUMENT_LIFE.pairs()))
def test_every_state_of_a_paper_answers_every_event(state: DocumentState, event: DocumentEvent) -> None:
    if (state, event) in ARROWS:
        assert rules.DOCUMENT_LIFE.next(state, event) == ARROWS[state, event]
    else:
        with pytest.raises(TransitionRefused):
            rules.DOCUMENT_LIFE.next(state, event)


@pytest.mark.requirement("PER-03")
@pytest.mark.parametrize(
    ("start_on", "frequency", "times", "days"),
    [
        ("2027-03-01", Frequency.MONTHLY, 4, ["2027-04-01", "2027-05-01", "2027-06-01"]),
        ("2027-01-31", Frequency.MONTHLY, 4, ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("2028-01-31", Frequency.MONTHLY, 3, ["2028-02-29", "2028-03-31"]),
        ("2027-11-30", Frequency.QUARTERLY, 3, ["2028-02-29", "2028-05-30"]),
        ("2027-08-31", Frequency.HALF_YEARLY, 4, ["2028-02-29", "2028-08-31", "2029-02-28"]),
        ("2028-02-29", Frequency.YEARLY, 5, ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("2027-12-15", Frequency.MONTHLY, 2, ["2028-01-15"]),
        ("2027-03-01", Frequency.YEARLY, 1, []),
        ("2027-03-01", Frequency.SINGLE, 1, []),
    ],
)
def test_each_premium_has_its_day_counted_from_the_first_day_of_cover(
    start_on: str, frequency: Frequency, times: int, days: list[str]
) -> None:
    planned = rules.instalments(date.fromisoformat(start_on), frequency, times, Money(9_900, "CNY"))
    assert [each.due_on.isoformat() for each in planned] == days
    assert [each.number for each in planned] == list(range(2, len(days) + 2))
    assert {each.amount for each in planned} <= {Money(9_900, "CNY")}


def test_no_two_premiums_fall_on_one_day_however_long_is_paid() -> None:
    planned = rules.instalments(date(2027, 1, 31), Frequency.MONTHLY, 1200, Money(1, "CNY"))
    assert len({each.due_on for each in planned}) == 1199
    assert planned[-1].due_on == date(2126, 12, 31)
