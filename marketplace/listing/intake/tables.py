"""A CSV table of a tariff -> typed rows, with every fault by row and column."""

import csv
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Annotated, Any, Literal

from pydantic import Field

from marketplace.catalog.values import LineDefinition, Record, Scalar
from marketplace.kernel.money import minor_digits
from marketplace.listing.values import Finding
from marketplace.rating.values import RATE_DIGITS, Table

MAX_ROWS = 200_000
_FORMULA = ("=", "+", "@")

Row = tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class TableEntry(Record):
    """A `[[tables]]` entry of tariff.toml: where the numbers are and how the columns are to be read."""

    name: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9_]{0,38}[a-z0-9])?$")]
    file: Annotated[str, Field(pattern=r"^tables/[A-Za-z0-9][A-Za-z0-9._-]*\.csv$")]
    value: Literal["rate", "amount"]
    exact: tuple[str, ...] = ()
    banded: tuple[str, ...] = ()
    interpolated: Annotated[tuple[str, ...], Field(max_length=1)] = ()
    scale: Annotated[int, Field(ge=0, le=RATE_DIGITS)] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        bands = (f"{name}_{end}" for name in self.banded for end in ("from", "to"))
        return (*self.exact, *bands, *self.interpolated, self.value)

    def table(self, rows: tuple[Row, ...]) -> Table:
        """The entry with the rows read from its file."""
        return Table(self.name, self.value, self.exact, self.banded, rows, self.interpolated, self.scale)

    def factor_of(self, place: int) -> str:
        """The factor of a column that is not the number."""
        by_column = (*self.exact, *(name for name in self.banded for _ in ("from", "to")), *self.interpolated)
        return by_column[place]


class _BadCellError(Exception):
    """A cell that cannot be read."""

    def __init__(self, code: str, right: str) -> None:
        super().__init__(code)
        self.code, self.right = code, right


Known = dict[str, "Scalar | _BadCellError"]
Days = tuple[date, date | None]
"""From the first until before the second; without the second, without an end."""


