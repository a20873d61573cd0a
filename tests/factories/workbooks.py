"""The reference catalog as a workbook, to be changed cell by cell."""

import io
import re
import zipfile
from collections.abc import Callable
from functools import cache

from openpyxl import Workbook, load_workbook

from marketplace.listing.intake import read_container
from marketplace.listing.intake.workbook.writing import write_workbook
from marketplace.listing.values import Finding
from tests.factories.catalog import catalog_files, zipped

PRODUCT = "harbour-term"


@cache
def harbour_workbook() -> bytes:
    return write_workbook(catalog_files())


def saved(book: Workbook) -> bytes:
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def changed_workbook(change: Callable[[Workbook], object]) -> bytes:
    """The reference workbook after `change` as a spreadsheet program would save it."""
    book = load_workbook(io.BytesIO(harbour_workbook()))
    change(book)
    return saved(book)


def workbook_findings(data: bytes) -> tuple[Finding, ...]:
    reading = read_container(data, "harbour")
    assert (reading.draft is None) == bool(reading.findings)
    return reading.findings


def cell_of(sheet: str, field: str, column: str = "B") -> str:
    """The cell of a field on a sheet of fields."""
    book = load_workbook(io.BytesIO(harbour_workbook()))
    return next(f"{column}{row[0].row}" for row in book[sheet].iter_rows() if row[0].value == field)


_MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_INLINE = re.compile(rb't="inlineStr"><is>(.*?)</is>', re.DOTALL)


def with_shared_strings(data: bytes) -> bytes:
    """The workbook as spreadsheet programs write it: each text once, in a part of its own."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    texts: dict[bytes, int] = {}
    for name in [name for name in parts if name.startswith("xl/worksheets/sheet")]:
        parts[name] = _INLINE.sub(
            lambda match: b't="s"><v>%d</v>' % texts.setdefault(match[1], len(texts)), parts[name]
        )
    strings = b"".join(b"<si>%s</si>" % text for text in texts)
    parts["xl/sharedStrings.xml"] = (
        b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</sst>' % strings
    )
    relation = b'<Relationship Id="strings" Target="sharedStrings.xml" Type="http://x/sharedStrings"/></Relationships>'
    rels = "xl/_rels/workbook.xml.rels"
    return zipped(parts | {rels: parts[rels].replace(b"</Relationships>", relation)})
