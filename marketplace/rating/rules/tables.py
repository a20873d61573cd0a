"""Tables made ready for looking up: exact factors by one dictionary, then bands, then the knots of a curve."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import Any, NamedTuple

from marketplace.kernel.money import minor_digits
from marketplace.rating.rules.arithmetic import band_words, half_up, scaled, scaled_alike, unscaled, written
from marketplace.rating.values import RATE_DIGITS, Cell, Risk, RiskOutOfRange, Scalar, Table, TariffFault

Row = tuple[Scalar, ...]
Numbered = tuple[int, Row]
Find = Callable[[Risk], "Leaf"]

MOST_WRITTEN_OUT = 20_000
"""Keys of one table whose bands are written out, value by value: one look into a dictionary instead of a search."""


class Leaf(NamedTuple):
    """The number at the end of a look-up, scaled, and the cell it stands in."""

    number: int
    cell: Cell


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands of one factor, ascending and apart from each other; `under` holds what lies under each."""

    starts: list[Any]
    ends: list[Any]
    under: list[Any]


@dataclass(frozen=True, slots=True)
class Curve:
    """Knots of the interpolated factor, ascending, with the row of each."""

    knots: list[int]
    rows: list[int]


@dataclass(frozen=True, slots=True)
class TableShape:
    """What a table is before its rows are put in order.

    `kinds` has the type of each factor's values; a risk is held to them before anything is looked up. `numbers` are
    those of the rows: rates are millionths, amounts minor units; an interpolated number is a multiple of `step`.
    `first_row` is the place of the first row in the tariff.
    """

    table: Table
    kinds: Mapping[str, type]
    digits: int
    step: int
    numbers: tuple[int, ...]
    first_row: int


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """`cells`: the values of the factors `keyed` (alone, where there is one) -> a row, bands or a curve.

    Keyed are the exact factors, and the banded ones too where every band could be written out.
    """

    shape: TableShape
    keyed: tuple[str, ...]
    cells: dict[Any, Any]

    def finder(self, asked_by: str) -> Find:
        """A function from a risk to the leaf that fits; it raises RiskOutOfRange in the name of the step `asked_by`."""
        table, cells = self.shape.table, self.cells
        key_of = itemgetter(*self.keyed) if self.keyed else _nothing
        bands = [name for name in table.banded if name not in self.keyed]
        curve_of = table.interpolated[0] if table.interpolated else None
        leaves: dict[Any, Leaf] = {}

        def find(risk: Risk) -> Leaf:
            try:
                return leaves[key_of(risk)]
            except KeyError:
                leaf = leaves[key_of(risk)] = self._leaf(node_of(risk))
                return leaf

        def node_of(risk: Risk) -> Any:
            try:
                return cells[key_of(risk)]
            except KeyError:
                raise self._no_cell(risk, asked_by) from None

        def find_further(risk: Risk) -> Leaf:
            node = node_of(risk)
            for name in bands:
                value: Any = risk.get(name)
                place = -1 if value is None else bisect_right(node.starts, value) - 1
                if place < 0 or value > node.ends[place]:
                    raise RiskOutOfRange(name, value, asked_by)
                node = node.under[place]
            if curve_of:
                return self._on_curve(node, risk, asked_by)
            leaf = leaves.get(node)
            if leaf is None:
                leaf = leaves[node] = self._leaf(node)
            return leaf

        return find_further if bands or curve_of else find

    def _leaf(self, row: int) -> Leaf:
        """Made when somebody asks: of most rows nobody ever does."""
        table, place = self.shape.table, row - self.shape.first_row
        values = table.rows[place]
        return Leaf(self.shape.numbers[place], Cell(table.name, tuple(_key(table, values)), str(values[-1]), (row,)))

    def _no_cell(self, risk: Risk, asked_by: str) -> RiskOutOfRange:
        """Names the first factor with which no row goes on."""
        keys = [key if isinstance(key, tuple) else (key,) for key in self.cells]
        for place, name in enumerate(self.keyed):
            value = risk.get(name)
            keys = [key for key in keys if key[place] == value]
            if value is None or not keys:
                return RiskOutOfRange(name, value, asked_by)
        raise AssertionError("a risk with which every row goes on has its cell")

    def _on_curve(self, curve: Curve, risk: Risk, asked_by: str) -> Leaf:
        name = self.shape.table.interpolated[0]
        value: Any = risk.get(name)
        place = 0 if value is None else bisect_left(curve.knots, value)
        if place == len(curve.knots) or (place == 0 and curve.knots[0] != value):
            raise RiskOutOfRange(name, value, asked_by)
        upper = self._leaf(curve.rows[place])
        if curve.knots[place] == value:
            return upper
        lower, start, end = self._leaf(curve.rows[place - 1]), curve.knots[place - 1], curve.knots[place]
        weighed = lower.number * (end - value) + upper.number * (value - start)
        step = self.shape.step
        number = half_up(weighed, (end - start) * step) * step
        key = (*lower.cell.key[:-1], (name, band_words(start, end)))
        said = unscaled(number, self.shape.digits)
        return Leaf(number, Cell(self.shape.table.name, key, said, lower.cell.rows + upper.cell.rows))


