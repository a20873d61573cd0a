"""Files that an insurer takes along: the template of a catalog, what it uploaded as a workbook, and the same with every
finding marked.
"""

from pathlib import Path

from marketplace.catalog.values import Line
from marketplace.infra import spreadsheet, storage
from marketplace.infra.confinement import NoAnswerError
from marketplace.infra.formatting import gettext as _
from marketplace.listing.intake import BOOK, DOCUMENTS, FINDINGS, pack
from marketplace.listing.intake.confined import files_confined, mark_confined
from marketplace.listing.intake.example import example_files
from marketplace.listing.intake.passage import Marks, Note
from marketplace.listing.intake.wording import explain
from marketplace.listing.intake.workbook.xlsx import is_workbook
from marketplace.listing.values import FileCopy, Finding, Upload, WorkbookNotFound

ZIP = "application/zip"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def template(insurer_code: str, line: Line) -> bytes:
    """The workbook to be filled in: a complete example of term life, else a frame of the line, explained."""
    from marketplace.listing.intake.workbook.writing import frame, write_workbook  # noqa: PLC0415  NumPy comes with it

    files = example_files() if line is Line.TERM_LIFE else dict(frame(line))
    code = f'insurer = "{insurer_code}"\n'.encode()
    head = [line for line in files["catalog.toml"].splitlines(keepends=True) if not line.startswith(b"insurer")]
    return write_workbook({**files, "catalog.toml": b"".join(head) + code})


def marked_copy(upload: Upload) -> FileCopy:
    """What was uploaded with its findings marked and listed in the reader's language.

    Where it cannot be opened a second time, the list alone.
    """
    data = storage.get(upload.sha256)
    headings = (_("Sheet or file"), _("Place"), _("Field"), _("Value"), _("What is wrong"), _("What would be right"))
    marks = Marks(headings, _("Evenfold"), tuple(map(_note, upload.findings)))
    try:
        copy = mark_confined(data, marks)
    except NoAnswerError:
        return FileCopy("marked.zip", ZIP, pack({FINDINGS: spreadsheet.csv_bytes(headings, marks.rows())}))
    return FileCopy("marked.xlsx", XLSX, copy) if is_workbook(data) else FileCopy("marked.zip", ZIP, copy)


def workbook_of(upload: Upload) -> FileCopy:
    """The catalog of an upload as a workbook, to be changed and uploaded anew; with its PDF files in a zip.

    Raises WorkbookNotFound where something was found in it, or it cannot be opened.
    """
    from marketplace.listing.intake.workbook.writing import write_workbook  # noqa: PLC0415  NumPy comes with it

    files = {} if upload.findings else files_confined(storage.get(upload.sha256))
    if not files:
        raise WorkbookNotFound
    book = write_workbook(files)
    papers = {f"{DOCUMENTS}{Path(name).name}": data for name, data in files.items() if name.endswith(".pdf")}
    if papers:
        return FileCopy("catalog.zip", ZIP, pack({f"catalog{BOOK}": book, **papers}))
    return FileCopy(f"catalog{BOOK}", XLSX, book)


def _note(finding: Finding) -> Note:
    said = explain(finding)
    place = finding.cell or str(finding.row or "")
    return Note(finding.file, place, finding.cell, finding.column, finding.value, said.wrong, said.right)
