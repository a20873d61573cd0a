"""Bytes of a workbook -> its cells, strictly: nothing is evaluated, guessed or fetched.

Read with expat and our own eyes, because a reader for everyday use hides what must be told here: hidden rows, merged
cells, the formula behind its last result (openpyxl's read-only mode tells none of them; calamine's process ends at a
cell A1 beside a cell XFD1048576). The declared dimension of a sheet is not looked at; each cell's own reference is.
"""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from posixpath import join, normpath
from xml.parsers import expat

from marketplace.listing.intake.workbook import cells
from marketplace.listing.intake.workbook.cells import Cell
from marketplace.listing.values import Finding

MAX_PARTS = 500
MAX_PART = 64 * 2**20
MAX_UNPACKED = 128 * 2**20
MAX_RATIO = 100
RATIO_FROM = 2**20
MAX_ROWS, MAX_COLUMNS = 100_000, 200
MAX_CELLS = 1_000_000
MAX_SHEETS = 200
MAX_DEPTH = 64
MAX_TEXT = 32_767
"""Characters in a cell: what spreadsheets themselves allow."""
MAX_WORDS = 32 * 2**20
_CONTENT_TYPES, _BOOK = "[Content_Types].xml", "xl/workbook.xml"
_FOREIGN = ("xl/externalLinks/", "xl/embeddings/", "xl/activeX/", "xl/connections.xml", "xl/queryTables/")
_OLD_FORMAT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(slots=True)
class Sheet:
    """The cells of a sheet that hold something, row -> column -> cell, both from 1; and the faults of the sheet."""

    name: str
    rows: dict[int, dict[int, Cell]] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)

    def text(self, row: int, column: int) -> str:
        cell = self.rows.get(row, {}).get(column)
        return "" if cell is None else cell.text.strip()


class NotAWorkbookError(Exception):
    """Why nothing of the file can be read; carries the finding."""

    def __init__(self, code: str, value: str = "", right: str = "", sheet: str = "") -> None:
        super().__init__(code)
        self.finding = Finding(sheet, code, value=value, right=right)


def is_workbook(data: bytes) -> bool:
    """Whether the bytes claim to be a workbook, new or old."""
    if data.startswith(_OLD_FORMAT):
        return True
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _CONTENT_TYPES in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def read_sheets(data: bytes) -> tuple[list[Sheet], tuple[Finding, ...]]:
    """Every sheet in the order of the workbook, or why there is none."""
    try:
        if data.startswith(_OLD_FORMAT):
            raise NotAWorkbookError("old_workbook")  # noqa: TRY301  one way out for all of them
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_parts(archive)
            return _read(archive), ()
    except NotAWorkbookError as fault:
        return [], (fault.finding,)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, KeyError) as error:
        return [], (Finding("", "not_a_workbook", value=str(error)[:200]),)


def _check_parts(archive: zipfile.ZipFile) -> None:
    """Sizes as declared (the zip reader holds the bytes to them), and what a workbook of numbers does not carry."""
    parts = archive.infolist()
    names = [part.filename for part in parts]
    if len(parts) > MAX_PARTS:
        raise NotAWorkbookError("too_many_files", str(len(parts)), str(MAX_PARTS))
    if len(set(names)) != len(names):
        raise NotAWorkbookError("not_a_workbook", "two parts of one name")
    if sum(part.file_size for part in parts) > MAX_UNPACKED or any(part.file_size > MAX_PART for part in parts):
        raise NotAWorkbookError("too_large", right=str(MAX_UNPACKED))
    for part in parts:
        if part.file_size > RATIO_FROM and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            raise NotAWorkbookError("bursting", part.filename, str(MAX_RATIO))
    if any("vbaproject" in name.lower() for name in names) or b"macroEnabled" in archive.read(_CONTENT_TYPES):
        raise NotAWorkbookError("macros")
    if any(name.startswith(_FOREIGN) for name in names):
        raise NotAWorkbookError("external_links", next(name for name in names if name.startswith(_FOREIGN)))


