"""Tables as arrays: one axis for each factor, so that many risks are looked up at once.

An axis is cut where the table's bands, values and knots begin and end; a value lies in one stretch of it, or nowhere.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from marketplace.rating.rules.arithmetic import scaled
from marketplace.rating.rules.tables import CompiledTable
from marketplace.rating.values import Scalar, Table

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

LARGEST = 2**62
MOST_CELLS = 20_000_000
LONGEST_SPAN = 1 << 16
NO_CELL = -1


class MightOverflowError(Exception):
    """Numbers so large that 64 bits might not hold what is made of them."""


@dataclass(frozen=True, slots=True)
class Choices:
    """A column of words: `codes` are places in `values`."""

    codes: Integers
    values: tuple[str, ...]


Column = Integers | Mask | Choices
Portfolio = Mapping[str, Column]
"""Factor -> its value for each risk: int64, bool, or words by code. All columns are equally long."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Stretches of one factor: from each of `starts` (ascending) to the next; before the first lies nothing."""

    name: str
    starts: tuple[Any, ...]
    places: Integers | None
    """For a short span of whole numbers: the place of each, from the first start on."""

    @classmethod
    def cut(cls, name: str, starts: Sequence[Any]) -> "Axis":
        ordered = tuple(sorted(set(starts)))
        first, last = ordered[0], ordered[-1]
        if type(first) is not int or last - first > LONGEST_SPAN:
            return cls(name, ordered, None)
        widths = np.diff([*ordered, last + 1])
        return cls(name, ordered, np.repeat(np.arange(1, len(ordered) + 1), widths))

    @property
    def length(self) -> int:
        """With one place more, the first, for what lies before every stretch."""
        return len(self.starts) + 1

    def place_of(self, value: Any) -> int:
        return bisect_right(self.starts, value)

    def places_of(self, column: Column) -> Integers:
        if isinstance(column, Choices):
            return np.array([self.place_of(value) for value in column.values], np.int64)[column.codes]
        if column.dtype.kind == "b":
            return np.array([self.place_of(False), self.place_of(True)], np.int64)[column.view(np.uint8)]
        if self.places is None:
            return np.searchsorted(np.array(self.starts, np.int64), column, side="right")
        # Beyond the last start lies the last stretch, before the first lies nothing.
        offset = column - self.starts[0]
        return np.where(offset < 0, 0, self.places.take(offset, mode="clip"))


@dataclass(frozen=True, slots=True)
class Line:
    """What lies between two knots: the number `low` at `start`, `high` at `end`."""

    start: int
    end: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class DenseTable:
    """`cells` has a number for each combination of stretches, NO_CELL where there is none; of a curve, four: the line
    that lies there (start, end, low, high).
    """

    axes: tuple[Axis, ...]
    cells: Integers
    largest: int
    step: int
    curve: str | None

    def find(self, columns: Portfolio) -> Integers:
        """The scaled number for each risk, NO_CELL where there is none."""
        place: Any = np.int64(0)
        for axis in self.axes:
            place = place * axis.length + axis.places_of(columns[axis.name])
        if self.curve is None:
            return np.asarray(self.cells.take(place))
        return self._between(place, columns[self.curve])

    def _between(self, place: Integers, at: Any) -> Integers:
        start, end, low, high = (part.take(place) for part in self.cells)
        width = end - start
        if self.largest * 4 * int(width.max(initial=1)) >= LARGEST:
            raise MightOverflowError
        weighed = low * (end - at) + high * (at - start)
        divisor = width * self.step
        number = (2 * weighed + divisor) // (2 * divisor) * self.step
        return np.where(low == NO_CELL, NO_CELL, np.where(at == start, low, number))


Stretch = tuple[Any, Any]
"""From a value to the first one after it."""
Key = tuple[Stretch, ...]


