"""A table for other programs: text stays text, numbers stay numbers."""

import csv
import io
from typing import Any

import pytest
from openpyxl import load_workbook

from marketplace.infra.spreadsheet import csv_bytes, xlsx_bytes


def test_a_table_is_utf8_with_its_mark_and_crlf() -> None:
    assert csv_bytes(("名称", "b"), [("Harbour, Term", 'a "word"')]) == (
        b'\xef\xbb\xbf\xe5\x90\x8d\xe7\xa7\xb0,b\r\n"Harbour, Term","a ""word"""\r\n'
    )


@pytest.mark.asvs("1.2.10")
@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("=1+1", "'=1+1"), ("-12.50", "-12.50"), ("-12.50+1", "'-12.50+1"), ("@x", "'@x"), ("a=1", "a=1"), ("", ""),
        ("＝1+1", "'＝1+1"), ("＋1", "'＋1"), ("－1", "'－1"), ("＠x", "'＠x"), ("名＝1", "名＝1"),
    ],
)  # fmt: skip
def test_what_could_be_run_is_marked_as_text(cell: str, kept: str) -> None:
    assert csv_bytes((), [(cell, "end")]).decode("utf-8-sig") == f"\r\n{kept},end\r\n"


@pytest.mark.asvs("1.2.10")
@pytest.mark.parametrize("cell", ["\n=1+1", "\r=1+1", "\t=1+1", "\0=1+1"])
def test_what_shows_nothing_does_not_hide_what_follows(cell: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_bytes((), [(cell, "end")]).decode("utf-8-sig")[2:], newline=""))
    assert row == [f"'{cell}", "end"]


def read_back(*rows: tuple[str, ...]) -> list[tuple[tuple[str, Any], ...]]:
    """The kind and the value of each cell below the head, as a spreadsheet sees them."""
    (sheet,) = load_workbook(io.BytesIO(xlsx_bytes("made", ("a", "b"), rows))).worksheets
    return [tuple((cell.data_type, cell.value) for cell in row) for row in sheet.iter_rows(min_row=2)]


@pytest.mark.asvs("1.2.10")
@pytest.mark.parametrize("cell", ["=1+1", "=HYPERLINK(1)", "+1+1", "-1+1", "@x", "＝1+1", "\t=1+1", "'=1"])
def test_in_a_workbook_what_could_be_run_is_a_text(cell: str) -> None:
    assert read_back((cell, "end")) == [(("s", cell), ("s", "end"))]


def test_in_a_workbook_numbers_are_numbers_and_nothing_is_nothing() -> None:
    assert read_back(("-12.50", ""), ("7", "1" * 20)) == [(("n", -12.5), ("n", None)), (("n", 7), ("s", "1" * 20))]


def test_a_workbook_keeps_its_head_standing() -> None:
    (sheet,) = load_workbook(io.BytesIO(xlsx_bytes("made", ("名称", "b"), ()))).worksheets
    assert (sheet.title, sheet.freeze_panes, sheet["A1"].value) == ("made", "A2", "名称")
