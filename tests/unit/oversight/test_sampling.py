"""The lot: nobody chooses on whom it falls, and a missing report is noticed."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.oversight.rules.sampling import drawn, is_overdue
from marketplace.oversight.values import OVERDUE_AFTER

NOW = datetime(2026, 11, 30, tzinfo=UTC)
CONTRACTS = [UUID(int=number) for number in range(200)]
SEED = "ab" * 32


def test_whoever_has_the_numbers_draws_the_same_again_in_a_shell() -> None:
    by_hand = sorted(CONTRACTS, key=lambda each: sha256(f"{SEED}:{each}".encode()).hexdigest())
    assert list(drawn(SEED, reversed(CONTRACTS), 20)) == by_hand[:20]


def test_another_root_of_the_log_is_another_lot() -> None:
    assert drawn(SEED, CONTRACTS, 20) != drawn("cd" * 32, CONTRACTS, 20)


@given(st.sets(st.uuids(), max_size=40), st.integers(1, 30))
def test_each_is_drawn_once_and_all_where_there_are_few(contracts: set[UUID], size: int) -> None:
    found = drawn(SEED, contracts, size)
    assert len(found) == len(set(found)) == min(size, len(contracts))
    assert set(found) <= contracts


@pytest.mark.requirement("T26-51")
@pytest.mark.parametrize(
    ("last", "first", "overdue"),
    [
        (OVERDUE_AFTER - timedelta(seconds=1), None, False),
        (OVERDUE_AFTER, None, False),
        (OVERDUE_AFTER + timedelta(seconds=1), None, True),
        (None, None, False),
        (None, OVERDUE_AFTER, False),
        (None, OVERDUE_AFTER + timedelta(seconds=1), True),
    ],
)
def test_no_report_for_thirty_five_days_is_overdue(
    last: timedelta | None, first: timedelta | None, *, overdue: bool
) -> None:
    assert is_overdue(NOW, last and NOW - last, first and NOW - first) is overdue
