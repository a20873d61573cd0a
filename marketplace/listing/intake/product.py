"""One product folder -> a draft product, or every fault in it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from pydantic import ValidationError

from marketplace.catalog.values import FactorKind, ProductContent, RowSource, read_content, unmet_demands
from marketplace.kernel.canonical import sha256_hex
from marketplace.listing.intake.examples import check_examples
from marketplace.listing.intake.tariff import read_tariff_files, table_faults
from marketplace.listing.intake.toml import UNKNOWN, as_json, findings_of, line_of, read_toml
from marketplace.listing.values import DraftProduct, Files, Finding

FOLDER = re.compile(r"^products/([a-z0-9][a-z0-9-]{0,39})(@[a-z0-9-]{1,20})?/$")
MEDIA_TYPES = {".md": "text/markdown", ".pdf": "application/pdf"}
_PDF_START = b"%PDF-"
_STANDS_IN = {"en": "–"}
"""Words where there are none, so that the rest can be looked at."""


@dataclass(slots=True)
class ProductReading:
    product: DraftProduct | None = None
    findings: list[Finding] = field(default_factory=list)


def read_product(folder: str, files: Files, effective: tuple[date, date | None]) -> ProductReading:
    """The product in `folder` (ends with a slash); `effective` is the catalog's range, which the product may narrow."""
    reading = ProductReading()
    path = f"{folder}product.toml"
    data, findings = read_toml(path, files[path])
    reading.findings += findings
    if data is None:
        return reading
    effective = _effective(path, files[path], data.pop("effective", {}), effective, reading.findings)
    documents = _documents(folder, files, data, reading.findings)
    questions = _questions(folder, files, reading.findings)
    content = _content(folder, files, {**data, "questions": questions}, reading.findings)
    if content is None:
        reading.findings += table_faults(folder, files, data)
        return reading
    reading.findings += _content_faults(folder, files, content)
    tariff = read_tariff_files(folder, files, content, effective)
    reading.findings += tariff.findings
    examples = f"{folder}examples.csv"
    if tariff.tariff is not None and tariff.rater is not None:
        reading.findings += check_examples(examples, files.get(examples), tariff.tariff, tariff.rater, content)
    expected = {path, f"{folder}questions.toml", f"{folder}tariff.toml", examples, *tariff.used, *documents}
    if tariff.tariff is None and not tariff.used:  # which tables are used is not known
        expected |= {name for name in files if name.startswith(f"{folder}tables/")}
    reading.findings += [Finding(name, "file_not_used") for name in sorted(files) if name not in expected]
    if tariff.tariff is not None and not reading.findings:
        kept = tuple((each, files[f"{folder}documents/{each.file}"]) for each in content.documents)
        reading.product = DraftProduct(folder, content, tariff.tariff, kept, *effective)
    return reading


def _effective(
    path: str, source: bytes, given: Any, catalog: tuple[date, date | None], findings: list[Finding]
) -> tuple[date, date | None]:
    start, end = catalog
    if not isinstance(given, dict):
        findings.append(Finding(path, "wrong_kind", line_of(source, ["effective"]), "effective", right="from, to"))
        return catalog
    for name, value in given.items():
        right = "from, to" if name not in ("from", "to") else "2026-01-01"
        if name not in ("from", "to") or type(value) is not date:
            code = "unknown_field" if name not in ("from", "to") else "not_a_day"
            row = line_of(source, ["effective", name])
            findings.append(Finding(path, code, row, f"effective.{name}", str(value), right))
        elif name == "from":
            start = value
        else:
            end = value
    if given and end is not None and end <= start:
        row = line_of(source, ["effective", "to"])
        findings.append(Finding(path, "ends_before_start", row, "effective.to", str(end), f"> {start}"))
    return start, end


