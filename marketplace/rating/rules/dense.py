"""Tables as arrays: one axis for each factor, so that many risks are looked up at once.

An axis is cut where the table's bands, values and knots begin and end; a value lies in one stretch of it, or nowhere.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from marketplace.catalog.values.columns import Choices, Column, Columns, Integers, numbers
from marketplace.rating.rules.tables import TableShape
from marketplace.rating.values import Scalar

LARGEST = 2**62
MOST_CELLS = 20_000_000
LONGEST_SPAN = 1 << 16
NO_CELL = -1


class MightOverflowError(Exception):
    """Numbers so large that 64 bits might not hold what is made of them."""


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

    def find(self, columns: Columns) -> Integers:
        """The scaled number for each risk, NO_CELL where there is none."""
        place: Any = np.int64(0)
        for axis in self.axes:
            place = place * axis.length + axis.places_of(columns[axis.name])
        if self.curve is None:
            return np.asarray(self.cells.take(place))
        return self._between(place, numbers(columns[self.curve]))

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
Key = tuple[Any, ...]
"""What a row says of every exact and banded factor."""
Reach = tuple[Integers, Integers]
"""For each row the place on an axis where it begins, and the first one after it."""


def dense(shape: TableShape) -> DenseTable | None:
    """None where the table has too many cells, or numbers too large, to be laid out."""
    table, largest = shape.table, max(shape.numbers)
    said = [*_said(shape)]
    stretches = [{each: _stretch(each, banded=name in table.banded) for each in set(column)} for name, column in said]
    cuts = [[end for stretch in known.values() for end in stretch] for known in stretches]
    lines = _lines(shape, [column for _, column in said]) if table.interpolated else {}
    if lines:
        cuts.append([end for group in lines.values() for line in group for end in (line.start, line.end)])
    axes = tuple(Axis.cut(name, ends) for name, ends in zip(table.factors, cuts, strict=True))
    if largest >= LARGEST or float(np.prod([float(axis.length) for axis in axes])) > MOST_CELLS:
        return None
    if lines:
        return DenseTable(axes, _lines_laid_out(axes, lines, stretches), largest, shape.step, table.interpolated[0])
    reaches = [_reach(axis, known, column) for axis, known, (_, column) in zip(axes, stretches, said, strict=True)]
    return DenseTable(axes, _laid_out(axes, reaches, shape.numbers), largest, shape.step, None)


def _said(shape: TableShape) -> Iterator[tuple[str, list[Any]]]:
    """Each exact and each banded factor with what every row says of it: a value, or a band as a pair."""
    columns, exact = [*zip(*shape.table.rows, strict=True)], len(shape.table.exact)
    for place, name in enumerate(shape.table.exact):
        yield name, list(columns[place])
    for place, name in enumerate(shape.table.banded):
        yield name, [*zip(columns[exact + 2 * place], columns[exact + 2 * place + 1], strict=True)]


def _stretch(said: Any, *, banded: bool) -> Stretch:
    start, end = said if banded else (said, said)
    return start, _after(end)


def _after(value: Scalar) -> Scalar:
    """The first value that is greater."""
    return value + "\0" if isinstance(value, str) else value + 1


def _slice(axis: Axis, stretch: Stretch) -> slice:
    return slice(axis.place_of(stretch[0]), axis.place_of(stretch[1]))


def _reach(axis: Axis, stretches: Mapping[Any, Stretch], column: Sequence[Any]) -> Reach:
    """Few stretches are different ones; each is placed once."""
    known = {said: code for code, said in enumerate(stretches)}
    codes = np.fromiter(map(known.__getitem__, column), np.int64, len(column))
    starts, ends = (np.array([axis.place_of(each[end]) for each in stretches.values()], np.int64) for end in (0, 1))
    return starts[codes], ends[codes]


def _laid_out(axes: Sequence[Axis], reaches: Sequence[Reach], found: Sequence[int]) -> Integers:
    """Nearly always each row is one cell, for the axes are cut where its bands are; then all are laid out at once."""
    cells = np.full(tuple(axis.length for axis in axes), NO_CELL, np.int64)
    if all(np.all(ends - starts == 1) for starts, ends in reaches):
        cells[tuple(starts for starts, _ in reaches)] = found
        return cells.reshape(-1)
    for row, number in enumerate(found):
        cells[tuple(slice(starts[row], ends[row]) for starts, ends in reaches)] = number
    return cells.reshape(-1)


def _lines(shape: TableShape, columns: Sequence[Sequence[Any]]) -> dict[Key, list[Line]]:
    """The lines of each curve; its last knot is a line of one value."""
    rows = shape.table.rows
    keys: list[Key] = [*zip(*columns, strict=True)] or [()] * len(rows)
    knots: dict[Key, list[tuple[int, int]]] = {}
    for key, row, number in zip(keys, rows, shape.numbers, strict=True):
        knots.setdefault(key, []).append((int(row[-2]), number))
    lines = {}
    for key, unsorted in knots.items():
        ordered = sorted(unsorted)
        ends = [*ordered[1:], (ordered[-1][0] + 1, ordered[-1][1])]
        lines[key] = [Line(at, end, low, high) for (at, low), (end, high) in zip(ordered, ends, strict=True)]
    return lines


def _lines_laid_out(
    axes: Sequence[Axis], lines: Mapping[Key, Sequence[Line]], stretches: Sequence[Mapping[Any, Stretch]]
) -> Integers:
    size = tuple(axis.length for axis in axes)
    four = np.stack([np.full(size, filling, np.int64) for filling in (0, 1, NO_CELL, NO_CELL)])
    for key, group in lines.items():
        told = zip(axes, stretches, key, strict=False)  # the last axis is that of the curve itself
        around = [_slice(axis, known[said]) for axis, known, said in told]
        for line in group:
            where = (*around, _slice(axes[-1], (line.start, line.end)))
            for part, number in zip(four, (line.start, line.end, line.low, line.high), strict=True):
                part[where] = number
    return four.reshape(4, -1)
