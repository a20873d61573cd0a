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
    assert rules.kept_until(start_on, end_on) == kept_until


def test_no_contract_that_the_first_cut_leaves_out_is_due() -> None:
    today = date(2032, 1, 1)
    ended = rules.earliest_due(today)
    assert rules.kept_until(ended - timedelta(days=30), ended) >= today, "still kept on that day"
    assert rules.kept_until(ended - timedelta(days=30), ended - timedelta(days=1)) < today, "the day after"


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
