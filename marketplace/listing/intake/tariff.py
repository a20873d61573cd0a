"""tariff.toml and its tables -> a tariff that fits the product, or every reason why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from marketplace.catalog.values import LINES, LineDefinition, ProductContent
from marketplace.listing.intake.tables import Days, TableEntry, days_outside, read_table
from marketplace.listing.intake.toml import as_json, findings_of, line_of, read_toml
from marketplace.listing.values import Files, Finding
from marketplace.rating.values import PerUnit, Table, Tariff, TariffFault, read_tariff

if TYPE_CHECKING:
    from marketplace.rating.portfolio import PortfolioRater

_ENTRIES: TypeAdapter[tuple[TableEntry, ...]] = TypeAdapter(tuple[TableEntry, ...])


@dataclass(frozen=True, slots=True)
class TariffReading:
    """`tariff` is there without findings only, and `rater` is for many risks at once: nothing is rated here but whole
    tables and whole files of examples.
    """

    tariff: Tariff | None
    findings: tuple[Finding, ...]
    used: frozenset[str] = frozenset()
    rater: "PortfolioRater | None" = None


def read_tariff_files(folder: str, files: Files, content: ProductContent, on_sale: Days) -> TariffReading:
    """The tariff of the product in `folder` (`products/<code>/`), which is on sale in these days."""
    path = f"{folder}tariff.toml"
    if path not in files:
        return TariffReading(None, (Finding(path, "file_missing"),))
    source = files[path]
    data, findings = read_toml(path, source)
    if data is None:
        return TariffReading(None, findings)
    entries, findings = _entries(path, source, data)
    if findings:
        return TariffReading(None, findings)
    found = list(_unknown_factors(path, source, entries, content.definition))
    used = frozenset(f"{folder}{entry.file}" for entry in entries)
    if found:
        return TariffReading(None, tuple(found), used)
    tables, found = _read_tables(folder, files, entries, content.definition, content.currency, on_sale=on_sale)
    try:
        tariff = replace(read_tariff(as_json({**data, "tables": []})), tables=tables)
    except ValidationError as error:
        return TariffReading(None, (*found, *findings_of(path, source, error)), used)
    found += _tariff_faults(path, source, tariff, content) if not found else []
    if found:
        return TariffReading(None, tuple(found), used)
    from marketplace.listing.intake.gaps import gaps  # noqa: PLC0415  NumPy comes with it
    from marketplace.rating.portfolio import rater_of_many  # noqa: PLC0415  as above

    try:
        rater = rater_of_many(tariff)
    except TariffFault as fault:
        location: list[str | int] = [int(part) if part.isdigit() else part for part in fault.where.split(".")]
        row = line_of(source, location)
        return TariffReading(None, (Finding(path, f"tariff_{fault.fault}", row, fault.where, fault.detail),), used)
    table_files = {entry.name: f"{folder}{entry.file}" for entry in entries}
    found = [*gaps(table_files, tariff, rater, content), *_frequency_faults(path, rater, content)]
    return TariffReading(None if found else tariff, tuple(found), used, rater)


def table_faults(folder: str, files: Files, product: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What is wrong with the numbers of a product whose other fields cannot be read, as far as its line is known."""
    path = f"{folder}tariff.toml"
    source, currency = files.get(path, b""), str(product.get("currency"))
    lines = [definition for line, definition in LINES.items() if line.value == product.get("line")]
    data, _ = read_toml(path, source)
    if not lines or data is None:
        return ()
    entries, findings = _entries(path, source, data)
    findings += tuple(_unknown_factors(path, source, entries, lines[0]))
    return findings or tuple(_read_tables(folder, files, entries, lines[0], currency)[1])


def _entries(path: str, source: bytes, data: Mapping[str, Any]) -> tuple[tuple[TableEntry, ...], tuple[Finding, ...]]:
    try:
        return _ENTRIES.validate_json(as_json(data.get("tables", [])), strict=True), ()
    except ValidationError as error:
        return (), tuple(_under("tables", findings_of(path, source, error), source))


def _under(name: str, findings: tuple[Finding, ...], source: bytes) -> Iterator[Finding]:
    for each in findings:
        location: list[str | int] = [name, *(int(p) if p.isdigit() else p for p in each.column.split("."))]
        column = ".".join(map(str, location))
        yield Finding(each.file, each.code, line_of(source, location), column, each.value, each.right)


def _unknown_factors(
    path: str, source: bytes, entries: tuple[TableEntry, ...], line: LineDefinition
) -> Iterator[Finding]:
    names = {factor.name for factor in line.factors}
    for index, entry in enumerate(entries):
        kinds = (("exact", entry.exact), ("banded", entry.banded), ("interpolated", entry.interpolated))
        for kind, given in kinds:
            for name in given:
                if name not in names:
                    row = line_of(source, ["tables", index, kind])
                    yield Finding(path, "unknown_factor", row, f"tables.{index}.{kind}", name, ", ".join(sorted(names)))


def _read_tables(
    folder: str,
    files: Files,
    entries: tuple[TableEntry, ...],
    line: LineDefinition,
    currency: str,
    *,
    on_sale: Days | None = None,
) -> tuple[tuple[Table, ...], list[Finding]]:
    tables: list[Table] = []
    findings: list[Finding] = []
    for entry in entries:
        file = f"{folder}{entry.file}"
        if file not in files:
            findings.append(Finding(file, "file_missing"))
            continue
        reading = read_table(file, files[file], entry, line, currency)
        findings += reading.findings
        if on_sale and line.start_factor:
            findings += days_outside(file, entry, reading, line.start_factor, on_sale)
        tables.append(entry.table(tuple(reading.rows)))
    return tuple(tables), findings


def _tariff_faults(path: str, source: bytes, tariff: Tariff, content: ProductContent) -> list[Finding]:
    """A currency that is not the product's, and factors the line does not have."""
    if tariff.currency != content.currency:
        row = line_of(source, ["currency"])
        return [Finding(path, "other_currency", row, "currency", tariff.currency, content.currency)]
    names = {factor.name for factor in content.definition.factors}
    found: list[Finding] = []
    for index, step in enumerate(tariff.steps):
        mentioned = [("when", name) for name in step.when]
        mentioned += [("factors", name) for name in step.factors] if isinstance(step, PerUnit) else []
        for field, name in mentioned:
            if name not in names:
                where: list[str | int] = ["steps", index, field]
                column = ".".join(map(str, where))
                found.append(
                    Finding(path, "unknown_factor", line_of(source, where), column, name, ", ".join(sorted(names)))
                )
    return found


def _frequency_faults(path: str, rater: "PortfolioRater", content: ProductContent) -> Iterator[Finding]:
    """A tariff that does not look at how often is paid would ask the premium of a year every month."""
    factor = content.payment.frequency_factor
    if factor is not None and len(content.frequencies) > 1 and factor not in rater.factors:
        yield Finding(path, "frequency_not_rated", column="steps", value=factor)
