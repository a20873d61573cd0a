"""The files of a catalog -> a workbook that reads as the same catalog: the template, with its explanations."""

import csv
import io
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from marketplace.catalog.values import LINES, Line, LineDefinition
from marketplace.infra.formatting import gettext as _
from marketplace.listing.intake.workbook import layout, words
from marketplace.listing.intake.workbook.layout import Field, Kind
from marketplace.listing.values import Files

_HEAD = PatternFill("solid", fgColor="DCE6EC")
_WRAP = Alignment(vertical="top", wrap_text=True)
_LAST_ROW = 500
"""Down to which row a sheet of entries offers its drop-down lists."""
_DIGITS = 15


def write_workbook(files: Files) -> bytes:
    """The workbook of a catalog that reads without findings, or of a frame with empty fields."""
    book = Workbook()
    _how_to(book.worksheets[0])
    catalog = _sheet(book, layout.CATALOG)
    _write_fields(catalog, layout.catalog_fields(), tomllib.loads(files["catalog.toml"].decode()), words.CATALOG)
    for path in sorted(path for path in files if path.endswith("/product.toml")):
        _Product(book, path.removesuffix("product.toml"), files).write()
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def _sheet(book: Workbook, name: str) -> Worksheet:
    sheet: Worksheet = book.create_sheet(name)
    sheet.freeze_panes = "A2"
    return sheet


def _how_to(sheet: Worksheet) -> None:
    sheet.title = layout.IGNORED[0]
    sheet.column_dimensions["A"].width = 100
    for row, sentence in enumerate(words.HOW_TO, 1):
        put(sheet, (row, 1), str(sentence))
    sheet["A1"].font = Font(bold=True)


def _write_fields(
    sheet: Worksheet,
    fields: Sequence[Field],
    data: Mapping[str, Any],
    said: Mapping[str, str],
    line: LineDefinition | None = None,
) -> None:
    """One field in a row: its name, its value, its Chinese, what it asks for."""
    headings(sheet, (layout.FIELD, layout.VALUE, layout.CHINESE, layout.EXPLANATION), (30, 50, 40, 60))
    for row, each in enumerate(fields, 2):
        put(sheet, (row, 1), each.path)
        sheet.cell(row, 1).font = Font(bold=each.required)
        for column, text in enumerate(_written(each, _at(data, each.path)), 2):
            put(sheet, (row, column), text, as_number=each.kind is Kind.WHOLE)
        explained = words.of_fact(line, each.path) if line and each.path.startswith("facts.") else said[each.path]
        put(sheet, (row, 4), str(explained))
        sheet.cell(row, 4).font = Font(italic=True, color="666666")
        _offer(sheet, each, f"B{row}", line)


def headings(sheet: Worksheet, names: Sequence[str], widths: Sequence[int]) -> None:
    for column, (name, width) in enumerate(zip(names, widths, strict=True), 1):
        put(sheet, (1, column), name)
        cell = sheet.cell(1, column)
        cell.font, cell.fill = Font(bold=True), _HEAD
        sheet.column_dimensions[get_column_letter(column)].width = width


def put(sheet: Worksheet, at: tuple[int, int], text: str, *, as_number: bool = False) -> None:
    """Text as text, whatever it begins with; a number as a number, with the decimals it was written with."""
    cell = sheet.cell(*at)
    if as_number and _is_number(text):
        cell.value = Decimal(text)
        decimals = len(text.partition(".")[2])
        cell.number_format = f"0.{'0' * decimals}" if decimals else "0"
        return
    cell.value = text or None
    cell.data_type = "s" if text else "n"
    cell.alignment = _WRAP


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit() and len(digits.strip("0")) <= _DIGITS


def _offer(sheet: Worksheet, each: Field, where: str, line: LineDefinition | None) -> None:
    """A drop-down list where the format knows what is possible; several values at once are typed."""
    choices = _choices(each, line)
    if choices and each.kind is not Kind.LIST:
        offered = DataValidation("list", formula1=f'"{",".join(choices)}"', allow_blank=True)
        offered.showErrorMessage = True
        sheet.add_data_validation(offered)
        offered.add(where)


def _choices(each: Field, line: LineDefinition | None) -> tuple[str, ...]:
    if each.kind is Kind.YES_NO:
        return ("yes", "no")
    name = each.path.rpartition(".")[2]
    if line is not None and name == "frequency_factor":
        return (line.frequency_factor,) if line.frequency_factor else ()
    if line is not None and name in ("factor", "times_factor", "limit_factor"):
        return tuple(factor.name for factor in line.factors)
    return ("en", "zh_Hans_CN") if each.path == "locale" else each.choices


def _at(data: Mapping[str, Any], path: str) -> Any:
    found: Any = data
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _written(each: Field, value: Any) -> tuple[str, ...]:
    """A value of TOML as the cells of its field."""
    if each.kind is Kind.WORDS:
        told = {"en": value} if isinstance(value, str) else value or {}
        return told.get("en", ""), told.get("zh", "")
    return (_plain(value),)


