"""The premiums of many risks at once, in whole numbers of 64 bits, to the cent those of `premium`.

Every table becomes an array (`dense`); each step is then some operations on whole columns. What might leave 64 bits is
noticed before it does, and those risks are rated one by one.

NumPy is imported here and in `dense` alone, and these only by who rates portfolios: a web process needs neither.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from marketplace.catalog.values.columns import (
    Choices,
    Column,
    Columns,
    Integers,
    Mask,
    kind_of,
    numbers,
    size_of,
    where,
)
from marketplace.kernel.money import minor_digits
from marketplace.rating.rules.arithmetic import MILLION, rounded_to
from marketplace.rating.rules.checking import rate_of
from marketplace.rating.rules.dense import LARGEST, NO_CELL, DenseTable, MightOverflowError, dense
from marketplace.rating.rules.premium import TariffShape, compile_shape, premium
from marketplace.rating.values import (
    SHARES,
    Add,
    Fee,
    Lookup,
    Maximum,
    Minimum,
    Multiply,
    PerUnit,
    RiskOutOfRange,
    Round,
    Scalar,
    Step,
)

CHUNK = 1 << 16
"""Risks rated together: what they need then stays in the processor's cache."""


@dataclass(frozen=True, slots=True)
class Premiums:
    """The total of each risk in minor units; where `refused`, the tariff has no premium and the total says nothing."""

    totals: Integers
    refused: Mask


class PortfolioRater:
    """A tariff laid out once, for many risks. That its cells do not contradict one another is taken for granted."""

    def __init__(self, shape: TariffShape) -> None:
        self._shape = shape
        tables = {name: dense(table) for name, table in shape.tables.items()}
        self._tables = {name: table for name, table in tables.items() if table is not None}
        self._fits = len(self._tables) == len(tables)

    @property
    def factors(self) -> frozenset[str]:
        """Every factor the tariff asks about."""
        return frozenset(self._shape.kinds)

    def missing(self, table: str, columns: Columns) -> Mask:
        """For which risks a table has no cell, or might have none where it cannot be laid out."""
        with suppress(KeyError, MightOverflowError):
            return np.asarray(self._tables[table].find(columns) == NO_CELL, np.bool_)
        return np.ones(size_of(next(iter(columns.values()))), np.bool_)

    def premiums(self, portfolio: Columns) -> Premiums:
        """Raises ValueError where columns are missing, of a wrong kind or not equally long, and OverflowError where a
        premium itself has more than 63 bits.
        """
        size = _size(self._shape, portfolio)
        totals, refused = np.empty(size, np.int64), np.empty(size, np.bool_)
        for start in range(0, size, CHUNK):
            chunk = slice(start, min(start + CHUNK, size))
            columns = {name: _part(portfolio[name], chunk) for name in self._shape.kinds}
            totals[chunk], refused[chunk] = self._chunk(columns, chunk.stop - start)
        return Premiums(totals, refused)

    def _chunk(self, columns: Columns, size: int) -> tuple[Integers, Mask]:
        if self._fits:
            try:
                return _Chunk(self._shape, self._tables, columns, size).rated()
            except MightOverflowError:
                pass
        return _one_by_one(self._shape, columns, size)


def _size(shape: TariffShape, portfolio: Columns) -> int:
    for name, kind in shape.kinds.items():
        if name not in portfolio:
            raise ValueError(f"the portfolio has no column {name}")
        if kind_of(portfolio[name]) is not kind:
            raise ValueError(f"the column {name} is of another kind")
    sizes = {size_of(column) for column in portfolio.values()}
    if len(sizes) != 1:
        raise ValueError("the columns are not equally long")
    return sizes.pop()


def _part(column: Column, chunk: slice) -> Column:
    return Choices(column.codes[chunk], column.values) if isinstance(column, Choices) else column[chunk]


def _one_by_one(shape: TariffShape, columns: Columns, size: int) -> tuple[Integers, Mask]:
    compiled = compile_shape(shape)
    totals, refused = np.zeros(size, np.int64), np.zeros(size, np.bool_)
    for place, risk in enumerate(_risks(columns, size)):
        try:
            totals[place] = premium(compiled, risk).total.minor
        except RiskOutOfRange:
            refused[place] = True
    return totals, refused


def _risks(columns: Columns, size: int) -> Iterator[dict[str, Scalar]]:
    lists: dict[str, list[Any]] = {
        name: [column.values[code] for code in column.codes] if isinstance(column, Choices) else column.tolist()
        for name, column in columns.items()
    }
    for place in range(size):
        yield {name: values[place] for name, values in lists.items()}


