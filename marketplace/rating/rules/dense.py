"""Tables as arrays: one axis for each factor, so that many risks are looked up at once.

An axis is cut where the table's bands, values and knots begin and end; a value lies in one stretch of it, or nowhere.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    def cut(cls, name: str, starts: Collection[Any]) -> "Axis":
        ordered = tuple(sorted(starts))
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
Said = tuple[Sequence[Any], Sequence[Any]]
"""What every row says of a factor: the first value and the last, the same where it says one."""
Key = tuple[Any, ...]
"""What a row says of every exact and banded factor: each as its first value and its last."""
Reach = tuple[Integers, Integers]
"""For each row the place on an axis where it begins, and the first one after it."""


def dense(shape: TableShape) -> DenseTable | None:
    """None where the table has too many cells, or numbers too large, to be laid out."""
    table, largest = shape.table, max(shape.numbers)
    said = [*_said(shape)]
    cuts: list[set[Any]] = [{*firsts, *map(_after, {*lasts})} for firsts, lasts in said]
    lines = _lines(shape, said) if table.interpolated else {}
    if lines:
        cuts.append({end for group in lines.values() for line in group for end in (line.start, line.end)})
    axes = tuple(Axis.cut(name, ends) for name, ends in zip(table.factors, cuts, strict=True))
    if largest >= LARGEST or float(np.prod([float(axis.length) for axis in axes])) > MOST_CELLS:
        return None
    if lines:
        return DenseTable(axes, _lines_laid_out(axes, lines), largest, shape.step, table.interpolated[0])
    reaches = [_reach(axis, *each) for axis, each in zip(axes, said, strict=True)]
    return DenseTable(axes, _laid_out(axes, reaches, shape.numbers), largest, shape.step, None)


def _said(shape: TableShape) -> Iterator[Said]:
    """Of each exact and each banded factor."""
    columns, exact = [*zip(*shape.table.rows, strict=True)], len(shape.table.exact)
    yield from ((column, column) for column in columns[:exact])
    for place in range(len(shape.table.banded)):
        yield columns[exact + 2 * place], columns[exact + 2 * place + 1]


def _after(value: Scalar) -> Scalar:
    """The first value that is greater."""
    return value + "\0" if isinstance(value, str) else value + 1


def _slice(axis: Axis, stretch: Stretch) -> slice:
    return slice(axis.place_of(stretch[0]), axis.place_of(stretch[1]))


def _reach(axis: Axis, firsts: Sequence[Any], lasts: Sequence[Any]) -> Reach:
    """Few values are different ones; each is placed once."""
    begins = {each: axis.place_of(each) for each in {*firsts}}
    ends = {each: axis.place_of(_after(each)) for each in {*lasts}}
    return _mapped(begins, firsts), _mapped(ends, lasts)


def _mapped(known: Mapping[Any, int], column: Sequence[Any]) -> Integers:
    return np.fromiter(map(known.__getitem__, column), np.int64, len(column))


def _laid_out(axes: Sequence[Axis], reaches: Sequence[Reach], found: Sequence[int]) -> Integers:
    """Nearly always each row is one cell, for the axes are cut where its bands are; then all are laid out at once."""
    cells = np.full(tuple(axis.length for axis in axes), NO_CELL, np.int64)
    if all(np.all(ends - starts == 1) for starts, ends in reaches):
        cells[tuple(starts for starts, _ in reaches)] = found
        return cells.reshape(-1)
    for row, number in enumerate(found):
        cells[tuple(slice(starts[row], ends[row]) for starts, ends in reaches)] = number
    return cells.reshape(-1)


def _lines(shape: TableShape, said: Sequence[Said]) -> dict[Key, list[Line]]:
    """The lines of each curve; its last knot is a line of one value."""
    rows = shape.table.rows
    keys: list[Key] = [*zip(*(zip(*each, strict=True) for each in said), strict=True)] or [()] * len(rows)
    knots: dict[Key, list[tuple[int, int]]] = {}
    for key, row, number in zip(keys, rows, shape.numbers, strict=True):
        knots.setdefault(key, []).append((int(row[-2]), number))
    lines = {}
    for key, unsorted in knots.items():
        ordered = sorted(unsorted)
        ends = [*ordered[1:], (ordered[-1][0] + 1, ordered[-1][1])]
        lines[key] = [Line(at, end, low, high) for (at, low), (end, high) in zip(ordered, ends, strict=True)]
    return lines


def _lines_laid_out(axes: Sequence[Axis], lines: Mapping[Key, Sequence[Line]]) -> Integers:
    size = tuple(axis.length for axis in axes)
    four = np.stack([np.full(size, filling, np.int64) for filling in (0, 1, NO_CELL, NO_CELL)])
    for key, group in lines.items():
        told = zip(axes, key, strict=False)  # the last axis is that of the curve itself
        around = [_slice(axis, (first, _after(last))) for axis, (first, last) in told]
        for line in group:
            where = (*around, _slice(axes[-1], (line.start, line.end)))
            for part, number in zip(four, (line.start, line.end, line.low, line.high), strict=True):
                part[where] = number
    return four.reshape(4, -1)