def _plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case date():
            return value.isoformat()
        case list():
            return ", ".join(map(_plain, value))
        case dict():
            return "; ".join(f"{name} = {_plain(given)}" for name, given in value.items())
        case _:
            return str(value)


class _Product:
    """The sheets of one product."""

    def __init__(self, book: Workbook, folder: str, files: Files) -> None:
        self.book, self.folder, self.files = book, folder, files
        self.data = self._toml("product.toml")
        self.tariff = self._toml("tariff.toml")
        self.line = LINES[Line(self.data["line"])]
        self.code, _, self.version = folder.removeprefix("products/").rstrip("/").partition("@")
        self.name = self._short_name()

    def _toml(self, name: str) -> dict[str, Any]:
        return tomllib.loads(self.files.get(f"{self.folder}{name}", b"").decode())

    def _short_name(self) -> str:
        """The code, cut so that the names of all its sheets fit, and unlike that of any other product."""
        others = [each["name"] for each in self.tariff.get("tables", ())]
        others += [each["file"] for each in self.data.get("documents", ()) if each["file"].endswith(".md")]
        longest = max(map(len, (*others, *layout.part_names())))
        name = self.code[: layout.LONGEST_SHEET_NAME - longest - 4]
        taken = [
            number for number in range(1, 99) if f"{name}{number if number > 1 else ''}" not in self.book.sheetnames
        ]
        return name if taken[0] == 1 else f"{name}{taken[0]}"

    def write(self) -> None:
        fields = (*layout.product_fields(), *layout.fact_fields(self.line))
        data = {"code": self.code, layout.VERSION: self.version, **self.data}
        _write_fields(_sheet(self.book, self.name), fields, data, words.PRODUCT, self.line)
        rows = {"questions": self._toml("questions.toml"), "tables": self.tariff, "steps": self.tariff}
        for part in layout.parts():
            given = rows.get(part.name, self.data).get(part.name, {} if part.key else [])
            entries = [{part.key: key, **entry} for key, entry in given.items()] if part.key else given
            self._part(part, entries)
        for table in self.tariff.get("tables", ()):
            self._table(table["name"], self.files[f"{self.folder}{table['file']}"])
        self._table(layout.EXAMPLES, self.files.get(f"{self.folder}examples.csv", self._no_examples()))
        for document in self.data.get("documents", ()):
            if document["file"].endswith(".md"):
                self._document(document["file"])

    def _part(self, part: layout.Part, entries: Sequence[Mapping[str, Any]]) -> None:
        sheet = _sheet(self.book, f"{self.name} {part.name}")
        headings(sheet, part.headings, [_width(each) for each in part.fields for _heading in each.headings])
        for column, (each, heading) in enumerate(((f, h) for f in part.fields for h in f.headings), 1):
            letter = get_column_letter(column)
            if heading == each.path:
                sheet.cell(1, column).comment = _note(str(words.PARTS[part.name][each.path]))
                _offer(sheet, each, f"{letter}2:{letter}{_LAST_ROW}", self.line)
        for row, entry in enumerate(entries, 2):
            cells = [text for each in part.fields for text in _written(each, entry.get(each.path))]
            for column, text in enumerate(cells, 1):
                put(sheet, (row, column), text, as_number=part.name in ("steps", "limits", "covers", "eligibility"))

    def _table(self, name: str, data: bytes) -> None:
        sheet = _sheet(self.book, f"{self.name} {name}")
        rows = list(csv.reader(data.decode("utf-8-sig").splitlines()))
        headings(sheet, rows[0], [16] * len(rows[0]))
        for row, texts in enumerate(rows[1:], 2):
            for column, text in enumerate(texts, 1):
                put(sheet, (row, column), text, as_number=True)

    def _no_examples(self) -> bytes:
        return ",".join([*(factor.name for factor in self.line.factors), "premium"]).encode()

    def _document(self, name: str) -> None:
        sheet = self.book.create_sheet(f"{self.name} {name}")
        sheet.column_dimensions["A"].width = 100
        for row, text in enumerate(self.files[f"{self.folder}documents/{name}"].decode().splitlines(), 1):
            put(sheet, (row, 1), text)


def _width(each: Field) -> int:
    return 40 if each.kind is Kind.WORDS else 18


def _note(text: str) -> Comment:
    return Comment(text, _("Evenfold"), height=90, width=260)


def frame(line: Line) -> Iterator[tuple[str, bytes]]:
    """The files of a catalog of one product of a line with nothing filled in but what is certain."""
    yield "catalog.toml", b'format = "evenfold-catalog/1"\n'
    currency = LINES[line].currency
    yield "products/my-product/product.toml", f'line = "{line}"\ncurrency = "{currency}"\n'.encode()
