# ruff: noqa: ARG001  the functions of all steps have one shape, whatever each of them looks at
"""How a tariff and a risk make a premium: whole numbers throughout, one rounding per line, every line explained.

Rates are millionths, amounts minor units. Source: the tariff format, docs/catalog-format.md.

A tariff is compiled once into one function for each step: what can be known beforehand (the table, the words of the
line, a literal rate) is bound to it, so that a premium costs little more than the look-ups themselves.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from marketplace.kernel.money import minor_digits
from marketplace.rating.rules.arithmetic import MILLION, rounded_to, scaled
from marketplace.rating.rules.checking import check_steps, first_asking, rate_of
from marketplace.rating.rules.tables import CompiledTable, Leaf, TableShape, compile_table, shape_of
from marketplace.rating.values import (
    RATE_DIGITS,
    SHARES,
    Add,
    Breakdown,
    Cell,
    Fee,
    LineKind,
    Lookup,
    Maximum,
    Minimum,
    Multiply,
    PerUnit,
    Posted,
    Posting,
    Risk,
    RiskOutOfRange,
    Round,
    Step,
    Tariff,
    TariffFault,
)

Run = Callable[[Risk, list[Posted], dict[str, Leaf], int], int]
"""One step: is given the risk, the lines and the rates so far and their sum; adds its own and returns the new sum."""


@dataclass(frozen=True, slots=True)
class TariffShape:
    """A tariff whose steps fit its tables and each other, before the rows of the tables are put in order."""

    tariff: Tariff
    tables: Mapping[str, TableShape]
    literals: Mapping[str, int]
    """Step id -> its literal: millionths for a rate, minor units for an amount."""
    kinds: Mapping[str, type]
    """Every factor the tariff asks about, and the type of its values."""


@dataclass(frozen=True, slots=True)
class CompiledTariff:
    """A tariff ready to rate one risk."""

    shape: TariffShape
    tables: Mapping[str, CompiledTable]
    runs: tuple[Run, ...]
    kinds: Mapping[str, type]
    """Those of the shape."""
    types: list[type]
    """The types alone, in the same order."""

    def refuse_kinds(self, risk: Risk) -> None:
        """Raises RiskOutOfRange at the first value of another type. What is missing is refused by the step that needs
        it.
        """
        for name, kind in self.kinds.items():
            if name in risk and type(risk[name]) is not kind:
                raise RiskOutOfRange(name, risk[name], first_asking(self.shape.tariff, name))


def premium(compiled: CompiledTariff, risk: Risk) -> Breakdown:
    """The premium of `risk` with its lines. Raises RiskOutOfRange naming the factor that does not fit."""
    return _rated(compiled, risk, {})


def cells_used(compiled: CompiledTariff, risk: Risk) -> tuple[Cell, ...]:
    """Every cell the premium of `risk` rests on, those of rates that posted nothing included. Raises as `premium`."""
    rates: dict[str, Leaf] = {}
    posted = [cell for _, _, cell in _rated(compiled, risk, rates).posted if cell is not None]
    return tuple(dict.fromkeys([*posted, *(leaf.cell for leaf in rates.values())]))


def _rated(compiled: CompiledTariff, risk: Risk, rates: dict[str, Leaf]) -> Breakdown:
    if [*map(type, map(risk.get, compiled.kinds))] != compiled.types:  # True == 1 == 1.0 to a dictionary
        compiled.refuse_kinds(risk)
    lines: list[Posted] = []
    total = 0
    for run in compiled.runs:
        total = run(risk, lines, rates, total)
    return tuple.__new__(
        Breakdown, (tuple(lines), compiled.shape.tariff.currency)
    )  # as its own constructor, but for a call


def compile_tariff(tariff: Tariff) -> CompiledTariff:
    """Raises TariffFault where the tariff cannot be used: an unknown table, a rate posted as money, two cells for one
    risk.
    """
    return compile_shape(shape_of_tariff(tariff))


def shape_of_tariff(tariff: Tariff) -> TariffShape:
    """Raises TariffFault; what the cells of the tables say is not looked at."""
    tables, place = {}, 1
    for table in tariff.tables:
        tables[table.name] = shape_of(table, tariff.currency, place)
        place += len(table.rows)
    check_steps(tariff)
    literals = {
        step.id: number
        for index, step in enumerate(tariff.steps)
        if (number := _literal(step, tariff.currency, f"steps.{index}")) is not None
    }
    return TariffShape(tariff, tables, literals, _kinds(tariff, tables.values()))


def compile_shape(shape: TariffShape) -> CompiledTariff:
    """Raises TariffFault where the cells of a table contradict one another."""
    tables = {name: compile_table(table) for name, table in shape.tables.items()}
    currency, literals = shape.tariff.currency, shape.literals
    runs = tuple(_conditional(step, _run(step, currency, tables, literals)) for step in shape.tariff.steps)
    return CompiledTariff(shape, tables, runs, shape.kinds, [*shape.kinds.values()])


def _kinds(tariff: Tariff, tables: Iterable[TableShape]) -> dict[str, type]:
    """Raises TariffFault where two places of the tariff take different types for one factor."""
    kinds: dict[str, type] = {}
    told = [pair for table in tables for pair in table.kinds.items()]
    told += [(name, int) for step in tariff.steps if isinstance(step, PerUnit) for name in step.factors]
    told += [(name, type(value)) for step in tariff.steps for name, values in step.when.items() for value in values]
    for name, kind in told:
        if kinds.setdefault(name, kind) is not kind:
            raise TariffFault("tables", "mixed_kinds", name)
    return kinds


def _literal(step: Step, currency: str, where: str) -> int | None:
    reference = rate_of(step)
    if reference is not None:
        return scaled(reference, RATE_DIGITS) if reference[0].isdigit() else None
    match step:
        case Add(amount=text) | Minimum(amount=text) | Maximum(amount=text) | Fee(amount=text) | Round(to=text):
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


def _conditional(step: Step, run: Run) -> Run:
    """`run`, passed over unless every factor of `when` has one of the values listed."""
    if not step.when:
        return run
    wanted = [(name, frozenset(values)) for name, values in step.when.items()]

    def run_when(risk: Risk, lines: list[Posted], rates: dict[str, Leaf], total: int) -> int:
        for name, values in wanted:
            value = risk.get(name)
            if value is None:
                raise RiskOutOfRange(name, value, step.id)
            if value not in values:
                return total
        return run(risk, lines, rates, total)

    return run_when


def _run(step: Step, currency: str, tables: Mapping[str, CompiledTable], literals: Mapping[str, int]) -> Run:
    """The function of one step, its condition aside."""
    match step:
        case Lookup():
            return _look_up(step, tables[step.table], currency)
        case PerUnit():
            return _per_unit(step, literals.get(step.id), currency)
        case Add():
            return _fixed(Posting(step.id, step.line, step.label, currency), literals[step.id])
        case Fee():
            return _fixed(Posting(step.id, LineKind.FEE, step.label, currency), literals[step.id])
        case Minimum() | Maximum():
            return _bound(step, literals[step.id], currency)
        case Multiply():
            return _share(step, Posting(step.id, step.line, step.label, currency), literals.get(step.id), less=MILLION)
        case Round():
            return _round(step, literals[step.id], currency)
        case _:
            kind, sign = SHARES[type(step)]
            return _share(step, Posting(step.id, kind, step.label, currency), literals.get(step.id), sign=sign)


def _look_up(step: Lookup, table: CompiledTable, currency: str) -> Run:
    find, name = table.finder(step.id), step.id
    if step.line is None or step.label is None:

        def keep_rate(risk: Risk, lines: list[Posted], rates: dict[str, Leaf], total: int) -> int:
            rates[name] = find(risk)
            return total

        return keep_rate
    posting = Posting(name, step.line, step.label, currency)

    def post_amount(risk: Risk, lines: list[Posted], rates: dict[str, Leaf], total: int) -> int:
        number, cell = find(risk)
        lines.append((posting, number, cell))
        return total + number

    return post_amount


def _per_unit(step: PerUnit, literal: int | None, currency: str) -> Run:
    posting = Posting(step.id, step.line, step.label, currency)
    reference, factors, name = step.rate, step.factors, step.id
    minor, half = 10 ** minor_digits(currency), MILLION * step.unit
    doubled, whole = 2 * minor, 2 * half

    fixed = None if literal is None else (literal, None)

    def post_units(risk: Risk, lines: list[Posted], rates: dict[str, Leaf], total: int) -> int:
        units, cell = fixed or rates[reference]
        for factor in factors:
            value: Any = risk.get(factor, -1)  # whole numbers, where it is there (`_rated`)
            if value < 0:
                raise RiskOutOfRange(factor, risk.get(factor), name)
            units *= value
        amount: int = (doubled * units + half) // whole  # half up
        lines.append((posting, amount, cell))
        return total + amount

    return post_units


def _share(step: Step, posting: Posting, literal: int | None, *, less: int = 0, sign: int = 1) -> Run:
    """A share of the lines so far, or of those named: (rate - less) millionths, added or taken off. Multiplying posts
    the difference to one, so `less` is a whole; a factor of one posts nothing.
    """
    of, reference = frozenset(getattr(step, "of", ())), rate_of(step) or ""
    fixed = None if literal is None else (literal, None)
    doubled, whole = 2 * sign, 2 * MILLION

    def post_share(risk: Risk, lines: list[Posted], rates: dict[str, Leaf], total: int) -> int:
        rate, cell = fixed or rates[reference]
        if rate == less and less:
            return total
        base = sum([minor for posted, minor, _ in lines if posted.step in of]) if of else total
        amount: int = (doubled * base * (rate - less) + MILLION) // whole  # half up
        lines.append((posting, amount, cell))
        return total + amount

    return post_share


def _fixed(posting: Posting, minor: int) -> Run:
    line = posting, minor, None

    def post_fixed(risk: Risk, lines: list[Posted], rates: dict[str, Leaf], total: int) -> int:
        lines.append(line)
        return total + minor

    return post_fixed


def _bound(step: Minimum | Maximum, amount: int, currency: str) -> Run:
    """What is lacking to the least, or exceeds the most; nothing where nothing is."""
    least = isinstance(step, Minimum)
    posting = Posting(step.id, LineKind.COST if least else LineKind.DISCOUNT, step.label, currency)

    def post_difference(risk: Risk, lines: list[Posted], rates: dict[str, Leaf], total: int) -> int:
        difference = amount - total
        if difference > 0 if least else difference < 0:
            lines.append((posting, difference, None))
            return amount
        return total

    return post_difference


def _round(step: Round, to: int, currency: str) -> Run:
    posting, mode = Posting(step.id, LineKind.ROUNDING, step.label, currency), step.mode

    def post_rounding(risk: Risk, lines: list[Posted], rates: dict[str, Leaf], total: int) -> int:
        rounded = rounded_to(total, to, mode)
        if rounded != total:
            lines.append((posting, rounded - total, None))
        return rounded

    return post_rounding
