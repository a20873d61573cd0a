"""How a tariff and a risk make a premium: whole numbers throughout, one rounding per line, every line explained.

Rates are millionths, amounts minor units. Half up means: the nearest minor unit, and upwards (towards more) where two
are equally near. Source: the tariff format, docs/catalog-format.md.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from marketplace.kernel.money import Money, minor_digits
from marketplace.kernel.text import LocalizedText
from marketplace.rating.values import (
    RATE_DIGITS,
    Add,
    Breakdown,
    BreakdownLine,
    Cell,
    Fee,
    LineKind,
    Lookup,
    Minimum,
    Multiply,
    PerUnit,
    Risk,
    RiskOutOfRange,
    Round,
    Scalar,
    Step,
    Table,
    Tariff,
    TariffFault,
    Tax,
)

MILLION = 10**RATE_DIGITS


def half_up(numerator: int, denominator: int) -> int:
    """The whole number nearest to the quotient, upwards where two are equally near."""
    return (2 * numerator + denominator) // (2 * denominator)


def scaled(text: str, digits: int) -> int:
    """The decimal `text` as a whole number of 10**-digits. Raises ValueError where it has more digits."""
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > digits:
        raise ValueError(f"{text} has more than {digits} decimals")
    return int(whole + fraction.ljust(digits, "0"))


@dataclass(frozen=True, slots=True)
class Leaf:
    """The number at the end of a look-up, scaled, and as the insurer wrote it."""

    number: int
    written: str


@dataclass(frozen=True, slots=True)
class Bands:
    """Bands of one factor, ascending and apart from each other; `under` holds what lies under each."""

    starts: list[Any]
    ends: list[Any]
    under: list[Any]


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """A table as a tree: one level per exact factor (dictionaries), then one per banded factor, then the leaf."""

    name: str
    is_rate: bool
    exact: tuple[str, ...]
    banded: tuple[str, ...]
    types: tuple[type, ...]
    tree: Any

    def find(self, risk: Risk, step: str) -> tuple[int, Cell]:
        """The scaled number and the cell that fits. Raises RiskOutOfRange with the first factor that does not fit."""
        leaf, matched = self.walk(risk, step)
        names = (*self.exact, *self.banded)
        key = tuple((name, band_words(start, end)) for name, (start, end) in zip(names, matched, strict=True))
        return leaf.number, Cell(self.name, key, leaf.written)

    def walk(self, risk: Risk, step: str) -> tuple[Leaf, list[tuple[Scalar, Scalar]]]:
        """The leaf that fits, and what matched on the way: from and to of each factor. Raises RiskOutOfRange."""
        node: Any = self.tree
        matched: list[tuple[Scalar, Scalar]] = []
        for name, kind in zip(self.exact, self.types, strict=False):
            value = risk.get(name)
            node = node.get(value) if type(value) is kind else None
            if value is None or node is None:
                raise RiskOutOfRange(name, value, step)
            matched.append((value, value))
        for name, kind in zip(self.banded, self.types[len(self.exact) :], strict=True):
            value = risk.get(name)
            if type(value) is not kind:
                raise RiskOutOfRange(name, value, step)
            place = bisect_right(node.starts, value) - 1
            if place < 0 or value > node.ends[place]:
                raise RiskOutOfRange(name, value, step)
            matched.append((node.starts[place], node.ends[place]))
            node = node.under[place]
        return node, matched


def written(value: Scalar) -> str:
    """A factor's value as it stands in a table file."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def band_words(start: Scalar, end: Scalar) -> str:
    return written(start) if start == end else f"{written(start)}..{written(end)}"


@dataclass(frozen=True, slots=True)
class CompiledTariff:
    """A tariff ready to rate: tables as trees, literals scaled."""

    currency: str
    steps: tuple[Step, ...]
    tables: Mapping[str, CompiledTable]
    literals: Mapping[str, int]
    """Step id -> its literal: millionths for a rate, minor units for an amount."""


def compile_table(table: Table, currency: str) -> CompiledTable:
    """Raises TariffFault on an empty table, uneven rows, mixed kinds, a cell given twice, overlapping bands."""
    width = len(table.exact) + 2 * len(table.banded) + 1
    if not table.rows:
        raise TariffFault(table.name, "empty_table")
    if any(len(row) != width for row in table.rows):
        raise TariffFault(table.name, "row_width")
    kinds = [{type(row[column]) for row in table.rows} for column in range(width)]
    if any(len(kind) != 1 for kind in kinds) or kinds[-1] != {str}:
        raise TariffFault(table.name, "mixed_kinds")
    digits = RATE_DIGITS if table.value == "rate" else minor_digits(currency)
    columns = [*range(len(table.exact)), *range(len(table.exact), width - 1, 2)]
    return CompiledTable(
        table.name,
        table.value == "rate",
        table.exact,
        table.banded,
        tuple(next(iter(kinds[column])) for column in columns),
        _grow(table.name, list(table.rows), len(table.exact), len(table.banded), digits),
    )


