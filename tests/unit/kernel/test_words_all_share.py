"""Money, days, clocks, ids, canonical bytes and transition tables."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import canonical_bytes, digest
from marketplace.kernel.dates import add_years, age_on, years_between
from marketplace.kernel.money import Money, amounts, minor_digits
from marketplace.kernel.text import LocalizedText
from marketplace.kernel.transitions import Table, TransitionRefused


def test_money_adds_in_one_currency_only() -> None:
    assert Money(128_400, "CNY") + Money(600, "CNY") == Money(129_000, "CNY")
    with pytest.raises(ValueError, match="CNY and USD"):
        Money(1, "CNY") + Money(1, "USD")
    with pytest.raises(ValueError, match="CNY and USD"):
        assert Money(1, "CNY") < Money(1, "USD")


@pytest.mark.parametrize("minor", [1.5, "1", True])
def test_money_counts_whole_minor_units(minor: object) -> None:
    with pytest.raises(TypeError):
        Money(minor, "CNY")  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["cny", "CN", "C1Y", ""])
def test_money_knows_its_currency(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(1, currency)


def test_currencies_have_their_own_digits() -> None:
    assert [minor_digits(currency) for currency in ("CNY", "JPY", "KWD")] == [2, 0, 3]


@pytest.mark.parametrize(
    ("born", "on", "age"),
    [
        (date(1992, 3, 5), date(2026, 3, 4), 33),
        (date(1992, 3, 5), date(2026, 3, 5), 34),
        (date(1992, 2, 29), date(2025, 2, 27), 32),
        (date(1992, 2, 29), date(2025, 2, 28), 33),
        (date(2026, 11, 22), date(2026, 11, 22), 0),
    ],
)
def test_age_is_that_of_the_last_birthday(born: date, on: date, age: int) -> None:
    assert age_on(on, born) == age


@pytest.mark.parametrize(
    ("units", "currency", "minor"), [("20.75", "CNY", 2_075), ("40000", "JPY", 40_000), ("1.234", "KWD", 1_234)]
)
def test_an_amount_is_counted_in_the_digits_of_its_currency(units: str, currency: str, minor: int) -> None:
    assert Money.of_major(Decimal(units), currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("units", "currency"), [("20.755", "CNY"), ("0.5", "JPY"), ("NaN", "CNY"), ("Infinity", "CNY")]
)
def test_an_amount_that_its_currency_does_not_have_is_refused(units: str, currency: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        Money.of_major(Decimal(units), currency)


def test_amounts_of_several_currencies_in_one_setting() -> None:
    assert amounts("CNY:2000, JPY:40000") == {"CNY": Money(200_000, "CNY"), "JPY": Money(40_000, "JPY")}
    assert amounts("") == {}


@pytest.mark.parametrize("text", ["CNY", "CNY:", "CNY:x", "CNY:1,CNY:2", "cny:1", "JPY:0.5", "CNY:-1", "1:CNY"])
def test_a_setting_of_amounts_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|code|twice"):
        amounts(text)


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 120))
def test_years_added_are_years_between(day: date, years: int) -> None:
    assert years_between(day, add_years(day, years)) == years


def test_two_clocks_differ_by_the_offset_only() -> None:
    noon = datetime(2026, 11, 22, 4, tzinfo=UTC)
    with clock.frozen(noon):
        clock.set_business_offset(timedelta(days=-45))
        assert (clock.now(), clock.business_now()) == (noon, noon - timedelta(days=45))
        assert clock.today("Asia/Shanghai") == date(2026, 10, 8)


def test_the_day_is_that_of_the_contracts_zone() -> None:
    with clock.frozen(datetime(2026, 11, 22, 16, 30, tzinfo=UTC)):
        assert clock.today("Asia/Shanghai") == date(2026, 11, 23)
        assert clock.today("UTC") == date(2026, 11, 22)


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"), clock.frozen(datetime(2026, 1, 1)):  # noqa: DTZ001  that is the point
        pass


def test_references_hold_no_letter_that_can_be_misread() -> None:
    references = {ids.reference("C") for _ in range(200)}
    assert len(references) == 200
    assert not set("".join(references)) & set("0O1IL5S8B2ZU")


def test_one_record_has_one_spelling() -> None:
    one = {"b": (1, None, True), "a": {"保单": UUID(int=7), "on": date(2026, 1, 2)}}
    other = {"a": {"on": "2026-01-02", "保单": str(UUID(int=7))}, "b": [1, None, True]}
    assert canonical_bytes(one) == canonical_bytes(other)
    assert canonical_bytes(one).decode().startswith('{"a":{"on":"2026-01-02","保单":')
    assert len(digest(one)) == 64


@pytest.mark.parametrize("value", [1.5, {"a": float("nan")}, object()])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical_bytes(value)


def test_words_fall_back_to_english() -> None:
    both, english = LocalizedText("Travel", "旅行"), LocalizedText("Bronze HMO")
    assert [both.in_("zh_Hans_CN"), both.in_("en"), english.in_("zh_Hans_CN")] == ["旅行", "Travel", "Bronze HMO"]
    assert LocalizedText.from_json(both.to_json()) == both


class _Door(StrEnum):
    OPEN = "open"
    SHUT = "shut"


class _Push(StrEnum):
    PUSH = "push"
    PULL = "pull"


_ROWS = {
    (_Door.OPEN, _Push.PUSH): _Door.SHUT,
    (_Door.OPEN, _Push.PULL): "it is open",
    (_Door.SHUT, _Push.PUSH): "it is shut",
    (_Door.SHUT, _Push.PULL): _Door.OPEN,
}


def test_a_table_answers_every_event_in_every_state() -> None:
    table = Table(_Door, _Push, _ROWS)
    assert table.next(_Door.OPEN, _Push.PUSH) is _Door.SHUT
    with pytest.raises(TransitionRefused, match="it is shut"):
        table.next(_Door.SHUT, _Push.PUSH)
    assert "open --> shut: push" in table.mermaid()


def test_a_table_with_a_hole_is_no_table() -> None:
    with pytest.raises(ValueError, match="not total"):
        Table(_Door, _Push, {(_Door.OPEN, _Push.PUSH): _Door.SHUT})
