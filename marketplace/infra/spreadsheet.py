"""Tables for download, as CSV or as a workbook, whose words a spreadsheet opens as text, whatever the cells say.

A cell that begins with `=`, `+`, `-`, `@` (also in full width, which spreadsheets in an East Asian language may read as
the plain sign), a tab, a line end or NUL could be run as a formula. It gets an apostrophe in front (OWASP ASVS 5.0.0,
1.2.10, and "CSV Injection"); a negative number is a number and stays one. In a workbook a text is of the type text, and
needs no apostrophe.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

MEDIA_TYPE = "text/csv; charset=utf-8"
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_DIGITS = 15  # more a spreadsheet does not keep
_DANGEROUS = re.compile(r"[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n\0]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The table in UTF-8 with a byte order mark (without it some programs guess another encoding), CRLF line ends."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(map(_harmless, header))
    writer.writerows(map(_harmless, row) for row in rows)
    return text.getvalue().encode("utf-8-sig")


def xlsx_bytes(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The table as a workbook of one sheet, its head standing still; numbers are numbers with their decimals."""
    from openpyxl import Workbook  # noqa: PLC0415  NumPy comes with it, which the site does without

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for row in (header, *rows):
        sheet.append([_cell(sheet, text) for text in row])
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _cell(sheet: "WriteOnlyWorksheet", text: str) -> "Cell":
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415  as above
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE  # noqa: PLC0415  as above

    cell: Cell = WriteOnlyCell(sheet)
    if _NUMBER.fullmatch(text) and len(text) <= _DIGITS:
        cell.value = Decimal(text)
        decimals = len(text.partition(".")[2])
        cell.number_format = f"0.{'0' * decimals}" if decimals else "0"
    else:
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", text) or None
        cell.data_type = "s" if cell.value else "n"
    return cell


def _harmless(cell: str) -> str:
    return f"'{cell}" if _DANGEROUS.match(cell) and not _NUMBER.fullmatch(cell) else cell.replace("\0", "")
