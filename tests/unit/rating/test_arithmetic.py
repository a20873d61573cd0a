"""Numbers of a column are read at once where they are alike, and to the same whole numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.rating.rules.arithmetic import scaled, scaled_alike

AMOUNTS = st.decimals(0, 10**12, places=2).map(lambda amount: f"{amount:.2f}")


@given(st.lists(AMOUNTS, min_size=1))
def test_a_column_says_what_each_of_its_numbers_says(texts):
    assert (
        scaled_alike(texts, 2)
        == tuple(scaled(text, 2) for text in texts)
        == tuple(int(Decimal(t) * 100) for t in texts)
    )


@pytest.mark.parametrize(
    "odd", ["1", "1.5", "1.005", "1.2.34", "1,000.00", "1,00", ".0", ""], ids=lambda odd: odd or "nothing"
)
def test_what_is_written_otherwise_is_read_one_by_one(odd):
    assert scaled_alike(["3.20", odd, "7.00"], 2) is None
    assert scaled_alike([odd], 2) is None


def test_where_there_are_no_decimals_nothing_is_told_alike():
    assert scaled_alike(["320", "700"], 0) is None
    assert scaled_alike([], 2) is None
