"""Cells that a product needs and its tables lack. NumPy comes with it: whoever reads an upload has a process for it."""

from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from marketplace.catalog.values import ProductContent, Scalar
from marketplace.catalog.values.columns import Choices, combined, within
from marketplace.listing.values import Finding
from marketplace.rating.portfolio import PortfolioRater
from marketplace.rating.pricing import Rater
from marketplace.rating.values import Lookup, RiskOutOfRange, Tariff

MAX_COMBINATIONS = 500_000
MAX_GAPS_TOLD = 20


def gaps(files: Mapping[str, str], tariff: Tariff, many: PortfolioRater, content: ProductContent) -> list[Finding]:
    """Every risk the product says it insures must have its cell in every table asked; `files` has the file of each."""
    found: dict[tuple[str, str, str], Finding] = {}
    rater = None
    for step in (step for step in tariff.steps if isinstance(step, Lookup)):
        for risk in _suspects(many, tariff, step, content):
            rater = rater or Rater(tariff)  # one risk alone can be told what it lacks
            gap = rater.gap(step.table, risk)
            if gap is not None:
                finding = _finding(files[step.table], gap, risk)
                found.setdefault((finding.file, finding.column, finding.value), finding)
            if len(found) >= MAX_GAPS_TOLD:
                return list(found.values())
    return list(found.values())


def _finding(file: str, gap: RiskOutOfRange, risk: Mapping[str, Scalar]) -> Finding:
    """One finding for each path to the missing branch, not for every risk beyond it."""
    names = list(risk)
    way = names[: names.index(gap.factor) + 1]
    return Finding(file, "cell_missing", column=gap.factor, value=", ".join(f"{name} = {risk[name]}" for name in way))


def _suspects(
    many: PortfolioRater, tariff: Tariff, step: Lookup, content: ProductContent
) -> Iterator[dict[str, Scalar]]:
    """The risks for which the step's table has no cell; all of them, where it cannot be looked at as a whole."""
    names = next(table.factors for table in tariff.tables if table.name == step.table)
    columns = _eligible(names, step, content)
    if not columns:
        return
    suspected = many.missing(step.table, columns)
    for limit in content.limits:
        if set(limit.factors) <= set(names):
            suspected &= within(limit, columns)
    for place in np.flatnonzero(suspected).tolist():
        yield {name: columns[name].values[columns[name].codes[place]] for name in names}


def _eligible(names: tuple[str, ...], step: Lookup, content: ProductContent) -> dict[str, Choices]:
    """Every combination of the values that the step may meet, limits over several factors aside."""
    values: dict[str, tuple[Scalar, ...]] = {}
    for name in reversed(names):
        offered = content.definition.factor(name).eligible(content.accepted.get(name))
        values[name] = tuple(value for value in offered if name not in step.when or value in step.when[name])
    return combined(values, np.arange(min(prod(map(len, values.values())), MAX_COMBINATIONS)))