def _grow(name: str, rows: list[tuple[Scalar, ...]], exact: int, banded: int, digits: int) -> Any:
    """The tree under `rows`, whose first `exact` columns, then `banded` pairs, are still to be branched on."""
    if exact:
        branches: dict[Scalar, list[tuple[Scalar, ...]]] = {}
        for row in rows:
            branches.setdefault(row[0], []).append(row[1:])
        return {value: _grow(name, under, exact - 1, banded, digits) for value, under in branches.items()}
    if banded:
        return _bands(name, rows, banded, digits)
    if len(rows) > 1:
        raise TariffFault(name, "cell_twice")
    number = str(rows[0][0])
    return Leaf(scaled(number, digits), number)


def _bands(name: str, rows: list[tuple[Scalar, ...]], banded: int, digits: int) -> Bands:
    """The bands of the first banded column in order, with what lies under each. Raises TariffFault on overlap."""
    branches: dict[tuple[Any, Any], list[tuple[Scalar, ...]]] = {}
    for row in rows:
        branches.setdefault((row[0], row[1]), []).append(row[2:])
    ordered = sorted(branches)
    backwards = any(start > end for start, end in ordered)
    if backwards or any(later[0] <= earlier[1] for earlier, later in pairwise(ordered)):
        raise TariffFault(name, "bands_overlap")
    return Bands(
        [start for start, _ in ordered],
        [end for _, end in ordered],
        [_grow(name, branches[band], 0, banded - 1, digits) for band in ordered],
    )


def compile_tariff(tariff: Tariff) -> CompiledTariff:
    """Raises TariffFault where the tariff cannot be used: an unknown table or step, a rate posted as money."""
    tables = {table.name: compile_table(table, tariff.currency) for table in tariff.tables}
    check_steps(tariff)
    literals = {
        step.id: number
        for index, step in enumerate(tariff.steps)
        if (number := _literal(step, tariff.currency, f"steps.{index}")) is not None
    }
    return CompiledTariff(tariff.currency, tariff.steps, tables, literals)


def check_steps(tariff: Tariff) -> None:
    """Raises TariffFault naming the first step that does not fit the tables and the steps before it."""
    tables = {table.name: table for table in tariff.tables}
    if len(tables) != len(tariff.tables):
        raise TariffFault("tables", "name_twice")
    seen: set[str] = set()
    rates: dict[str, Lookup] = {}
    for index, step in enumerate(tariff.steps):
        where = f"steps.{index}"
        if step.id in seen:
            raise TariffFault(f"{where}.id", "name_twice", step.id)
        _check_references(step, where, tables, seen, rates)
        seen.add(step.id)
        if isinstance(step, Lookup) and tables[step.table].value == "rate":
            rates[step.id] = step
    unused = set(tables) - {step.table for step in tariff.steps if isinstance(step, Lookup)}
    if unused:
        raise TariffFault("tables", "unused_table", min(unused))
    if seen == set(rates):
        raise TariffFault("steps", "no_line")


def _check_references(
    step: Step, where: str, tables: Mapping[str, Table], seen: set[str], rates: Mapping[str, Lookup]
) -> None:
    if isinstance(step, Lookup):
        if step.table not in tables:
            raise TariffFault(f"{where}.table", "unknown_table", step.table)
        posts = tables[step.table].value == "amount"
        if posts != (step.line is not None and step.label is not None):
            raise TariffFault(f"{where}.line", "line_missing" if posts else "rate_has_line", step.id)
    reference = _rate_of(step)
    if reference is not None and not reference[0].isdigit():
        if reference not in rates:
            raise TariffFault(f"{where}.{'by' if isinstance(step, Multiply) else 'rate'}", "unknown_rate", reference)
        if rates[reference].when and rates[reference].when != step.when:
            raise TariffFault(f"{where}.when", "rate_not_always_there", reference)
    for name in step.of if isinstance(step, Multiply | Tax) else ():
        if name not in seen - set(rates):
            raise TariffFault(f"{where}.of", "unknown_step", name)


def _rate_of(step: Step) -> str | None:
    """The rate a step works with: a literal, or the id of a look-up."""
    match step:
        case PerUnit(rate=rate) | Tax(rate=rate):
            return rate
        case Multiply(by=by):
            return by
        case _:
            return None


