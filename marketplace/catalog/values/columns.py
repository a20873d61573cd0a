"""Many risks at once: a column for each factor.

Not among the package's own words, because NumPy comes with it and a web process needs none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from marketplace.catalog.values.content import SumLimit
from marketplace.catalog.values.factors import Risk, Scalar

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Choices:
    """A column of few different values, all of one type: `codes` are places in `values`."""

    codes: Integers
    values: tuple[Scalar, ...]


Column = Integers | Mask | Choices
Columns = Mapping[str, Column]
"""Factor -> its value for each risk: int64, bool, or values by code. All columns are equally long."""


def columns_of(risks: Sequence[Risk], names: Iterable[str]) -> dict[str, Column]:
    """The factors named, of risks that have all of them."""
    return {name: _column([risk[name] for risk in risks]) for name in names}


def _column(given: Sequence[Scalar]) -> Choices:
    codes = {value: code for code, value in enumerate(dict.fromkeys(given))}
    return Choices(np.fromiter(map(codes.__getitem__, given), np.int64, len(given)), tuple(codes))


def combined(values: Mapping[str, tuple[Scalar, ...]], places: Any) -> dict[str, Choices]:
    """Those of all combinations of the values that stand at these places; the first factor varies fastest."""
    columns = {}
    for name, possible in values.items():
        columns[name] = Choices((places % len(possible)).astype(np.int64), possible)
        places = places // len(possible)
    return columns


def within(limit: SumLimit, columns: Columns) -> Mask:
    """For each risk whether the sum stays within its limit."""
    return np.asarray(sum(numbers(columns[name]) for name in limit.factors) <= limit.max, np.bool_)


def numbers(column: Column) -> Integers:
    """The whole numbers of a column."""
    if isinstance(column, Choices):
        return np.array(column.values, np.int64)[column.codes]
    return np.asarray(column, np.int64)


def where(column: Column, test: Callable[[Any], bool]) -> Mask:
    """For each risk whether its value passes a test."""
    if isinstance(column, Choices):
        return np.array([test(value) for value in column.values], np.bool_)[column.codes]
    values, codes = np.unique(column, return_inverse=True)
    return np.array([test(value) for value in values.tolist()], np.bool_)[codes]


def kind_of(column: Column) -> type:
    """The type of a column's values."""
    if isinstance(column, Choices):
        return type(column.values[0])
    return {"i": int, "b": bool}.get(column.dtype.kind, object)


def size_of(column: Column) -> int:
    return len(column.codes if isinstance(column, Choices) else column)
