"""Published rates with a fault: each is a finding at its row, and nothing is guessed."""

import csv
import io
from collections.abc import Callable

import pytest

from marketplace.listing.intake import read_catalog
from marketplace.listing.values import Finding
from sandbox import real_data

FOLDER = real_data.data_folder()
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not FOLDER.exists(), reason="the published plans are not there (REAL_DATA)"),
]
Rows = list[dict[str, str]]
Fault = Callable[[Rows], Rows]


@pytest.fixture(scope="module")
def catalog() -> tuple[str, dict[str, bytes], str]:
    """An insurer, its catalog, and the table of a plan with several periods."""
    insurers = sorted(real_data.read_plans(FOLDER).items(), key=lambda each: len(each[1]))
    name, plans, plan = next((name, plans, plan) for name, plans in insurers for plan in plans if periods(plan) > 2)
    return real_data.insurer_code(name), real_data.catalog_files(name, plans), f"{plan.folder}tables/monthly.csv"


def periods(plan: real_data.RealPlan) -> int:
    return len({premium.start_from for premium in plan.premiums})


def found(catalog: tuple[str, dict[str, bytes], str], fault: Fault) -> list[Finding]:
    insurer, files, table = catalog
    rows = list(csv.DictReader(files[table].decode().splitlines()))
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(fault(rows))
    reading = read_catalog({**files, table: written.getvalue().encode()}, insurer)
    assert (reading.draft is None) == bool(reading.findings)
    assert {each.file.partition("/tables/")[0] for each in reading.findings} <= {table.partition("/tables/")[0]}
    return [each for each in reading.findings if each.file == table]


def test_as_published_nothing_is_found(catalog: tuple[str, dict[str, bytes], str]) -> None:
    assert found(catalog, lambda rows: rows) == []


def test_a_row_outside_the_days_of_its_plan_is_told(catalog: tuple[str, dict[str, bytes], str]) -> None:
    def moved(rows: Rows) -> Rows:
        year = int(rows[4]["start_on_from"][:4])
        later = {"start_on_from": f"{year + 1}-01-01", "start_on_to": f"{year + 1}-03-31"}
        return [*rows[:4], rows[4] | later, *rows[5:]]

    outside = [each for each in found(catalog, moved) if each.code == "outside_dates"]
    assert [(each.row, each.column) for each in outside] == [(6, "start_on_from")]


def test_a_row_that_is_there_twice_is_told(catalog: tuple[str, dict[str, bytes], str]) -> None:
    told = found(catalog, lambda rows: [*rows, rows[4] | {"amount": "1.00"}])
    assert [(each.code, each.right) for each in told] == [("row_twice", "6")]


def test_a_period_that_is_missing_is_told(catalog: tuple[str, dict[str, bytes], str]) -> None:
    def dropped(rows: Rows) -> Rows:
        first = min(row["start_on_from"] for row in rows)
        inner = min({row["start_on_from"] for row in rows} - {first})
        return [row for row in rows if row["start_on_from"] != inner]

    told = found(catalog, dropped)
    assert told != []
    assert {each.code for each in told} <= {"band_gap", "cell_missing"}
