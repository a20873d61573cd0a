"""Words, money and days as a person of each language writes them."""

from datetime import UTC, date, datetime

import pytest

from marketplace.infra import formatting
from marketplace.infra.formatting import use_locale
from marketplace.kernel.money import Money


@pytest.mark.parametrize(
    ("locale", "money", "written"),
    [
        ("en", Money(128_400, "CNY"), "¥1,284.00"),
        ("zh_Hans_CN", Money(128_400, "CNY"), "¥1,284.00"),
        ("en", Money(32_306, "USD"), "$323.06"),
        ("zh_Hans_CN", Money(32_306, "USD"), "US$323.06"),
        ("en", Money(-4_033, "CNY"), "-¥40.33"),
        ("en", Money(500, "JPY"), "¥500"),
    ],
)
def test_money(locale: str, money: Money, written: str) -> None:
    with use_locale(locale):
        assert formatting.format_money(money) == written


def test_days_and_instants() -> None:
    day, at = date(2026, 11, 22), datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
    assert (formatting.format_day(day), formatting.format_clock_time(at)) == ("November 22, 2026", "00:30:00")
    with use_locale("zh_Hans_CN"):
        assert formatting.format_day(day) == "2026年11月22日"


def test_amounts_without_their_currency() -> None:
    assert formatting.format_amount(Money(66_800, "CNY")) == "668.00"


def test_an_unknown_locale_is_the_default() -> None:
    with use_locale("xx"):
        assert formatting.current_locale() == "en"


def test_a_label_made_at_import_speaks_the_readers_language() -> None:
    label = formatting.lazy_gettext("Sign in")
    with use_locale("zh_Hans_CN"):
        chinese = str(label)
    assert str(label) == "Sign in"
    assert chinese != "Sign in"
