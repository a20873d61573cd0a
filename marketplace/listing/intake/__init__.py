"""Reading an upload: bytes -> a draft, or every finding. Pure: no database, no clock, nothing written."""

from marketplace.listing.intake.catalog import CatalogFile, read_catalog
from marketplace.listing.intake.container import check_files, pack, unpack
from marketplace.listing.intake.workbook.reading import read_workbook
from marketplace.listing.intake.workbook.xlsx import is_workbook
from marketplace.listing.values import Files, Finding, Reading

__all__ = ["CatalogFile", "check_files", "pack", "read_catalog", "read_container", "unpack"]
BOOK = ".xlsx"
DOCUMENTS = "documents/"
FINDINGS = "findings.csv"
"""The list in a marked copy, which comes back with what was mended."""


def read_container(data: bytes, insurer: str) -> Reading:
    """A workbook, a zip, or a workbook in a zip with its documents -> draft or findings.

    `insurer` is the code of the insurer who uploads.
    """
    if is_workbook(data):
        return read_workbook(data, {}, insurer)
    files, findings = unpack(data)
    if findings:
        return Reading(findings)
    files = {name: data for name, data in files.items() if name != FINDINGS}
    books = [name for name in files if name.lower().endswith(BOOK)]
    return _read_book(files, books, insurer) if books else read_catalog(files, insurer)


def _read_book(files: Files, books: list[str], insurer: str) -> Reading:
    """A zip with a workbook holds that one and its documents, nothing else."""
    stray = [name for name in files if name not in books and not name.startswith(DOCUMENTS)]
    findings = [Finding(name, "file_not_used", right=DOCUMENTS) for name in stray]
    findings += [Finding(name, "one_workbook_only", right=books[0]) for name in books[1:]]
    if findings:
        return Reading(tuple(findings))
    documents = {name.removeprefix(DOCUMENTS): data for name, data in files.items() if name not in books}
    return read_workbook(files[books[0]], documents, insurer)