def _documents(folder: str, files: Files, data: dict[str, Any], findings: list[Finding]) -> set[str]:
    """Adds hash, size and media type to the documents that product.toml names; gives the paths that were named."""
    path, source = f"{folder}product.toml", files[f"{folder}product.toml"]
    named: set[str] = set()
    entries = data.get("documents", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return named
    kept: list[dict[str, Any]] = []
    for index, entry in enumerate(entries):
        file = f"{folder}documents/{entry.get('file', '')}"
        row, column = line_of(source, ["documents", index, "file"]), f"documents.{index}.file"
        content = files.get(file)
        if content is None:
            findings.append(Finding(path, "document_missing", row, column, str(entry.get("file", "")), file))
            continue
        named.add(file)
        media_type = MEDIA_TYPES.get(file[file.rfind(".") :].lower(), "")
        findings += _document_faults(file, content, media_type)
        kept.append({**entry, "sha256": sha256_hex(content), "size": len(content), "media_type": media_type})
    data["documents"] = kept
    return named


def _document_faults(file: str, content: bytes, media_type: str) -> Iterator[Finding]:
    if not content.strip():
        yield Finding(file, "empty_file")
    if media_type == "application/pdf" and not content.startswith(_PDF_START):
        yield Finding(file, "not_a_pdf")
    if media_type == "text/markdown":
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            yield Finding(file, "not_utf8", row=content[: error.start].count(b"\n") + 1)


def _questions(folder: str, files: Files, findings: list[Finding]) -> Any:
    path = f"{folder}questions.toml"
    if path not in files:
        return []
    data, faults = read_toml(path, files[path])
    findings += faults
    if data is None:
        return []
    for name in data.keys() - {"questions"}:
        findings.append(Finding(path, "unknown_field", line_of(files[path], [name]), name, right="questions"))
    return data.get("questions", [])


def _content(folder: str, files: Files, data: dict[str, Any], findings: list[Finding]) -> ProductContent | None:
    path, questions = f"{folder}product.toml", f"{folder}questions.toml"
    code = folder.removeprefix("products/").rstrip("/").partition("@")[0]
    given = data.pop("code", code)
    if given != code:
        findings.append(Finding(path, "other_code", line_of(files[path], ["code"]), "code", str(given), code))
    told = {**data, "code": code}
    try:
        return read_content(as_json(told))
    except ValidationError as error:
        by_product = findings_of(path, files[path], error)
        by_question = findings_of(questions, files.get(questions, b""), error)
        findings += [
            second if second.column.startswith("questions") else first
            for first, second in zip(by_product, by_question, strict=True)
        ]
        findings += _further_faults(folder, files, told, error)
        return None


def _further_faults(folder: str, files: Files, told: dict[str, Any], error: ValidationError) -> list[Finding]:
    """What is wrong beside the fields that are faulty, so that all is told at once; nothing where the rest cannot be
    read without them. Beside a name that nobody knows nothing is demanded: it may be meant.
    """
    faulty = {".".join(map(str, fault["loc"])): fault for fault in error.errors(include_url=False)}
    rest = _content_without(told, [fault["loc"] for fault in faulty.values()])
    if rest is None:
        return []
    misnamed = {_table_of(name) for name, fault in faulty.items() if fault["type"] in UNKNOWN}
    return [
        each
        for each in _content_faults(folder, files, rest)
        if each.column not in faulty and _table_of(each.column) not in misnamed
    ]


def _content_without(told: dict[str, Any], locations: Sequence[tuple[str | int, ...]]) -> ProductContent | None:
    """What is read beside the values at these places; words stand in for those that cannot be missing."""
    rest = _without(told, locations)
    try:
        return read_content(as_json(rest))
    except ValidationError as error:
        missing = [fault["loc"] for fault in error.errors(include_url=False) if fault["type"] == "missing"]
    try:
        return read_content(as_json(rest | {str(loc[0]): _STANDS_IN for loc in missing if loc[1:] in ((), ("en",))}))
    except ValidationError:
        return None


def _table_of(field: str) -> str:
    return field.rpartition(".")[0]


def _without(data: Any, locations: Iterable[tuple[str | int, ...]]) -> Any:
    """A copy of nested tables without the values at these places; places inside lists stay."""
    if not isinstance(data, dict):
        return data
    below: dict[str | int, list[tuple[str | int, ...]]] = {}
    for first, *further in locations:
        below.setdefault(first, []).append(tuple(further))
    return {name: _without(value, below.get(name, ())) for name, value in data.items() if () not in below.get(name, ())}


def _demand_faults(folder: str, files: Files, content: ProductContent) -> Iterator[Finding]:
    """What the profile demands and the content lacks."""
    path, source = f"{folder}product.toml", files[f"{folder}product.toml"]
    for unmet in unmet_demands(content):
        location: list[str | int] = [int(part) if part.isdigit() else part for part in unmet.field.split(".")]
        asked = unmet.field.startswith("questions")
        file, text = (f"{folder}questions.toml", files.get(f"{folder}questions.toml", b"")) if asked else (path, source)
        yield Finding(
            file,
            f"demand_{unmet.reason}",
            line_of(text, location),
            unmet.field,
            unmet.found or content.profile,
            unmet.requirement,
        )


def _content_faults(folder: str, files: Files, content: ProductContent) -> Iterator[Finding]:
    """What the profile demands, and names that must be names of this product or line."""
    yield from _demand_faults(folder, files, content)
    path, source = f"{folder}product.toml", files[f"{folder}product.toml"]
    for where, code, value, right in _name_faults(content):
        yield Finding(path, code, line_of(source, where), ".".join(map(str, where)), value, right)


Fault = tuple[list[str | int], str, str, str]
"""Where, which code, which value, what would be right."""


def _name_faults(content: ProductContent) -> Iterator[Fault]:
    line = content.definition
    if content.currency != line.currency:
        yield ["currency"], "other_currency", content.currency, line.currency
    yield from _payment_faults(content)
    yield from _eligibility_faults(content)
    yield from _factor_faults(content)
    rows = {row.key for row in line.rows if row.source is RowSource.FACT}
    for name in content.facts:
        if name not in rows:
            yield ["facts", name], "unknown_field", name, ", ".join(sorted(rows))
    for place, codes in (
        ("covers", [each.code for each in content.covers]),
        ("exclusions", [each.code for each in content.exclusions]),
        ("carve_outs", [each.code for each in content.carve_outs]),
        ("questions", [each.id for each in content.questions]),
    ):
        for index, code in enumerate(codes):
            if code in codes[:index]:
                yield [place, index], "name_twice", code, ""


def _payment_faults(content: ProductContent) -> Iterator[Fault]:
    """One frequency, or the factor by which customers choose one; methods that can be paid by."""
    payment, asked = content.payment, content.definition.frequency_factor
    chosen = payment.frequency_factor
    if payment.frequency is None and chosen is None:
        yield ["payment", "frequency"], "missing", "", ""
    if payment.frequency is not None and chosen is not None:
        yield ["payment", "frequency_factor"], "frequency_twice", chosen, payment.frequency
    elif payment.frequency is not None and asked in content.eligibility:
        yield ["eligibility", str(asked)], "frequency_twice", str(asked), payment.frequency
    if chosen is not None and chosen != asked:
        yield ["payment", "frequency_factor"], "frequency_not_asked", chosen, asked or "frequency"
    for index, method in enumerate(payment.methods):
        if method in payment.methods[:index]:
            yield ["payment", "methods"], "name_twice", method, ""
        if not method.takes(content.currency):
            yield ["payment", "methods"], "method_not_for_currency", method, content.currency


def _eligibility_faults(content: ProductContent) -> Iterator[Fault]:
    factors = {factor.name: factor for factor in content.definition.factors}
    for name, allowed in content.eligibility.items():
        if name not in factors:
            yield ["eligibility", name], "unknown_factor", name, ", ".join(sorted(factors))
            continue
        for value in allowed.values:
            if factors[name].fault(value):
                yield ["eligibility", name, "values"], "bad_value", str(value), factors[name].possible


def _factor_faults(content: ProductContent) -> Iterator[Fault]:
    """Factors named in payment, term, limits and covers must count something in this line."""
    named: list[tuple[list[str | int], str | None]] = [
        (["payment", "times_factor"], content.payment.times_factor),
        (["term", "factor"], content.term.factor),
    ]
    for index, limit in enumerate(content.limits):
        named += [(["limits", index, "factors"], name) for name in limit.factors]
    named += [(["covers", index, "limit_factor"], cover.limit_factor) for index, cover in enumerate(content.covers)]
    counting = [factor.name for factor in content.definition.factors if factor.kind is FactorKind.INTEGER]
    for where, name in named:
        if name is not None and name not in counting:
            yield where, "unknown_factor", name, ", ".join(counting)
