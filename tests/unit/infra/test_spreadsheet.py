"""A table for other programs: text stays text, numbers stay numbers."""

import csv
import io

import pytest

from marketplace.infra.spreadsheet import csv_bytes


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
