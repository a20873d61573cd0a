"""tariff.toml and its tables -> a tariff that fits the product, or every reason why not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any

from pydantic import TypeAdapter, ValidationError

from marketplace.catalog.values import LINES, LineDefinition, ProductContent, Scalar
from marketplace.listing.intake.tables import Days, TableEntry, days_outside, read_table
from marketplace.listing.intake.toml import as_json, findings_of, line_of, read_toml
from marketplace.listing.values import Files, Finding
from marketplace.rating.pricing import Rater
from marketplace.rating.values import Lookup, PerUnit, RiskOutOfRange, Tariff, TariffFault, read_tariff

MAX_COMBINATIONS = 100_000
MAX_GAPS_TOLD = 20
_ENTRIES: TypeAdapter[tuple[TableEntry, ...]] = TypeAdapter(tuple[TableEntry, ...])


@dataclass(frozen=True, slots=True)
class TariffReading:
    tariff: Tariff | None
    findings: tuple[Finding, ...]
    used: frozenset[str] = frozenset()


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
        tariff = read_tariff(as_json({**data, "tables": tables}))
    except ValidationError as error:
        return TariffReading(None, (*found, *findings_of(path, source, error)), used)
    found += _tariff_faults(path, source, tariff, content) if not found else []
    if found:
        return TariffReading(None, tuple(found), used)
    try:
        rater = Rater(tariff)
    except TariffFault as fault:
        location: list[str | int] = [int(part) if part.isdigit() else part for part in fault.where.split(".")]
        row = line_of(source, location)
        return TariffReading(None, (Finding(path, f"tariff_{fault.fault}", row, fault.where, fault.detail),), used)
    found = [*_gaps(folder, entries, rater, tariff, content), *_frequency_faults(path, rater, content)]
    return TariffReading(None if found else tariff, tuple(found), used)


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
) -> tuple[list[dict[str, Any]], list[Finding]]:
    tables: list[dict[str, Any]] = []
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
        tables.append(
            {
                "name": entry.name,
                "value": entry.value,
                "exact": entry.exact,
                "banded": entry.banded,
                "interpolated": entry.interpolated,
                "scale": entry.scale,
                "rows": reading.rows,
            }
        )
    return tables, findings


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


def _frequency_faults(path: str, rater: Rater, content: ProductContent) -> Iterator[Finding]:
    """A tariff that does not look at how often is paid would ask the premium of a year every month."""
    factor = content.payment.frequency_factor
    if factor is not None and len(content.frequencies) > 1 and factor not in rater.factors:
        yield Finding(path, "frequency_not_rated", column="steps", value=factor)


def _gaps(
    folder: str, entries: tuple[TableEntry, ...], rater: Rater, tariff: Tariff, content: ProductContent
) -> list[Finding]:
    """Every risk the product says it insures must have its cell in every table that is asked."""
    files = {entry.name: f"{folder}{entry.file}" for entry in entries}
    found: dict[tuple[str, str, str], Finding] = {}
    for table in tariff.tables:
        for step in (step for step in tariff.steps if isinstance(step, Lookup) and step.table == table.name):
            for risk in _eligible_risks(table.factors, step, content):
                gap = rater.gap(table.name, risk)
                if gap is not None:
                    finding = _gap_finding(files[table.name], gap, risk)
                    found.setdefault((finding.file, finding.column, finding.value), finding)
                if len(found) >= MAX_GAPS_TOLD:
                    return list(found.values())
    return list(found.values())


def _gap_finding(file: str, gap: RiskOutOfRange, risk: Mapping[str, Scalar]) -> Finding:
    """One finding for each path to the missing branch, not for every risk beyond it."""
    names = list(risk)
    way = names[: names.index(gap.factor) + 1]
    return Finding(file, "cell_missing", column=gap.factor, value=", ".join(f"{name} = {risk[name]}" for name in way))


def _eligible_risks(names: tuple[str, ...], step: Lookup, content: ProductContent) -> Iterator[dict[str, Scalar]]:
    values = []
    for name in names:
        offered = content.definition.factor(name).eligible(content.accepted.get(name))
        values.append([v for v in offered if name not in step.when or v in step.when[name]])
    limits = [limit for limit in content.limits if set(limit.factors) <= set(names)]
    for combination in islice(product(*values), MAX_COMBINATIONS):
        risk = dict(zip(names, combination, strict=True))
        if all(limit.includes(risk) for limit in limits):
            yield risk
