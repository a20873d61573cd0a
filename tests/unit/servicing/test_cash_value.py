"""What a contract is worth that is ended early: the days left, or so much of what was paid after whole years."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.values import EarlyEnd
from marketplace.kernel.money import Money
from marketplace.policy.values import Instalment
from marketplace.servicing.rules import cash_value, spans
from marketplace.servicing.values import CashValue, PaidPremium

START, LAST = date(2027, 3, 1), date(2028, 2, 29)
"""A year with 366 days: it ends in a leap year."""
PREMIUM = Money(36_600, "CNY")
YEAR = (PaidPremium(START, LAST + timedelta(days=1), PREMIUM),)
TEN_LAST = date(2037, 2, 28)
LIFE = EarlyEnd(of_paid=("0", "10", "18.5"), nothing_in_last_year=True)


def value(terms: EarlyEnd, on: date) -> CashValue:
    return cash_value(terms, START, LAST, YEAR, on)


@pytest.mark.requirement("N108-09")
@pytest.mark.parametrize(
    ("percent", "on", "minor"),
    [
        ("100", START, 36_500),  # the first day counts as used, however little of it is over
        ("100", START + timedelta(days=1), 36_400),
        ("100", START + timedelta(days=182), 18_300),
        ("75", START + timedelta(days=182), 13_725),
        ("100", LAST - timedelta(days=1), 100),
        ("100", LAST, 0),
        ("0", START, 0),
        ("33.33", LAST - timedelta(days=1), 34),  # 33.33 is rounded up
        ("100", date(2027, 2, 1), 36_600),
        ("65", date(2027, 2, 1), 23_790),
    ],
)
def test_of_the_days_that_are_left(percent: str, on: date, minor: int) -> None:
    found = value(EarlyEnd(of_unused=percent), on)
    assert found.total == Money(minor, "CNY")
    (line,) = found.lines
    assert (line.of, line.days, line.value) == (PREMIUM, 366, found.total)
    assert found.years is None


def test_before_cover_begins_everything_may_go_back() -> None:
    terms = EarlyEnd(of_unused="0", whole_before_start=True)
    before = value(terms, START - timedelta(days=1))
    assert (before.total, before.before_start) == (PREMIUM, True)
    assert value(terms, START).total.minor == 0


@pytest.mark.requirement("N108-09")
def test_of_monthly_premiums_each_pays_for_its_own_days() -> None:
    later = tuple(Instalment(n + 1, date(2027, 3 + n, 31 if n != 1 else 30), Money(3_100, "CNY")) for n in (1, 2))
    paid = spans(date(2027, 3, 31), date(2027, 6, 29), Money(3_000, "CNY"), later)
    assert [(each.start_on, each.end_on) for each in paid] == [
        (date(2027, 3, 31), date(2027, 4, 30)), (date(2027, 4, 30), date(2027, 5, 31)),
        (date(2027, 5, 31), date(2027, 6, 30)),
    ]  # fmt: skip
    found = cash_value(EarlyEnd(of_unused="100"), paid[0].start_on, date(2027, 6, 29), paid[:2], date(2027, 5, 9))
    (line,) = found.lines
    assert (line.of, line.unused, line.days) == (Money(3_100, "CNY"), 21, 31)
    assert found.total == Money(2_100, "CNY"), "nothing of the month before, nor of the one that nobody paid"
    ahead = cash_value(EarlyEnd(of_unused="100"), paid[0].start_on, date(2027, 6, 29), paid, date(2027, 5, 9))
    assert ahead.total == Money(2_100 + 3_100, "CNY"), "what was paid ahead goes back whole"
    overdue = cash_value(EarlyEnd(of_unused="100"), paid[0].start_on, date(2027, 6, 29), paid[:1], date(2027, 5, 9))
    assert overdue.total.minor == 0
    assert [each.unused for each in overdue.lines] == [0]


@pytest.mark.parametrize(
    ("on", "years", "minor"),
    [
        (START, 0, 0),
        (date(2028, 2, 28), 0, 0),
        (date(2028, 2, 29), 1, 20_000),  # its last day is over with this day
        (date(2028, 3, 1), 1, 20_000),
        (date(2029, 2, 28), 2, 37_000),
        (date(2036, 2, 28), 8, 37_000),  # the last percentage stands for all years after it
        (date(2036, 2, 29), 9, 37_000),
        (date(2037, 2, 28), 10, 0),
    ],
)
def test_of_what_was_paid_after_whole_years(on: date, years: int, minor: int) -> None:
    paid = (PaidPremium(START, date(2028, 3, 1), Money(100_000, "CNY")), *YEAR[:0])
    paid += (PaidPremium(date(2028, 3, 1), TEN_LAST + timedelta(days=1), Money(100_000, "CNY")),)
    found = cash_value(LIFE, START, TEN_LAST, paid, on)
    assert (found.years, found.total.minor) == (years, minor)
    assert found.last_year == (on >= date(2036, 3, 1))


@given(
    minor=st.integers(0, 10**9),
    hundredths=st.integers(0, 10_000),
    days=st.integers(1, 800),
    day=st.integers(-30, 799),
)
def test_it_is_exact_never_less_and_never_more_than_a_cent_above(
    minor: int, hundredths: int, days: int, day: int
) -> None:
    percent = "100" if hundredths == 10_000 else f"{hundredths // 100}.{hundredths % 100:02d}"
    last = START + timedelta(days=days - 1)
    on = min(START + timedelta(days=day), last)
    paid = (PaidPremium(START, last + timedelta(days=1), Money(minor, "CNY")),)
    found = cash_value(EarlyEnd(of_unused=percent), START, last, paid, on)
    left = min(days, (last - on).days)
    exact = Fraction(minor * hundredths * left, 10_000 * days)
    assert exact <= found.total.minor < exact + 1
    assert found.total.minor <= minor