def _read(archive: zipfile.ZipFile) -> list[Sheet]:
    targets = _targets(archive)
    book = _Book()
    _parse(archive, _BOOK, book.start)
    if len(book.sheets) > MAX_SHEETS:
        raise NotAWorkbookError("too_many_sheets", str(len(book.sheets)), str(MAX_SHEETS))
    styles, shared = _Styles(), _Shared()
    for kind, reader in (("styles", styles), ("sharedStrings", shared)):
        for target in (part for part, type_ in targets.values() if type_.endswith(f"/{kind}")):
            _parse(archive, target, reader.start, reader.end, reader.data)
    sheets, left = [], MAX_CELLS
    for name, relation, visible in book.sheets:
        part, type_ = targets.get(relation, ("", ""))
        if not type_.endswith("/worksheet"):
            continue  # a sheet that is a chart holds no cells
        sheet = Sheet(name) if visible else Sheet(name, faults=[Finding(name, "hidden_sheet")])
        reading = _SheetReader(sheet, shared.texts, styles.days, from_1904=book.from_1904, left=left)
        _parse(archive, part, reading.start, reading.end, reading.data)
        left = reading.left
        sheets.append(sheet)
    return sheets


Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str], None]
Data = Callable[[str], None]


def _parse(
    archive: zipfile.ZipFile, part: str, start: Start, end: End = lambda _: None, data: Data | None = None
) -> None:
    """Hand the elements of a part to the handlers by their local names.

    A document type, and with it every entity, and a tree deeper than any sheet's are refused.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = 0

    def refuse(*_: object) -> None:
        raise NotAWorkbookError("document_type", part)

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise NotAWorkbookError("not_a_workbook", f"{part}: too deep")
        start(name[name.rfind(" ") + 1 :], attributes)

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(name[name.rfind(" ") + 1 :])

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler = opened, closed
    if data is not None:
        parser.CharacterDataHandler = data
    try:
        with archive.open(part) as stream:
            parser.ParseFile(stream)
    except expat.ExpatError as error:
        raise NotAWorkbookError("not_a_workbook", f"{part}: {error}") from error


def _targets(archive: zipfile.ZipFile) -> dict[str, tuple[str, str]]:
    """The parts that the workbook refers to, and as what; none outside of it."""
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, told: Mapping[str, str]) -> None:
        if name == "Relationship":
            if told.get("TargetMode") == "External":
                raise NotAWorkbookError("external_links", told.get("Target", "")[:200])
            target = told["Target"]
            found[told["Id"]] = (
                target.lstrip("/") if target.startswith("/") else normpath(join("xl", target)),
                told["Type"],
            )

    _parse(archive, "xl/_rels/workbook.xml.rels", start)
    return found


@dataclass(slots=True)
class _Book:
    sheets: list[tuple[str, str, bool]] = field(default_factory=list)
    from_1904: bool = False

    def start(self, name: str, told: Mapping[str, str]) -> None:
        if name == "sheet":
            relation = next(value for key, value in told.items() if key.endswith(" id"))
            self.sheets.append((told["name"], relation, told.get("state", "visible") == "visible"))
        elif name == "workbookPr":
            self.from_1904 = told.get("date1904", "0") in ("1", "true")


@dataclass(slots=True)
class _Styles:
    """Which of the styles that cells name show a day."""

    days: list[bool] = field(default_factory=list)
    codes: dict[int, str] = field(default_factory=dict)
    inside: bool = False

    def start(self, name: str, told: Mapping[str, str]) -> None:
        if name == "numFmt":
            self.codes[int(told["numFmtId"])] = told.get("formatCode", "")
        elif name == "cellXfs":
            self.inside = True
        elif name == "xf" and self.inside:
            number_format = int(told.get("numFmtId", "0"))
            self.days.append(cells.is_day_format(number_format, self.codes.get(number_format, "")))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self.inside = False

    def data(self, text: str) -> None:
        """Styles have no words."""


@dataclass(slots=True)
class _Words:
    """Gathers the text of an element's runs; how it is pronounced (`rPh`) is not part of it."""

    pieces: list[str] = field(default_factory=list)
    inside: bool = False
    spoken: bool = False

    def start(self, name: str, _told: Mapping[str, str]) -> None:
        if name == "rPh":
            self.spoken = True
        self.inside = name == "t" and not self.spoken

    def end(self, name: str) -> None:
        if name == "rPh":
            self.spoken = False
        self.inside = False

    def data(self, text: str) -> None:
        if self.inside:
            self.pieces.append(text)

    def taken(self) -> str:
        text = "".join(self.pieces)
        self.pieces.clear()
        return cells.words(text)


@dataclass(slots=True)
class _Shared(_Words):
    texts: list[Cell] = field(default_factory=list)
    length: int = 0

    def end(self, name: str) -> None:
        _Words.end(self, name)
        if name == "si":
            text = self.taken()
            self.length += len(text)
            if self.length > MAX_WORDS:
                raise NotAWorkbookError("too_much_text", right=str(MAX_WORDS))
            self.texts.append(_worded(text))