@dataclass(slots=True)
class _Chunk:
    """The premiums of one chunk in the making. Of lines only those are kept that a later step takes a share of."""

    shape: TariffShape
    tables: dict[str, DenseTable]
    columns: Columns
    size: int
    total: Integers = field(init=False)
    refused: Mask = field(init=False)
    lines: dict[str, Integers] = field(default_factory=dict)
    rates: dict[str, Integers] = field(default_factory=dict)

    def rated(self) -> tuple[Integers, Mask]:
        """Raises MightOverflowError."""
        self.total = np.zeros(self.size, np.int64)
        self.refused = np.zeros(self.size, np.bool_)
        named = {name for step in self.shape.tariff.steps for name in getattr(step, "of", ())}
        for step in self.shape.tariff.steps:
            applies = self._applies(step)
            amount = self._amount(step, applies)
            if amount is None:
                continue
            if applies is not None:
                amount = np.where(applies, amount, 0)
            if step.id in named:
                self.lines[step.id] = np.broadcast_to(amount, self.total.shape)
            _hold(self.total, amount)
            self.total += amount
        return self.total, self.refused

    def _applies(self, step: Step) -> Mask | None:
        """Where the step is not passed over; None for everywhere."""
        applies: Mask | None = None
        for name, values in step.when.items():
            here = where(self.columns[name], values.__contains__)
            applies = here if applies is None else applies & here
        return applies

    def _amount(self, step: Step, applies: Mask | None) -> Any:
        """What the step posts for each risk, or for all; None where it posts nothing."""
        literal = self.shape.literals.get(step.id)
        match step:
            case Lookup():
                return self._look_up(step, applies)
            case PerUnit():
                return self._per_unit(step, self._rate(step), applies)
            case Add() | Fee():
                return literal
            case Multiply():
                return _share(self._base(step.of), self._rate(step) - MILLION)
            case Minimum():
                return np.maximum((literal or 0) - self.total, 0)
            case Maximum():
                return np.minimum((literal or 0) - self.total, 0)
            case Round():
                return _rounded(self.total, literal or 1, step.mode) - self.total
            case _:
                _, sign = SHARES[type(step)]
                return _share(self._base(step.of), sign * self._rate(step))

    def _look_up(self, step: Lookup, applies: Mask | None) -> Integers | None:
        found = self.tables[step.table].find(self.columns)
        missing = found < 0
        self.refused |= missing if applies is None else missing & applies
        if step.line is not None:
            return found
        self.rates[step.id] = found
        return None

    def _rate(self, step: Step) -> Any:
        literal = self.shape.literals.get(step.id)
        return self.rates[rate_of(step) or ""] if literal is None else np.int64(literal)

    def _per_unit(self, step: PerUnit, units: Any, applies: Mask | None) -> Integers:
        for name in step.factors:
            column = numbers(self.columns[name])
            self.refused |= column < 0 if applies is None else (column < 0) & applies
            _hold_product(units, column)
            units = units * column
        minor, half = 10 ** minor_digits(self.shape.tariff.currency), MILLION // 2 * step.unit
        if _largest(units) * minor + half >= LARGEST:
            raise MightOverflowError
        return np.asarray((units * minor + half) // (2 * half))

    def _base(self, of: tuple[str, ...]) -> Integers:
        return np.asarray(sum(self.lines[name] for name in of)) if of else self.total


def _share(base: Integers, share: Any) -> Integers:
    """Half up to the minor unit."""
    _hold_product(base, share)
    return np.asarray((base * share + MILLION // 2) // MILLION)


def _rounded(total: Any, to: int, mode: str) -> Integers:
    if 2 * _largest(total) + 2 * to >= LARGEST:
        raise MightOverflowError
    return np.asarray(rounded_to(total, to, mode))  # its operators do the same to columns


def _largest(column: Any) -> int:
    return max(abs(int(np.max(column, initial=0))), abs(int(np.min(column, initial=0))))


def _hold(one: Any, other: Any) -> None:
    if _largest(one) + _largest(other) >= LARGEST:
        raise MightOverflowError


def _hold_product(one: Any, other: Any) -> None:
    """Half a million more is added to the product before it is divided."""
    if _largest(one) * _largest(other) + MILLION >= LARGEST:
        raise MightOverflowError
