"""Days of contracts. Days belong to the contract's time zone and carry no time."""

from calendar import isleap, monthrange
from datetime import date


def add_years(day: date, years: int) -> date:
    """The same day `years` later; 29 February becomes 28 February where there is none."""
    year = day.year + years
    if (day.month, day.day) == (2, 29) and not isleap(year):
        return date(year, 2, 28)
    return day.replace(year=year)


def add_months(day: date, months: int) -> date:
    """The same day `months` later; the last day of a month that is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def years_between(start: date, end: date) -> int:
    """Whole years passed from `start` to `end`."""
    years = end.year - start.year
    return years if add_years(start, years) <= end else years - 1


def age_on(day: date, born_on: date) -> int:
    """Age in completed years (age last birthday) on `day`."""
    return years_between(born_on, day)
