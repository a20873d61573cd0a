"""Which days people work on where a market is at home: public holidays, mainland China's make-up days included.

The days are those of the package `holidays`. China's State Council says each November how the next year's holidays are
moved, so there is a last year that is known. What is not known is not guessed: it is counted so that a deadline can
only be too early, and named, for whoever sets it to raise an alarm.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

# Time zone of a market -> ISO 3166 codes of the calendar that holds there. England's stands for the United Kingdom's.
CALENDARS: dict[str, tuple[str, str | None]] = {
    "Asia/Shanghai": ("CN", None),
    "Europe/Brussels": ("BE", None),
    "Europe/London": ("GB", "ENG"),
}


@dataclass(frozen=True, slots=True)
class Deadline:
    """The first instant that is too late, and the years whose calendar was not known when it was set."""

    at: datetime
    presumed: tuple[int, ...] = ()


def working_days_after(moment: datetime, number: int, zone: str) -> Deadline:
    """The end of the `number`-th working day after the day of `moment` (aware), as people count in `zone`.

    The day itself does not count (Civil Code of China, article 201; Regulation 1182/71, article 3), and the last one
    counts until midnight. Every day of a year that is not known counts as one of work.
    """
    at_home = ZoneInfo(zone)
    day, left, presumed = moment.astimezone(at_home).date(), number, set[int]()
    while left:
        day += timedelta(days=1)
        if not is_known(day.year, zone):
            presumed.add(day.year)
            left -= 1
        elif is_working_day(day, zone):
            left -= 1
    end = datetime.combine(day + timedelta(days=1), time(), at_home)
    return Deadline(end.astimezone(UTC), tuple(sorted(presumed)))


def is_working_day(day: date, zone: str) -> bool:
    """Whether people work on that day in `zone`, as far as the year is known."""
    return bool(_calendar(zone, day.year).is_working_day(day))


def is_known(year: int, zone: str) -> bool:
    """Whether it was said how the holidays of that year lie. Where no day is ever moved, the law says it for all."""
    return CALENDARS[zone][0] != "CN" or year in _calendar(zone, year).special_public_holidays


@cache
def _calendar(zone: str, year: int) -> Any:
    import holidays  # noqa: PLC0415  heavy, and only who concludes contracts needs it

    country, part = CALENDARS[zone]
    return holidays.country_holidays(country, subdiv=part, years=year)