def dense(table: CompiledTable) -> DenseTable | None:
    """None where the table has too many cells, or numbers too large, to be laid out."""
    rows = [(_stretches(table.table, row), row) for row in table.table.rows]
    numbers = [scaled(str(row[-1]), table.digits) for _, row in rows]
    largest = max(numbers)
    lines = _lines(rows, table.digits) if table.table.interpolated else {}
    cuts = [[end for key, _ in rows for end in key[place]] for place in range(len(rows[0][0]))]
    if lines:
        cuts.append([end for group in lines.values() for line in group for end in (line.start, line.end)])
    axes = tuple(Axis.cut(name, ends) for name, ends in zip(table.table.factors, cuts, strict=True))
    if largest >= LARGEST or float(np.prod([float(axis.length) for axis in axes])) > MOST_CELLS:
        return None
    shape = tuple(axis.length for axis in axes)
    if lines:
        return DenseTable(axes, _lines_laid_out(axes, lines, shape), largest, table.step, table.table.factors[-1])
    cells = _laid_out(axes, [key for key, _ in rows], numbers, shape)
    return DenseTable(axes, cells.reshape(-1), largest, table.step, None)


def _stretches(table: Table, row: Sequence[Scalar]) -> Key:
    """What each exact and each banded factor must lie in."""
    exact, bands = len(table.exact), range(len(table.exact), len(table.exact) + 2 * len(table.banded), 2)
    return (*((value, _after(value)) for value in row[:exact]), *((row[at], _after(row[at + 1])) for at in bands))


def _after(value: Scalar) -> Scalar:
    """The first value that is greater."""
    return value + "\0" if isinstance(value, str) else value + 1


def _places(axes: Sequence[Axis], key: Key) -> tuple[slice, ...]:
    return tuple(slice(axis.place_of(start), axis.place_of(end)) for axis, (start, end) in zip(axes, key, strict=False))


def _laid_out(axes: Sequence[Axis], keys: Sequence[Key], numbers: Sequence[int], shape: tuple[int, ...]) -> Integers:
    """Nearly always each row is one cell, for the axes are cut where its bands are; then all are laid out at once."""
    cells = np.full(shape, NO_CELL, np.int64)
    columns = [_ends(axis, [key[place] for key in keys]) for place, axis in enumerate(axes)]
    if all(np.all(ends - starts == 1) for starts, ends in columns):
        cells[tuple(starts for starts, _ in columns)] = numbers
        return cells
    for key, number in zip(keys, numbers, strict=True):
        cells[_places(axes, key)] = number
    return cells


def _ends(axis: Axis, stretches: Sequence[Stretch]) -> tuple[Integers, Integers]:
    """The places where each stretch begins and where the first one after it does; few are different ones."""
    places = {each: (axis.place_of(each[0]), axis.place_of(each[1])) for each in set(stretches)}
    starts, ends = zip(*(places[each] for each in stretches), strict=True)
    return np.array(starts, np.int64), np.array(ends, np.int64)


def _lines(rows: Sequence[tuple[Key, Sequence[Any]]], digits: int) -> dict[Key, list[Line]]:
    """By exact values and bands, the lines of a curve; its last knot is a line of one value."""
    knots: dict[Key, list[tuple[int, int]]] = {}
    for key, row in rows:
        knots.setdefault(key, []).append((row[-2], scaled(row[-1], digits)))
    lines = {}
    for key, unsorted in knots.items():
        ordered = sorted(unsorted)
        ends = [*ordered[1:], (ordered[-1][0] + 1, ordered[-1][1])]
        lines[key] = [Line(at, end, low, high) for (at, low), (end, high) in zip(ordered, ends, strict=True)]
    return lines


def _lines_laid_out(axes: Sequence[Axis], lines: Mapping[Key, Sequence[Line]], shape: tuple[int, ...]) -> Integers:
    four = np.stack([np.full(shape, filling, np.int64) for filling in (0, 1, NO_CELL, NO_CELL)])
    for key, group in lines.items():
        for line in group:
            where = (*_places(axes, key), slice(axes[-1].place_of(line.start), axes[-1].place_of(line.end)))
            for part, number in zip(four, (line.start, line.end, line.low, line.high), strict=True):
                part[where] = number
    return four.reshape(4, -1)
