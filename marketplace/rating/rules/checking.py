"""Whether the steps of a tariff fit its tables and each other."""

from collections.abc import Mapping

from marketplace.rating.values import (
    Lookup,
    Multiply,
    PerUnit,
    Share,
    Step,
    Table,
    Tariff,
    TariffFault,
)


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


def rate_of(step: Step) -> str | None:
    """The rate a step works with: a literal, or the id of a look-up."""
    if isinstance(step, Multiply):
        return step.by
    return step.rate if isinstance(step, PerUnit | Share) else None


def first_asking(tariff: Tariff, factor: str) -> str:
    """The id of the first step that asks about a factor."""
    tables = {table.name: table.factors for table in tariff.tables}
    for step in tariff.steps:
        asked = tables[step.table] if isinstance(step, Lookup) else getattr(step, "factors", ())
        if factor in (*asked, *step.when):
            return step.id
    raise KeyError(factor)


def _check_references(
    step: Step, where: str, tables: Mapping[str, Table], seen: set[str], rates: Mapping[str, Lookup]
) -> None:
    if isinstance(step, Lookup):
        if step.table not in tables:
            raise TariffFault(f"{where}.table", "unknown_table", step.table)
        posts = tables[step.table].value == "amount"
        if posts != (step.line is not None and step.label is not None):
            raise TariffFault(f"{where}.line", "line_missing" if posts else "rate_has_line", step.id)
    reference = rate_of(step)
    if reference is not None and not reference[0].isdigit():
        if reference not in rates:
            raise TariffFault(f"{where}.{'by' if isinstance(step, Multiply) else 'rate'}", "unknown_rate", reference)
        if rates[reference].when and rates[reference].when != step.when:
            raise TariffFault(f"{where}.when", "rate_not_always_there", reference)
    for name in getattr(step, "of", ()):
        if name not in seen - set(rates):
            raise TariffFault(f"{where}.of", "unknown_step", name)