@dataclass(slots=True)
class TableReading:
    """Typed rows in the order exact, bands, knot, number, each with its line in the file."""

    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def read_csv(file: str, data: bytes) -> tuple[list[tuple[int, list[str]]], tuple[Finding, ...]]:
    """The rows of a comma-separated file in UTF-8 with their line numbers, blank lines left out."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [], (Finding(file, "not_utf8", row=data[: error.start].count(b"\n") + 1),)
    if "\0" in text:
        return [], (Finding(file, "not_csv", row=text[: text.index("\0")].count("\n") + 1),)
    reader = csv.reader(text.splitlines(), strict=True)
    said = ((reader.line_num, row) for row in reader if "".join(row).strip())
    try:
        rows = [*islice(said, MAX_ROWS + 1)]
    except csv.Error as error:
        return [], (Finding(file, "not_csv", row=reader.line_num, value=str(error)),)
    if len(rows) > MAX_ROWS:
        return [], (Finding(file, "too_many_rows", right=str(MAX_ROWS)),)
    return rows, ()


def read_table(file: str, data: bytes, entry: TableEntry, line: LineDefinition, currency: str) -> TableReading:
    """The rows of the table, or the findings that stand in their way (all of them)."""
    rows, findings = read_csv(file, data)
    reading = TableReading(findings=list(findings))
    if findings:
        return reading
    order = _order(file, rows, entry, reading)
    if order is None:
        return reading
    cells = _Cells(entry, line, minor_digits(currency) if entry.value == "amount" else RATE_DIGITS)
    fitting = [(number, row) for number, row in rows[1:] if len(row) == len(order)]
    known = [cells.read(place, {row[at] for _, row in fitting}) for place, at in enumerate(order)]
    if len(fitting) < len(rows) - 1 or any(isinstance(each, _BadCellError) for told in known for each in told.values()):
        reading.findings += _cell_faults(file, entry, rows[1:], order, known)
        fitting = [each for each in fitting if not any(_cell_faults(file, entry, [each], order, known))]
    columns = [[told[row[at]] for _, row in fitting] for told, at in zip(known, order, strict=True)]
    reading.rows = [*zip(*columns, strict=True)]
    reading.lines = [number for number, _ in fitting]
    placed = _placed(rows[1:], order, known) if reading.findings else reading
    if placed is not None:
        reading.findings += [*_cell_twice(file, entry, placed)] or [*_band_faults(file, entry, placed)]
        reading.findings.sort(key=lambda each: each.row or 0)
    if entry.interpolated:
        _sort_by_knot(reading)
    return reading


def _placed(rows: Sequence[tuple[int, list[str]]], order: Sequence[int], known: Sequence[Known]) -> TableReading | None:
    """Every row with what it says of the factors, whatever its number; None where one of them does not say it."""
    factors = [*zip(order[:-1], known[:-1], strict=True)]
    if any(len(row) != len(order) for _, row in rows):
        return None
    if any(isinstance(each, _BadCellError) for _, told in factors for each in told.values()):
        return None
    said: Any = [(*(told[row[at]] for at, told in factors), "") for _, row in rows]
    return TableReading(said, [number for number, _ in rows])


def _order(file: str, rows: list[tuple[int, list[str]]], entry: TableEntry, reading: TableReading) -> list[int] | None:
    """Where each column of the entry stands in the file; None where the headings do not fit."""
    if len(rows) < 2:  # noqa: PLR2004  headings and one row
        reading.findings.append(Finding(file, "empty_table"))
        return None
    number, header = rows[0]
    names = [name.strip() for name in header]
    wanted = entry.columns
    for name in wanted:
        if name not in names:
            reading.findings.append(Finding(file, "column_missing", row=number, column=name, right=", ".join(wanted)))
    for place, name in enumerate(names):
        if name not in wanted:
            reading.findings.append(Finding(file, "column_unknown", number, name, name, ", ".join(wanted)))
        elif name in names[:place]:
            reading.findings.append(Finding(file, "column_twice", number, name, name))
    return None if reading.findings else [names.index(name) for name in wanted]


@dataclass(frozen=True, slots=True)
class _Cells:
    """Reads the columns of one table. Each text is read once, for a table repeats itself."""

    entry: TableEntry
    line: LineDefinition
    digits: int

    def read(self, place: int, texts: Collection[str]) -> Known:
        """Every text of one column with its value, or why it has none."""
        if place == len(self.entry.columns) - 1 and self.digits > 1 and _plain_amounts(texts):
            return {text: text for text in texts}
        known: Known = {}
        read = self._reader(place)
        for text in texts:
            try:
                known[text] = read(text.strip())
            except _BadCellError as bad:
                known[text] = bad
        return known

    def _reader(self, place: int) -> Callable[[str], Scalar]:
        """What reads the cells of a column."""
        if place == len(self.entry.columns) - 1:
            return self._number
        factor = self.line.factor(self.entry.factor_of(place))
        parse = factor.parse if place < len(self.entry.exact) else factor.parse_bound

        def value(text: str) -> Scalar:
            if text.startswith(_FORMULA):
                raise _BadCellError("formula", "")
            try:
                return parse(text)
            except ValueError as error:
                raise _BadCellError("bad_value", factor.possible) from error

        return value

    def _number(self, text: str) -> str:
        if text.startswith(_FORMULA):
            raise _BadCellError("formula", "")
        fault = number_fault(text, self.digits)
        if fault is not None:
            raise _BadCellError(*fault)
        return text


_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_AMOUNTS = re.compile(r"(?:[0-9]{1,12}(?:\.[0-9]{1,2})?\0)*")


def _plain_amounts(texts: Collection[str]) -> bool:
    """Whether each is a number of at most two decimals and nothing else, looked at as one text: no cell holds the
    character between them.
    """
    return _AMOUNTS.fullmatch("".join(f"{text}\0" for text in texts)) is not None


def number_fault(text: str, digits: int) -> tuple[str, str] | None:
    """What is wrong with a number of at most `digits` decimals, and what would be right; None when it is one."""
    if not _NUMBER.fullmatch(text):
        return "not_a_number", f"0.{'0' * digits}"[: digits + 2]
    if len(text.partition(".")[2].rstrip("0")) > digits:
        return "too_many_decimals", str(digits)
    return None


def _cell_faults(
    file: str, entry: TableEntry, rows: Sequence[tuple[int, list[str]]], order: Sequence[int], known: Sequence[Known]
) -> Iterator[Finding]:
    """Row by row, as the file has them."""
    for number, row in rows:
        if len(row) != len(order):
            yield Finding(file, "row_width", row=number, value=str(len(row)), right=str(len(order)))
            continue
        for name, at, told in zip(entry.columns, order, known, strict=True):
            value = told[row[at]]
            if isinstance(value, _BadCellError):
                yield Finding(file, value.code, number, name, row[at][:80], value.right)


def _cell_twice(file: str, entry: TableEntry, reading: TableReading) -> Iterator[Finding]:
    if len({row[:-1] for row in reading.rows}) == len(reading.rows):
        return
    first: dict[Row, int] = {}
    for row, number in zip(reading.rows, reading.lines, strict=True):
        before = first.setdefault(row[:-1], number)
        if before != number:
            yield Finding(file, "row_twice", number, ", ".join(entry.columns[:-1]), _words(row[:-1]), str(before))


def _band_faults(file: str, entry: TableEntry, reading: TableReading) -> Iterator[Finding]:
    """Bands of one factor, all other columns to its left alike, must follow each other without overlap or gap."""
    for index, name in enumerate(entry.banded):
        end = len(entry.exact) + 2 * index + 2
        backwards = zip(reversed(reading.rows), reversed(reading.lines), strict=True)
        first = {row[:end]: number for row, number in backwards}  # a band is told where it stands first
        yield from _sequence_faults(file, name, sorted(first.items()))


def days_outside(file: str, entry: TableEntry, reading: TableReading, factor: str, on_sale: Days) -> Iterator[Finding]:
    """Rows for a first day of cover on which the product is not on sale: nobody could ever be quoted by them."""
    places = [place for place, column in enumerate(entry.columns[:-1]) if entry.factor_of(place) == factor]
    if not places:
        return
    start, end = on_sale[0].isoformat(), on_sale[1].isoformat() if on_sale[1] else None
    right = f">= {start}" if end is None else f"{start} – < {end}"
    days = [(str(row[places[0]]), str(row[places[-1]])) for row in reading.rows]
    outside = {(first, last) for first, last in set(days) if last < start or (end is not None and first >= end)}
    for told, number in zip(days, reading.lines, strict=True):
        if told in outside:
            yield Finding(file, "outside_dates", number, entry.columns[places[0]], told[0], right)


def _sort_by_knot(reading: TableReading) -> None:
    """The knots of a curve follow each other in the tariff, in whatever order the file has them."""
    together = sorted(zip(reading.rows, reading.lines, strict=True), key=lambda pair: [*map(_sortable, pair[0][:-1])])
    reading.rows, reading.lines = [row for row, _ in together], [line for _, line in together]


def _sortable(value: Scalar) -> tuple[str, Scalar]:
    return type(value).__name__, value


def _sequence_faults(file: str, name: str, bands: Sequence[tuple[Row, int]]) -> Iterator[Finding]:
    """`bands`, each at the end of its row, in their order."""
    group: Row | None = None
    start: Any
    last: Any = None
    for row, number in bands:
        *_, start, end = row
        if row[:-2] != group:
            group, last = row[:-2], None
        if start > end:
            yield Finding(file, "band_backwards", number, f"{name}_to", str(end), f">= {start}")
        if last is not None and start <= last:
            yield Finding(file, "band_overlap", number, f"{name}_from", str(start), str(_after(last)))
        elif last is not None and start != _after(last):
            yield Finding(file, "band_gap", number, f"{name}_from", str(start), str(_after(last)))
        last = end if last is None else max(last, end)


def _after(value: int | str) -> int | str:
    """The next whole number or day."""
    if isinstance(value, int):
        return value + 1
    return (date.fromisoformat(value) + timedelta(days=1)).isoformat()


def _words(row: Row) -> str:
    return ", ".join(map(str, row))
