"""What stands in a cell, exactly as the insurer typed it.

A spreadsheet keeps every number as a double of the IEEE, written with up to 17 digits, and shows at most 15 of them. A
decimal of at most 15 significant digits goes into a double and comes back unharmed, so 0.1 in a cell is the decimal 0.1
and nothing else. A double that needs more digits was computed, not typed: it is a finding, for nobody saw that number.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

MOST_DIGITS = 15
_REF = re.compile(r"^([A-Z]{1,3})([1-9][0-9]{0,6})$")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_QUOTED = re.compile(r'"[^"]*"|\\.|\[(?![hms]+\])[^\]]*\]')
_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
"""The built-in formats that show a number as a day or a time (ECMA-376 part 1, 18.8.30, East Asian ones too)."""
_FIRST_SURE_DAY = 61
"""1900-03-01: a spreadsheet counts a 29 February 1900 that never was, so days before it are not certain."""


class Cell(NamedTuple):
    """`text` is the value as a CSV file would have it; `fault` the code of a finding, `right` what would be right."""

    text: str
    fault: str = ""
    right: str = ""


def position(ref: str) -> tuple[int, int]:
    """Row and column (from 1) of `C7`. Raises ValueError."""
    match = _REF.match(ref)
    if match is None:
        raise ValueError(ref)
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), column


def reference(row: int, column: int) -> str:
    """`C7` of row 7, column 3."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


def number(raw: str) -> Cell:
    """The number of a cell as the decimal it shows."""
    value = float(raw)
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124  not a number differs from itself
        return Cell(raw, "cell_error")
    shown = plain(f"{value:.{MOST_DIGITS}g}")
    if float(shown) != value:
        return Cell(plain(repr(value)), "too_many_digits", shown)
    return Cell(shown)


def plain(written: str) -> str:
    """`1E+3` as 1000, `0.50` as 0.5."""
    text = format(Decimal(written), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def day(raw: str, *, from_1904: bool) -> Cell:
    """The day of a cell that shows one; a time of day is a fault."""
    value = float(raw)
    if not value.is_integer() or not _FIRST_SURE_DAY <= value + (1462 if from_1904 else 0) < 2_958_466:  # noqa: PLR2004  31 December 9999
        return Cell(plain(repr(value)), "not_a_day")
    start = date(1904, 1, 1) if from_1904 else date(1899, 12, 30)
    return Cell((start + timedelta(days=int(value))).isoformat())


def words(text: str) -> str:
    """Text without the escapes of the format (`_x000D_`); what no XML may hold stays escaped."""
    return _ESCAPED.sub(lambda match: _unescaped(int(match[1], 16), match[0]), text)


def _unescaped(code: int, written: str) -> str:
    character = chr(code)
    return character if character.isprintable() or character in "\t\n\r" else written


def is_day_format(number_format: int, code: str) -> bool:
    """Whether a number format shows days or times."""
    return number_format in _DATES or bool(re.search(r"[ymdhs]", _QUOTED.sub("", code.partition(";")[0]).lower()))
