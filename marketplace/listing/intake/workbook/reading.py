"""A workbook -> the text files of a catalog -> the one reader of catalogs; its findings brought back to the cells."""

from collections.abc import Iterator, Mapping

from marketplace.listing.intake.catalog import read_catalog
from marketplace.listing.intake.workbook import layout
from marketplace.listing.intake.workbook.cells import reference
from marketplace.listing.intake.workbook.product import FieldSheet, ProductSheets, Written
from marketplace.listing.intake.workbook.xlsx import Sheet, read_sheets
from marketplace.listing.values import Files, Finding, Reading


def read_workbook(data: bytes, documents: Files, insurer: str) -> Reading:
    """Draft or findings. `documents` are the files beside the workbook."""
    sheets, findings = read_sheets(data)
    if findings:
        return Reading(findings)
    written = as_files(sheets, documents)
    reading = read_catalog(written.files, insurer)
    if not written.findings and not reading.findings:
        return reading
    told = {(each.file, each.cell) for each in written.findings if each.cell}
    further = written.origins.located(reading.findings)
    return Reading((*written.findings, *(each for each in further if (each.file, each.cell) not in told)))


def as_files(sheets: list[Sheet], documents: Files) -> Written:
    """The workbook as the files of a catalog."""
    written = Written()
    read = {sheet.name: sheet for sheet in sheets if sheet.name not in layout.IGNORED}
    for sheet in read.values():
        written.findings += (*sheet.faults, *_cell_faults(sheet))
    catalog = read.get(layout.CATALOG, Sheet(layout.CATALOG))
    lines = FieldSheet(catalog, "catalog.toml", layout.catalog_fields(), None, written).lines()
    if layout.CATALOG in read:
        written.files["catalog.toml"] = ("\n".join(lines) + "\n").encode()
    products = [name for name, sheet in read.items() if name != layout.CATALOG and _is_product(sheet)]
    folders = set[str]()
    for name in products:
        product = ProductSheets(name, read, written)
        if product.folder in folders:
            written.findings.append(Finding(name, "name_twice", value=product.folder))
        folders.add(product.folder)
        product.write(documents)
    return _with_strays(written, read, products, documents)


def _with_strays(written: Written, read: Mapping[str, Sheet], products: list[str], documents: Files) -> Written:
    """What belongs to nothing: sheets, and documents that no product names."""
    used = {place.sheet for place in written.origins.fields.values()}
    used |= {sheet for sheet, _ in written.origins.tables.values()}
    first = products[0] if products else "…"
    possible = ", ".join([layout.CATALOG, *(f"{first} {part}" for part in layout.part_names())])
    for name in read:
        if name not in used:
            written.findings.append(Finding(name, "sheet_unknown", right=possible))
    for name in documents:
        if f"documents/{name}" not in used:
            written.findings.append(Finding(f"documents/{name}", "file_not_used"))
    return written


def _is_product(sheet: Sheet) -> bool:
    return sheet.text(1, 1).lower() == layout.FIELD


def _cell_faults(sheet: Sheet) -> Iterator[Finding]:
    for row, given in sheet.rows.items():
        for column, cell in given.items():
            if cell.fault:
                heading = sheet.text(1, column) if row > 1 else ""
                yield Finding(sheet.name, cell.fault, row, heading, cell.text[:80], cell.right, reference(row, column))
