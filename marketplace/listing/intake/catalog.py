"""The files of a catalog -> a draft, or every finding."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from marketplace.catalog.values import Record
from marketplace.listing.intake.container import check_files
from marketplace.listing.intake.product import FOLDER, read_product
from marketplace.listing.intake.toml import as_json, findings_of, line_of, read_toml
from marketplace.listing.values import Draft, DraftProduct, Files, Finding, Reading


@dataclass(frozen=True, slots=True)
class CatalogFile(Record):
    """catalog.toml: whose catalog, what it is called, from when until before when it is on sale."""

    format: Literal["evenfold-catalog/1"]
    insurer: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
    label: Annotated[str, Field(min_length=1, max_length=200)]
    effective_from: date
    effective_to: date | None = None


_CATALOG: TypeAdapter[CatalogFile] = TypeAdapter(CatalogFile)


def read_catalog(files: Files, insurer: str) -> Reading:
    """The files of a catalog -> draft or findings; a draft comes only without findings."""
    findings = list(check_files(files))
    if findings:
        return Reading(tuple(findings))
    head = _head(files, insurer, findings)
    effective = (head.effective_from, head.effective_to) if head else (date.min, None)  # to find what else is wrong
    folders = _folders(files, findings)
    products: list[DraftProduct] = []
    for folder in sorted(folders):
        reading = read_product(folder, folders[folder], effective)
        findings += reading.findings
        if reading.product is not None:
            products.append(reading.product)
    if not folders:
        findings.append(Finding("", "no_product", right="products/<code>/product.toml"))
    findings += _overlaps(products)
    if findings or head is None:
        return Reading(tuple(findings))
    return Reading((), Draft(head.insurer, head.label, tuple(products)))


def _head(files: Files, insurer: str, findings: list[Finding]) -> CatalogFile | None:
    path = "catalog.toml"
    if path not in files:
        findings.append(Finding(path, "file_missing"))
        return None
    data, faults = read_toml(path, files[path])
    findings += faults
    if data is None:
        return None
    try:
        head = _CATALOG.validate_json(as_json(data), strict=True)
    except ValidationError as error:
        findings += findings_of(path, files[path], error)
        return None
    if head.insurer != insurer:
        row = line_of(files[path], ["insurer"])
        findings.append(Finding(path, "other_insurer", row, "insurer", head.insurer, insurer))
    if head.effective_to is not None and head.effective_to <= head.effective_from:
        row, right = line_of(files[path], ["effective_to"]), f"> {head.effective_from}"
        findings.append(Finding(path, "ends_before_start", row, "effective_to", str(head.effective_to), right))
    return head


def _folders(files: Files, findings: list[Finding]) -> dict[str, Files]:
    """The files of each product folder; whatever belongs to none is a finding."""
    folders = {path.removesuffix("product.toml") for path in files if path.endswith("/product.toml")}
    found: dict[str, dict[str, bytes]] = {}
    for path, data in files.items():
        parts = path.split("/")
        folder = "/".join(parts[:2]) + "/"
        if folder in folders and FOLDER.match(folder):
            found.setdefault(folder, {})[path] = data
        elif path != "catalog.toml":
            findings.append(Finding(path, "file_not_used", right="products/<code>/"))
    return dict(found)


def _overlaps(products: list[DraftProduct]) -> list[Finding]:
    """Two versions of one product in one catalog must not be on sale on the same day."""
    found: list[Finding] = []
    for index, later in enumerate(products):
        for earlier in products[:index]:
            if later.content.code != earlier.content.code:
                continue
            first, second = sorted((earlier, later), key=lambda each: each.effective_from)
            if first.effective_to is None or first.effective_to > second.effective_from:
                path = f"{second.folder}product.toml"
                found.append(
                    Finding(path, "versions_overlap", None, "effective.from", str(second.effective_from), first.folder)
                )
    return found
