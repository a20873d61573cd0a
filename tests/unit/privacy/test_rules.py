"""How long records are kept, when an answer is due, and who has been away for a year."""

from datetime import UTC, date, datetime, timedelta

import pytest

from marketplace.privacy import rules
from marketplace.privacy.values import ExportState


@pytest.mark.requirement("T26-44")
@pytest.mark.parametrize(
    ("start_on", "end_on", "kept_until"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), date(2031, 12, 31)),  # exactly a year counts as short
        (date(2026, 1, 1), date(2027, 1, 1), date(2037, 1, 1)),  # a day more is long
        (date(2026, 12, 1), date(2026, 12, 9), date(2031, 12, 9)),
        (date(2026, 12, 1), date(2046, 11, 30), date(2056, 11, 30)),
        (date(2027, 3, 1), date(2028, 2, 29), date(2033, 2, 28)),  # no 29 February five years later
    ],
)
def test_records_are_kept_five_or_ten_years_after_the_end(start_on: date, end_on: date, kept_until: date) -> None:
    assert rules.kept_until(start_on, end_on, end_on) == kept_until


@pytest.mark.requirement("T26-46")
@pytest.mark.parametrize(
    ("ended_on", "kept_until"),
    [
        (date(2026, 12, 15), date(2036, 12, 15)),  # withdrawn from in the first days: agreed for long, so kept for long
        (date(2031, 6, 1), date(2041, 6, 1)),
        (date(2028, 2, 29), date(2038, 2, 28)),
        (date(2046, 11, 30), date(2056, 11, 30)),
    ],
)
def test_what_counts_is_the_day_of_the_end_and_how_long_it_was_agreed_for(ended_on: date, kept_until: date) -> None:
    assert rules.kept_until(date(2026, 12, 1), date(2046, 11, 30), ended_on) == kept_until


SHORT = (date(2026, 1, 1), date(2026, 12, 31), date(2026, 12, 31))  # kept until the end of 2031


@pytest.mark.requirement("T26-45")
@pytest.mark.parametrize(
    ("closed_on", "kept_until"),
    [
        ((), date(2031, 12, 31)),
        ((date(2027, 5, 1),), date(2031, 12, 31)),  # three years after it are over before
        ((date(2028, 12, 31),), date(2031, 12, 31)),
        ((date(2029, 1, 1),), date(2032, 1, 1)),
        ((date(2029, 1, 1), date(2030, 2, 28), date(2027, 5, 1)), date(2033, 2, 28)),  # the latest counts
        ((date(2032, 2, 29),), date(2035, 2, 28)),
        ((date(2034, 7, 7),), date(2037, 7, 7)),  # it came when the time was over, and the records were still there
    ],
)
def test_a_dispute_keeps_them_three_years_longer_or_not_at_all(closed_on: tuple[date, ...], kept_until: date) -> None:
    assert rules.kept_until(*SHORT, closed_on) == kept_until


@pytest.mark.requirement("T26-44", "T26-45", "T26-46")
@pytest.mark.parametrize(
    ("ended_on", "standing", "days", "becomes"),
    [
        (date(2026, 12, 31), "at peace", -1, "kept"),
        (date(2026, 12, 31), "at peace", 0, "kept"),
        (date(2026, 12, 31), "at peace", 1, "erased"),
        (date(2026, 12, 31), "in dispute", 1, "kept"),
        (date(2026, 12, 31), "in dispute", 40_000, "kept"),
        (None, "in force", 40_000, "kept"),
    ],
)
def test_the_day_after_the_last_one_is_the_first_to_erase(
    ended_on: date | None, standing: str, days: int, becomes: str
) -> None:
    until = rules.kept_until(*SHORT)
    erased = rules.may_be_erased(until, ended_on, until + timedelta(days=days), held=standing == "in dispute")
    assert erased is (becomes == "erased")


@pytest.mark.parametrize("today", [date(2032, 1, 1), date(2032, 2, 29), date(2033, 2, 28), date(2033, 3, 1)])
def test_no_contract_that_the_first_cut_leaves_out_is_due(today: date) -> None:
    left_out = rules.latest_end_due(today) + timedelta(days=1)
    until = rules.kept_until(left_out - timedelta(days=30), left_out, left_out)
    tomorrow = today + timedelta(days=1)
    assert not rules.may_be_erased(until, left_out, tomorrow, held=False), "not even where it is a day later"


def test_whoever_knows_of_a_dispute_has_two_weeks_to_say_so() -> None:
    assert not rules.notice_over(date(2032, 1, 1), date(2032, 1, 14))
    assert rules.notice_over(date(2032, 1, 1), date(2032, 1, 15))


@pytest.mark.parametrize(
    ("asked_on", "due_on"),
    [
        (date(2026, 11, 22), date(2026, 12, 22)),
        (date(2026, 12, 5), date(2027, 1, 5)),
        (date(2027, 1, 31), date(2027, 2, 28)),
        (date(2028, 1, 31), date(2028, 2, 29)),
    ],
)
def test_an_answer_is_due_in_a_month(asked_on: date, due_on: date) -> None:
    assert rules.due_on(asked_on) == due_on


def test_a_request_presses_after_twenty_days() -> None:
    asked = datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert not rules.is_pressing(asked, asked + timedelta(days=20) - timedelta(seconds=1))
    assert rules.is_pressing(asked, asked + timedelta(days=20))


@pytest.mark.asvs("14.2.7")
def test_a_year_away_is_counted_by_the_calendar() -> None:
    assert rules.abandoned_before(datetime(2028, 2, 29, 3, tzinfo=UTC)) == datetime(2027, 2, 28, 3, tzinfo=UTC)


NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


@pytest.mark.parametrize(
    ("noted", "expires_at", "being_made", "state"),
    [
        ("asked", None, True, "asked"),
        ("asked", None, False, "failed"),
        ("failed", None, False, "failed"),
        ("ready", NOON + timedelta(seconds=1), False, "ready"),
        ("ready", NOON, False, "expired"),
        ("expired", None, False, "expired"),  # asked for, and the account was closed before it was made
    ],
)
def test_how_a_copy_stands(noted: str, expires_at: datetime | None, being_made: bool, state: str) -> None:  # noqa: FBT001
    assert rules.export_state(ExportState(noted), expires_at, NOON, being_made=being_made) is ExportState(state)