def _literal(step: Step, currency: str, where: str) -> int | None:
    reference = _rate_of(step)
    if reference is not None:
        return scaled(reference, RATE_DIGITS) if reference[0].isdigit() else None
    match step:
        case Add(amount=text) | Minimum(amount=text) | Fee(amount=text) | Round(to=text):
            name = "to" if isinstance(step, Round) else "amount"
            try:
                number = scaled(text, minor_digits(currency))
            except ValueError as error:
                raise TariffFault(f"{where}.{name}", "too_many_decimals", text) from error
            if isinstance(step, Round) and number == 0:
                raise TariffFault(f"{where}.to", "round_to_nought")
            return number
        case _:
            return None


@dataclass(slots=True)
class _Running:
    """A premium in the making."""

    tariff: CompiledTariff
    risk: Risk
    lines: list[BreakdownLine] = field(default_factory=list)
    total: int = 0
    rates: dict[str, tuple[int, Cell]] = field(default_factory=dict)

    def post(self, step: str, kind: LineKind, label: LocalizedText, minor: int, cell: Cell | None = None) -> None:
        self.lines.append(BreakdownLine(step, kind, label, Money(minor, self.tariff.currency), cell))
        self.total += minor

    def rate(self, step: PerUnit | Multiply | Tax) -> tuple[int, Cell | None]:
        """Millionths, and the cell they come from."""
        literal = self.tariff.literals.get(step.id)
        return (literal, None) if literal is not None else self.rates[str(_rate_of(step))]

    def base(self, of: tuple[str, ...]) -> int:
        return sum(line.amount.minor for line in self.lines if line.step in of) if of else self.total

    def count(self, name: str, step: str) -> int:
        value = self.risk.get(name)
        if type(value) is not int or value < 0:
            raise RiskOutOfRange(name, value, step)
        return value

    def applies(self, step: Step) -> bool:
        for name, values in step.when.items():
            value = self.risk.get(name)
            if value is None:
                raise RiskOutOfRange(name, value, step.id)
            if not any(value == each and type(value) is type(each) for each in values):
                return False
        return True


def premium(tariff: CompiledTariff, risk: Risk) -> Breakdown:
    """The premium of `risk` with its lines. Raises RiskOutOfRange naming the factor that does not fit."""
    running = _Running(tariff, risk)
    for step in tariff.steps:
        if step.when and not running.applies(step):
            continue
        _apply(running, step)
    return Breakdown(tuple(running.lines), Money(running.total, tariff.currency))


def _apply(running: _Running, step: Step) -> None:
    match step:
        case Lookup():
            _look_up(running, step)
        case PerUnit():
            _per_unit(running, step)
        case Multiply() | Tax():
            _share(running, step)
        case Add():
            running.post(step.id, step.line, step.label, running.tariff.literals[step.id])
        case Fee():
            running.post(step.id, LineKind.FEE, step.label, running.tariff.literals[step.id])
        case Minimum():
            lacking = running.tariff.literals[step.id] - running.total
            if lacking > 0:
                running.post(step.id, LineKind.COST, step.label, lacking)
        case Round():
            _round(running, step)


def _share(running: _Running, step: Multiply | Tax) -> None:
    """A share of the lines so far: what multiplying adds or takes, or a tax. A factor of one posts nothing."""
    rate, cell = running.rate(step)
    if isinstance(step, Tax):
        running.post(step.id, LineKind.TAX, step.label, half_up(running.base(step.of) * rate, MILLION), cell)
    elif rate != MILLION:
        change = half_up(running.base(step.of) * (rate - MILLION), MILLION)
        running.post(step.id, step.line, step.label, change, cell)


def _look_up(running: _Running, step: Lookup) -> None:
    table = running.tariff.tables[step.table]
    number, cell = table.find(running.risk, step.id)
    if table.is_rate:
        running.rates[step.id] = number, cell
    elif step.line is not None and step.label is not None:
        running.post(step.id, step.line, step.label, number, cell)


def _per_unit(running: _Running, step: PerUnit) -> None:
    rate, cell = running.rate(step)
    units = 1
    for name in step.factors:
        units *= running.count(name, step.id)
    minor = half_up(rate * units * 10 ** minor_digits(running.tariff.currency), MILLION * step.unit)
    running.post(step.id, step.line, step.label, minor, cell)


def _round(running: _Running, step: Round) -> None:
    to = running.tariff.literals[step.id]
    match step.mode:
        case "half_up":
            rounded = half_up(running.total, to) * to
        case "up":
            rounded = -(-running.total // to) * to
        case "down":
            rounded = running.total // to * to
    if rounded != running.total:
        running.post(step.id, LineKind.ROUNDING, step.label, rounded - running.total)