def shape_of(table: Table, currency: str, first_row: int = 1) -> TableShape:
    """Raises TariffFault on an empty table, uneven rows, mixed kinds, too many decimals, and a scale that is missing,
    too fine or declared for nothing. `first_row` is the place of its first row in the tariff.
    """
    exact, banded = len(table.exact), len(table.banded)
    width = exact + 2 * banded + len(table.interpolated) + 1
    if not table.rows:
        raise TariffFault(table.name, "empty_table")
    if set(map(len, table.rows)) != {width}:
        raise TariffFault(table.name, "row_width")
    values = [*zip(*table.rows, strict=True)]
    kinds = [{*map(type, column)} for column in values]
    if any(len(kind) != 1 for kind in kinds) or kinds[-1] != {str}:
        raise TariffFault(table.name, "mixed_kinds")
    columns = [*range(exact), *range(exact, exact + 2 * banded, 2), *range(exact + 2 * banded, width - 1)]
    digits = RATE_DIGITS if table.value == "rate" else minor_digits(currency)
    scale = _scale(table, digits, kinds[-2] if table.interpolated else set())
    return TableShape(
        table,
        {name: next(iter(kinds[column])) for name, column in zip(table.factors, columns, strict=True)},
        digits,
        10 ** (digits - scale),
        _numbers(table.name, values[-1], digits),
        first_row,
    )


def _numbers(name: str, texts: Sequence[Any], digits: int) -> tuple[int, ...]:
    """Those of a column; a table says the same number in many rows."""
    if alike := scaled_alike(texts, digits):
        return alike
    known = {}
    for text in set(texts):
        try:
            known[text] = scaled(text, digits)
        except ValueError as error:
            raise TariffFault(name, "too_many_decimals", text) from error
    return tuple(map(known.__getitem__, texts))


def compile_table(shape: TableShape) -> CompiledTable:
    """Raises TariffFault on a cell given twice, overlapping bands and knots that do not stand together."""
    table = shape.table
    exact, banded = len(table.exact), len(table.banded)
    grouped = _grouped(enumerate(table.rows, shape.first_row), itemgetter(slice(exact)))
    cells = {key: _under(table, rows, exact, banded) for key, rows in grouped.items()}
    numbers_only = all(shape.kinds[name] is int for name in (*table.banded, *table.interpolated))
    written_out = _written_out(cells, banded) if banded and numbers_only else None
    keyed = table.exact if written_out is None else (*table.exact, *table.banded)
    return CompiledTable(shape, keyed, _alone(cells if written_out is None else written_out, len(keyed)))


def _written_out(cells: dict[tuple[Any, ...], Any], banded: int) -> dict[tuple[Any, ...], Any] | None:
    """The cells with every value of every band as a key of its own; None where these would be too many."""
    for _ in range(banded):
        wide = sum(
            end - start + 1 for bands in cells.values() for start, end in zip(bands.starts, bands.ends, strict=True)
        )
        if wide > MOST_WRITTEN_OUT:
            return None
        cells = {
            (*key, value): under
            for key, bands in cells.items()
            for start, end, under in zip(bands.starts, bands.ends, bands.under, strict=True)
            for value in range(start, end + 1)
        }
    return cells


def _alone(cells: dict[tuple[Any, ...], Any], keyed: int) -> dict[Any, Any]:
    """Keys as `itemgetter` gives them: of one factor its value, not a tuple of it."""
    return {key[0]: node for key, node in cells.items()} if keyed == 1 else cells


def _nothing(_: object) -> tuple[()]:
    return ()


def _scale(table: Table, digits: int, knots: set[type]) -> int:
    """The decimals of what is interpolated; all of them where nothing is."""
    if not table.interpolated:
        if table.scale is not None:
            raise TariffFault(table.name, "scale_for_nothing")
        return digits
    if table.scale is None:
        raise TariffFault(table.name, "scale_missing", table.name)
    if table.scale > digits:
        raise TariffFault(table.name, "scale_too_fine", str(digits))
    if knots != {int}:
        raise TariffFault(table.name, "knots_no_numbers")
    return table.scale


def _grouped(rows: Iterable[Numbered], key_of: Callable[[Row], Any]) -> dict[Any, list[Numbered]]:
    groups: dict[Any, list[Numbered]] = {}
    for number, row in rows:
        groups.setdefault(key_of(row), []).append((number, row))
    return groups


def _under(table: Table, rows: list[Numbered], column: int, banded: int) -> Any:
    """What is left to decide among `rows`, which agree up to `column`: bands, a curve, or nothing."""
    if banded:
        groups = _grouped(rows, itemgetter(column, column + 1))
        ordered: list[Any] = sorted(groups)
        backwards = any(start > end for start, end in ordered)
        if backwards or any(later[0] <= earlier[1] for earlier, later in pairwise(ordered)):
            raise TariffFault(table.name, "bands_overlap")
        return Bands(
            [start for start, _ in ordered],
            [end for _, end in ordered],
            [_under(table, groups[band], column + 2, banded - 1) for band in ordered],
        )
    if table.interpolated:
        return _curve(table, rows, column)
    if len(rows) > 1:
        raise TariffFault(table.name, "cell_twice")
    return rows[0][0]


def _curve(table: Table, rows: list[Numbered], column: int) -> Curve:
    ordered: list[Any] = sorted(rows, key=lambda numbered: numbered[1][column])
    knots = [row[column] for _, row in ordered]
    if len(set(knots)) < len(knots):
        raise TariffFault(table.name, "cell_twice")
    places = [number for number, _ in ordered]
    if places != list(range(places[0], places[0] + len(places))):
        # Only then do two rows that follow each other in the tariff show that no knot lies between them.
        raise TariffFault(table.name, "knots_scattered")
    return Curve(knots, places)


def _key(table: Table, row: Sequence[Scalar]) -> Iterable[tuple[str, str]]:
    """Each factor with what a row says of it."""
    exact, bands = len(table.exact), len(table.exact) + 2 * len(table.banded)
    for place, name in enumerate(table.exact):
        yield name, written(row[place])
    for place, name in enumerate(table.banded):
        yield name, band_words(row[exact + 2 * place], row[exact + 2 * place + 1])
    for name in table.interpolated:
        yield name, written(row[bands])
