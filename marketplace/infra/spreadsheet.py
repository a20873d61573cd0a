"""Tables for download as CSV that a spreadsheet opens as text, whatever the cells say.

A cell that begins with `=`, `+`, `-`, `@` (also in full width, which spreadsheets in an East Asian language may read as
the plain sign), a tab, a line end or NUL could be run as a formula. It gets an apostrophe in front (OWASP ASVS 5.0.0,
1.2.10, and "CSV Injection"); a negative number is a number and stays one.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

MEDIA_TYPE = "text/csv; charset=utf-8"
_DANGEROUS = re.compile(r"[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n\0]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The table in UTF-8 with a byte order mark (without it some programs guess another encoding), CRLF line ends."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(map(_harmless, header))
    writer.writerows(map(_harmless, row) for row in rows)
    return text.getvalue().encode("utf-8-sig")


def _harmless(cell: str) -> str:
    return f"'{cell}" if _DANGEROUS.match(cell) and not _NUMBER.fullmatch(cell) else cell.replace("\0", "")
