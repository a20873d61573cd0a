"""Reading an upload: bytes -> a draft, or every finding. Pure: no database, no clock, nothing written."""

from marketplace.listing.intake.catalog import CatalogFile, read_catalog
from marketplace.listing.intake.container import check_files, pack, unpack
from marketplace.listing.intake.workbook.reading import as_files, read_workbook
from marketplace.listing.intake.workbook.xlsx import is_workbook, read_sheets
from marketplace.listing.values import Files, Finding, Reading

__all__ = ["CatalogFile", "check_files", "files_of", "pack", "read_catalog", "read_container", "unpack"]
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


def files_of(data: bytes) -> Files:
    """The text files that a container amounts to, whatever is wrong in them; none where it cannot be opened."""
    if is_workbook(data):
        return as_files(read_sheets(data)[0], {}).files
    files, _ = unpack(data)
    books = [name for name in files if name.lower().endswith(BOOK)]
    if not books:
        return {name: content for name, content in files.items() if name != FINDINGS}
    return as_files(read_sheets(files[books[0]])[0], _documents(files)).files


def _documents(files: Files) -> Files:
    """Those that lie beside a workbook, by their names."""
    return {name.removeprefix(DOCUMENTS): content for name, content in files.items() if name.startswith(DOCUMENTS)}


def _read_book(files: Files, books: list[str], insurer: str) -> Reading:
    """A zip with a workbook holds that one and its documents, nothing else."""
    stray = [name for name in files if name not in books and not name.startswith(DOCUMENTS)]
    findings = [Finding(name, "file_not_used", right=DOCUMENTS) for name in stray]
    findings += [Finding(name, "one_workbook_only", right=books[0]) for name in books[1:]]
    if findings:
        return Reading(tuple(findings))
    return read_workbook(files[books[0]], _documents(files), insurer)
