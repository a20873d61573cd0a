"""Working days as the State Council's General Office published them, and deadlines counted by them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from marketplace.infra.working_days import CALENDARS, is_known, is_working_day, working_days_after

SHANGHAI, BRUSSELS, LONDON = "Asia/Shanghai", "Europe/Brussels", "Europe/London"

# 国办发明电 notices for 2022 to 2026 (gov.cn): first and last day of each holiday, and the days at weekends that are
# worked in its stead.
PUBLISHED: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {
    2022: (
        ("01-01 01-03", "01-31 02-06", "04-03 04-05", "04-30 05-04", "06-03 06-05", "09-10 09-12", "10-01 10-07"),
        ("01-29", "01-30", "04-02", "04-24", "05-07", "10-08", "10-09"),
    ),
    2023: (
        ("01-01 01-02", "01-21 01-27", "04-05 04-05", "04-29 05-03", "06-22 06-24", "09-29 10-06"),
        ("01-28", "01-29", "04-23", "05-06", "06-25", "10-07", "10-08"),
    ),
    2024: (
        ("01-01 01-01", "02-10 02-17", "04-04 04-06", "05-01 05-05", "06-10 06-10", "09-15 09-17", "10-01 10-07"),
        ("02-04", "02-18", "04-07", "04-28", "05-11", "09-14", "09-29", "10-12"),
    ),
    2025: (
        ("01-01 01-01", "01-28 02-04", "04-04 04-06", "05-01 05-05", "05-31 06-02", "10-01 10-08"),
        ("01-26", "02-08", "04-27", "09-28", "10-11"),
    ),
    2026: (
        ("01-01 01-03", "02-15 02-23", "04-04 04-06", "05-01 05-05", "06-19 06-21", "09-25 09-27", "10-01 10-07"),
        ("01-04", "02-14", "02-28", "05-09", "09-20", "10-10"),
    ),
}


def days_of(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += timedelta(days=1)


@pytest.mark.requirement("N108-03")
@pytest.mark.parametrize("year", PUBLISHED)
def test_every_day_of_the_year_is_as_the_state_council_said(year: int) -> None:
    holidays, made_up = PUBLISHED[year]
    off = {
        day
        for first, last in (each.split() for each in holidays)
        for day in days_of(year)
        if f"{year}-{first}" <= day.isoformat() <= f"{year}-{last}"
    }
    extra = {date.fromisoformat(f"{year}-{day}") for day in made_up}
    assert all(day.weekday() > 4 for day in extra), "only weekends are made up"
    for day in days_of(year):
        assert is_working_day(day, SHANGHAI) is (day in extra or (day.weekday() < 5 and day not in off)), day


@pytest.mark.requirement("N108-03")
@pytest.mark.parametrize(
    ("concluded", "last"),
    [
        ("2026-11-23 10:00", "2026-11-25"),  # Monday: Tuesday, Wednesday
        ("2026-11-27 23:59", "2026-12-01"),  # Friday night: Monday, Tuesday
        ("2026-11-28 00:00", "2026-12-01"),  # Saturday: the same
        ("2026-09-30 10:00", "2026-10-09"),  # a week of holidays, then Thursday and Friday
        ("2026-10-08 10:00", "2026-10-10"),  # Friday, and a Saturday that is worked
        (
            "2026-02-13 10:00",
            "2026-02-24",
        ),  # the Saturday before the Spring Festival is worked, then the first day after
        ("2025-09-26 10:00", "2025-09-29"),  # the Sunday before the National Day is worked
        ("2022-10-07 10:00", "2022-10-09"),  # both days of a weekend are worked
        ("2020-01-22 10:00", "2020-02-03"),  # a festival that was made longer when it had begun
    ],
)
def test_two_working_days_end_with_the_second_day_after(concluded: str, last: str) -> None:
    moment = datetime.fromisoformat(concluded).replace(tzinfo=ZoneInfo(SHANGHAI))
    midnight = datetime.fromisoformat(last).replace(tzinfo=ZoneInfo(SHANGHAI)) + timedelta(days=1)
    for spelled in (moment, moment.astimezone(UTC)):
        deadline = working_days_after(spelled, 2, SHANGHAI)
        assert (deadline.at, deadline.presumed) == (midnight, ())


def test_each_market_has_its_own_calendar_and_its_own_midnight() -> None:
    moment = datetime(2026, 5, 21, 20, 0, tzinfo=UTC)  # Thursday; Pentecost Monday and the bank holiday are on the 25th
    assert working_days_after(moment, 2, BRUSSELS).at == datetime(2026, 5, 26, 22, 0, tzinfo=UTC)
    assert working_days_after(moment, 2, LONDON).at == datetime(2026, 5, 26, 23, 0, tzinfo=UTC)
    assert working_days_after(moment, 2, SHANGHAI).at == datetime(2026, 5, 26, 16, 0, tzinfo=UTC), "it is Friday there"


def test_where_the_clock_changes_the_day_still_ends_at_midnight() -> None:
    friday = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)  # summer time begins on Sunday
    assert working_days_after(friday, 1, BRUSSELS).at == datetime(2026, 3, 30, 22, 0, tzinfo=UTC)


@pytest.mark.requirement("N108-03")
def test_a_year_of_which_nothing_was_said_is_named_and_never_makes_a_deadline_late() -> None:
    unknown = next(year for year in range(2027, 2100) if not is_known(year, SHANGHAI))
    eve = datetime(unknown - 1, 12, 31, 10, 0, tzinfo=ZoneInfo(SHANGHAI))
    deadline = working_days_after(eve, 2, SHANGHAI)
    assert deadline.presumed == (unknown,)
    assert deadline.at == datetime(unknown, 1, 3, tzinfo=ZoneInfo(SHANGHAI)), "each day counts, New Year's Day too"


def test_what_was_said_is_known_and_the_law_of_the_other_markets_says_it_for_all_years() -> None:
    assert all(is_known(year, SHANGHAI) for year in range(2004, 2027))
    assert all(is_known(2030, zone) for zone in CALENDARS if zone != SHANGHAI)
