"""A copy of what was uploaded with every fault marked where it stands; runs in the child process."""

import io
from collections import defaultdict

from openpyxl import Workbook, load_workbook
from openpyxl.cell import MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from marketplace.infra import spreadsheet
from marketplace.listing.intake import FINDINGS
from marketplace.listing.intake.container import pack, unpack
from marketplace.listing.intake.passage import Marks, Note
from marketplace.listing.intake.workbook import layout
from marketplace.listing.intake.workbook.writing import headings, put
from marketplace.listing.intake.workbook.xlsx import is_workbook

_FAULTY = PatternFill("solid", fgColor="F6C6BE")
_WIDTHS = (26, 10, 26, 40, 60, 60)


def rehearse() -> None:
    """Mark a book of one cell: openpyxl loads modules late, and after the door is shut it could not."""
    book, data = Workbook(), io.BytesIO()
    book.save(data)
    note = Note(book.sheetnames[0], "A1", "A1", "", "", "", "")
    mark(data.getvalue(), Marks(("",) * len(_WIDTHS), "", (note,)))


def mark(data: bytes, marks: Marks) -> bytes:
    """A workbook with its faulty cells coloured and commented, or the files of a zip with a list of what was found."""
    if is_workbook(data):
        return _marked_book(data, marks)
    files, faults = unpack(data)
    told = {FINDINGS: spreadsheet.csv_bytes(marks.headings, marks.rows())}
    if faults:  # not to be unpacked
        return pack(told)
    books = {name: _marked_book(files[name], marks) for name in files if name.lower().endswith(".xlsx")}
    return pack({**files, **books, **told})


def _marked_book(data: bytes, marks: Marks) -> bytes:
    book = load_workbook(io.BytesIO(data), keep_links=False)
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in marks.notes:
        if each.cell and each.file in book.sheetnames:
            said[each.file, each.cell].append(f"{each.wrong} {each.right}".strip())
    for (sheet, cell), sentences in said.items():
        marked = book[sheet][cell]
        if not isinstance(marked, MergedCell):
            marked.fill = _FAULTY
            marked.comment = Comment("\n".join(sentences), marks.author, height=120, width=320)
    _list(book, marks)
    copy = io.BytesIO()
    book.save(copy)
    return copy.getvalue()


def _list(book: Workbook, marks: Marks) -> None:
    """The sheet that lists all findings; that of an earlier copy goes."""
    name = layout.IGNORED[1]
    if name in book.sheetnames:
        del book[name]
    sheet = book.create_sheet(name, 0)
    headings(sheet, marks.headings, _WIDTHS)
    for row, texts in enumerate(marks.rows(), 2):
        for column, text in enumerate(texts, 1):
            put(sheet, (row, column), text)
    book.active = 0