def _worded(text: str) -> Cell:
    if len(text) > MAX_TEXT:
        return Cell(text[:80], "text_too_long", str(MAX_TEXT))
    return Cell(text)


class _SheetReader:
    """Fills a sheet from its elements."""

    def __init__(self, sheet: Sheet, shared: list[Cell], days: list[bool], *, from_1904: bool, left: int) -> None:
        self.sheet, self.shared, self.days, self.from_1904, self.left = sheet, shared, days, from_1904, left
        self.row = self.column = 0
        self.kind, self.style = "n", 0
        self.value: list[str] = []
        self.formula: list[str] | None = None
        self.reading = ""
        self.words = _Words()
        self.hidden_columns: list[tuple[int, int]] = []
        self.hidden_rows: list[int] = []

    def start(self, name: str, told: Mapping[str, str]) -> None:
        match name:
            case "c":
                self._begin_cell(told)
            case "v":
                self.reading = "v"
            case "f":
                self.reading, self.formula = "f", []
            case "row":
                self.row, self.column = int(told.get("r", self.row + 1)), 0
                if told.get("hidden") in ("1", "true"):
                    self.hidden_rows.append(self.row)
            case "is":
                self.reading = "is"
            case "col" if told.get("hidden") in ("1", "true"):
                self.hidden_columns.append((int(told["min"]), int(told["max"])))
            case "mergeCell":
                row, _ = cells.position(told["ref"].partition(":")[0])
                where = told["ref"].partition(":")[0]
                self.sheet.faults.append(Finding(self.sheet.name, "merged_cells", row, value=told["ref"], cell=where))
            case _ if self.reading == "is":
                self.words.start(name, told)

    def data(self, text: str) -> None:
        if self.reading == "v":
            self.value.append(text)
        elif self.reading == "is":
            self.words.data(text)
        elif self.reading == "f" and self.formula is not None:
            self.formula.append(text)

    def end(self, name: str) -> None:
        if name == "c":
            self._end_cell()
        elif name in ("v", "f", "is"):
            self.reading = ""
        elif self.reading == "is":
            self.words.end(name)
        elif name == "sheetData":
            self.sheet.faults += self._hidden()

    def _begin_cell(self, told: Mapping[str, str]) -> None:
        if "r" in told:
            self.row, self.column = cells.position(told["r"])
        else:
            self.column += 1
        self.kind, self.style = told.get("t", "n"), int(told.get("s", "0"))
        self.value, self.formula = [], None

    def _end_cell(self) -> None:
        cell = self._cell()
        if cell is None or not (cell.text.strip() or cell.fault):
            return
        if self.row > MAX_ROWS or self.column > MAX_COLUMNS:
            ref = cells.reference(self.row, self.column)
            right = cells.reference(MAX_ROWS, MAX_COLUMNS)
            raise NotAWorkbookError("cell_out_of_reach", ref, right, self.sheet.name)
        self.left -= 1
        if self.left < 0:
            raise NotAWorkbookError("too_many_cells", right=str(MAX_CELLS), sheet=self.sheet.name)
        self.sheet.rows.setdefault(self.row, {})[self.column] = cell

    def _cell(self) -> Cell | None:
        """The cell just read; None for an empty one. A formula is told as one, its last result is not looked at."""
        if self.formula is not None:
            return Cell(f"={''.join(self.formula)}"[:80], "formula")
        raw = "".join(self.value).strip() if self.kind not in ("str", "inlineStr") else "".join(self.value)
        match self.kind:
            case "s":
                return self.shared[int(raw)] if raw else None
            case "inlineStr":
                return _worded(self.words.taken())
            case "str":
                return _worded(cells.words(raw))
            case "b":
                return Cell("yes" if raw == "1" else "no")
            case "e":
                return Cell(raw, "cell_error")
            case "d":
                return Cell(raw.removesuffix("T00:00:00"))
            case _ if not raw:
                return None
            case _ if self.style < len(self.days) and self.days[self.style]:
                return cells.day(raw, from_1904=self.from_1904)
            case _:
                return cells.number(raw)

    def _hidden(self) -> Iterator[Finding]:
        """Hidden rows and columns that hold something: what nobody sees is not to be sold."""
        name = self.sheet.name
        for row in self.hidden_rows:
            if row in self.sheet.rows:
                yield Finding(name, "hidden_row", row, value=str(row), cell=cells.reference(row, 1))
        for first, last in self.hidden_columns:
            within = [column for row in self.sheet.rows.values() for column in row if first <= column <= last]
            if within:
                ref = cells.reference(1, min(within))
                yield Finding(name, "hidden_column", 1, value=ref.rstrip("1"), cell=ref)
