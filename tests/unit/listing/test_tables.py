"""What a table file may hold: whatever the tariff could not be compiled with is found at its row before."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.catalog.values import LINES, Line
from marketplace.listing.intake.tables import TableEntry, TableReading, read_table
from marketplace.rating.rules.tables import compile_table, shape_of

ENTRY = TableEntry("base", "tables/base.csv", "amount", ("smoker",), ("age",))
AGES = st.integers(20, 24)
Rows = list[tuple[str, int, int]]


def read(rows: Rows) -> TableReading:
    text = "\n".join([",".join(ENTRY.columns), *(f"{smoker},{low},{high},1.00" for smoker, low, high in rows)])
    return read_table(ENTRY.file, text.encode(), ENTRY, LINES[Line.TERM_LIFE], "CNY")


@given(st.lists(st.tuples(st.sampled_from(["yes", "no"]), AGES, AGES), min_size=1, max_size=6))
def test_a_table_without_findings_is_one_that_compiles(rows: Rows) -> None:
    """An upload is rated as a whole and not compiled: nothing that only compiling would notice may be left."""
    reading = read(rows)
    if not reading.findings:
        assert len(compile_table(shape_of(ENTRY.table(tuple(reading.rows)), "CNY")).shape.table.rows) == len(rows)


@pytest.mark.parametrize(
    ("rows", "codes"),
    [
        ([("yes", 20, 21), ("no", 20, 24), ("yes", 22, 24)], []),
        ([("yes", 20, 21), ("yes", 21, 22)], ["band_overlap"]),
        ([("yes", 20, 21), ("yes", 23, 24)], ["band_gap"]),
        ([("yes", 22, 20)], ["band_backwards"]),
        ([("yes", 20, 21), ("yes", 20, 21)], ["row_twice"]),
    ],
)
def test_a_row_that_contradicts_another_is_named(rows: Rows, codes: list[str]) -> None:
    assert [each.code for each in read(rows).findings] == codes
