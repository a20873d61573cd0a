"""Words, money and days for a person, in the locale of the present context (Babel; gettext catalogs read from .po).

The entry point chooses the locale (`use_locale`); everything below only asks. The .po files are compiled in memory at
first use, so there is no build step to forget.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_date,
    format_datetime,
    format_skeleton,
    format_time,
    format_timedelta,
    get_timezone_name,
)
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_currency, format_decimal
from babel.support import LazyProxy, NullTranslations, Translations

from marketplace.kernel import clock
from marketplace.kernel.money import Money, minor_digits

LOCALES = ("en", "zh_Hans_CN")
DEFAULT_LOCALE = "en"
ZONE = "Asia/Shanghai"
AMOUNTS_REMEMBERED = 4096
TRANSLATIONS = Path(__file__).parent.parent / "translations"

_locale: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)


def current_locale() -> str:
    return _locale.get()


def set_locale(locale: str) -> None:
    """For entry points: the locale of this context; unknown ones become the default."""
    _locale.set(locale if locale in LOCALES else DEFAULT_LOCALE)


@contextmanager
def use_locale(locale: str) -> Iterator[None]:
    """Everything inside the block speaks `locale`."""
    token = _locale.set(locale if locale in LOCALES else DEFAULT_LOCALE)
    try:
        yield
    finally:
        _locale.reset(token)


@cache
def translations(locale: str) -> NullTranslations:
    """The gettext catalog of `locale`; English is the source and needs none."""
    if locale == DEFAULT_LOCALE:
        return NullTranslations()
    compiled = BytesIO()
    with _catalog_of(locale).open("rb") as file:
        write_mo(compiled, read_po(file, locale=locale))
    compiled.seek(0)
    return Translations(compiled)


def read_all() -> None:
    """Read what is said and written in every locale, which is otherwise read when first it is needed."""
    for locale in LOCALES:
        with use_locale(locale):
            translations(locale)
            country_name("CN")
            format_instant(clock.now())


def sentences(locale: str, said_in: Callable[[str], bool]) -> list[str]:
    """What the sources that `said_in` picks (by their paths) may say in `locale`, sorted, as the catalog writes it:
    English where that is the locale, else English and its translation.
    """
    found = []
    for message in _catalog_of(locale).read_text().split("\n\n"):
        lines = message.splitlines()
        sources = [source for line in lines if line.startswith("#: ") for source in line[3:].split()]
        if any(map(said_in, sources)):
            said = "\n".join(line for line in lines if not line.startswith("#"))
            found.append(said.partition("\nmsgstr")[0] if locale == DEFAULT_LOCALE else said)
    return sorted(found)


def _catalog_of(locale: str) -> Path:
    """English is the language of the sources: what is said in it stands in every catalog."""
    written = next(each for each in LOCALES if each != DEFAULT_LOCALE) if locale == DEFAULT_LOCALE else locale
    return TRANSLATIONS / written / "LC_MESSAGES" / "messages.po"


def gettext(message: str, **values: object) -> str:
    text = translations(_locale.get()).gettext(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, n: int, **values: object) -> str:
    return plural_form(singular, plural, n) % {"num": n, **values}


def plural_form(singular: str, plural: str, n: int) -> str:
    """The translated form for `n`, its places not yet filled: Jinja fills them itself."""
    return translations(_locale.get()).ngettext(singular, plural, n)


def lazy_gettext(message: str) -> str:
    """A message translated when it is shown, for labels of forms and tables made at import."""
    return LazyProxy(gettext, message, enable_cache=False)  # type: ignore[return-value]  # it behaves as str


def gettext_noop(message: str) -> str:
    """The message as it is, for the catalog: it is told in English and translated where a person reads it."""
    return message


def format_money(money: Money) -> str:
    """`¥1,284.00`, `US$323.06`: the amount with its currency as the locale writes it."""
    return _money(money, _locale.get())


def format_amount(money: Money) -> str:
    """The amount without its currency, for columns that name the currency once."""
    return _amount(money, _locale.get())


# A page names the same few amounts many times, and writing one takes Babel longer than all else on its row.


@lru_cache(AMOUNTS_REMEMBERED)
def _money(money: Money, locale: str) -> str:
    # Babel writes CN¥ in English; here every yuan is the Chinese one.
    return format_currency(decimal(money), money.currency, locale=locale).replace("CN¥", "¥")


@lru_cache(AMOUNTS_REMEMBERED)
def _amount(money: Money, locale: str) -> str:
    digits = minor_digits(money.currency)
    return format_decimal(decimal(money), format="#,##0." + "0" * digits if digits else "#,##0", locale=locale)


def decimal(money: Money) -> Decimal:
    return Decimal(money.minor).scaleb(-minor_digits(money.currency))


def format_number(number: int | Decimal) -> str:
    return format_decimal(number, locale=_locale.get())


def format_day(day: date) -> str:
    return format_date(day, format="long", locale=_locale.get())


def format_month(day: date) -> str:
    """The month in which a day lies, with its year."""
    return format_skeleton("yMMMM", day, locale=_locale.get())


def format_instant(at: datetime, zone: str = ZONE) -> str:
    """Day and time of `at` (aware) in `zone`."""
    local = at.astimezone(ZoneInfo(zone))
    return format_datetime(local, format="medium", tzinfo=ZoneInfo(zone), locale=_locale.get())


def format_clock_time(at: datetime, zone: str = ZONE) -> str:
    """Hours, minutes and seconds of `at` in `zone`."""
    return format_time(at.astimezone(ZoneInfo(zone)), format="HH:mm:ss", tzinfo=ZoneInfo(zone), locale=_locale.get())


def format_duration(seconds: float) -> str:
    """About how long: `42 minutes`, `3 hours`, `2 days`; never shorter than a minute."""
    return format_timedelta(
        timedelta(seconds=max(60.0, seconds)), granularity="minute", threshold=1.5, locale=_locale.get()
    )


def zone_name(zone: str) -> str:
    """What people call a time zone (IANA name)."""
    return gettext("Beijing time") if zone == ZONE else get_timezone_name(zone, locale=_locale.get())


def country_name(code: str) -> str:
    """The name of a country (ISO 3166, two letters) in the reader's language."""
    return str(Locale.parse(current_locale()).territories.get(code, code))


def locale_name(locale: str) -> str:
    """The locale's own name for its language."""
    return {"en": "English", "zh_Hans_CN": "简体中文"}.get(locale) or str(Locale.parse(locale).display_name)
