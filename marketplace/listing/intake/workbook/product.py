"""The sheets of one product -> its files, and where in the workbook each field of them stands."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from marketplace.catalog.values import LineDefinition
from marketplace.listing.intake.workbook import layout, toml_text
from marketplace.listing.intake.workbook.cells import reference
from marketplace.listing.intake.workbook.layout import FIELD, Field, Kind, Part
from marketplace.listing.intake.workbook.origins import Origins, Place
from marketplace.listing.intake.workbook.xlsx import Sheet
from marketplace.listing.values import Files, Finding

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_VERSION = re.compile(r"[a-z0-9-]{1,20}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DOCUMENT = re.compile(r".+\.md", re.IGNORECASE)


@dataclass(slots=True)
class Written:
    """The text files that the sheets amount to, where everything came from, and what was found on the way."""

    files: dict[str, bytes] = field(default_factory=dict)
    origins: Origins = field(default_factory=Origins)
    findings: list[Finding] = field(default_factory=list)

    def fault(self, at: Place, code: str, value: str = "", right: str = "") -> None:
        cell = reference(at.row, at.column)
        self.findings.append(Finding(at.sheet, code, at.row, at.heading, value[:80], right, cell))


@dataclass(frozen=True, slots=True)
class FieldSheet:
    """A sheet with a field in each row, which becomes the head of a text file."""

    sheet: Sheet
    file: str
    fields: tuple[Field, ...]
    line: LineDefinition | None
    written: Written

    def lines(self) -> list[str]:
        """As lines of TOML, each field by its dotted path."""
        known = {each.path: each for each in self.fields}
        sheet, seen = self.sheet, set[str]()
        self.written.origins.fields[self.file, ""] = Place(sheet.name)
        lines: list[str] = []
        for row in sorted(row for row in sheet.rows if row > 1):
            path = sheet.text(row, 1)
            if not any(sheet.text(row, column) for column in (1, 2, 3)):
                continue  # a heading, or an explanation alone
            if path not in known or path in seen:
                code, right = ("name_twice", "") if path in known else ("unknown_field", _like(path, known))
                self.written.fault(Place(sheet.name, row, 1, FIELD), code, path or sheet.text(row, 2), right)
                continue
            seen.add(path)
            lines += self._field(row, known[path])
        return lines

    def _field(self, row: int, each: Field) -> Iterator[str]:
        sheet, origins = self.sheet, self.written.origins.fields
        origins[self.file, each.path] = Place(sheet.name, row, 2, each.path)
        for column, (heading, suffix) in enumerate(zip(each.headings, _suffixes(each), strict=True), 2):
            origins[self.file, f"{each.path}{suffix}"] = Place(sheet.name, row, column, heading)
            text = sheet.text(row, column)
            if text and each.path != layout.VERSION:
                yield f"{each.path}{suffix} = {toml_text.value(each, text, self.line)}"
        third = sheet.text(row, 3)
        if each.kind is not Kind.WORDS and third and sheet.text(1, 3).lower() == layout.CHINESE:
            self.written.fault(Place(sheet.name, row, 3, each.path), "no_second_language", third)


def _like(path: str, known: Mapping[str, Field]) -> str:
    """The fields below the same heading, or all of them."""
    top = path.partition(".")[0] + "."
    near = [name for name in known if name.startswith(top)]
    return ", ".join(near or known)


def _suffixes(each: Field) -> tuple[str, ...]:
    return (".en", ".zh") if each.kind is Kind.WORDS else ("",)


class ProductSheets:
    """Writes the files of one product from the sheets whose names begin with its own."""

    def __init__(self, name: str, sheets: Mapping[str, Sheet], written: Written) -> None:
        self.name, self.sheets, self.written = name, sheets, written
        self.main = sheets[name]
        values = {self.main.text(row, 1): self.main.text(row, 2) for row in self.main.rows}
        self.line = layout.line_of_value(values.get("line", ""))
        self.currency = values.get("currency", "")
        code, version = values.get("code", ""), values.get(layout.VERSION, "")
        suffix = f"@{version}" if _VERSION.fullmatch(version) else ""
        self.folder = f"products/{code if _CODE.fullmatch(code) else 'code'}{suffix}/"
        self.columns = {part.name: self._columns(part) for part in layout.parts()}

    def write(self, documents: Files) -> None:
        """All files of the product, with those of `documents` that it names."""
        texts = {"product.toml": self._main(), "tariff.toml": self._tariff_head(), "questions.toml": []}
        for part in layout.parts():
            texts[part.file] += self._part(part)
        for file, lines in texts.items():
            if lines:
                self.written.files[f"{self.folder}{file}"] = ("\n".join(lines) + "\n").encode()
        for row, index in self._entries("tables"):
            name = self._text("tables", row, "name")
            self._table(name, f"{self.folder}{_table_file(name, index)}")
        self._table(layout.EXAMPLES, f"{self.folder}examples.csv")
        self._documents(documents)

    def _main(self) -> list[str]:
        path = f"{self.folder}product.toml"
        fields = layout.product_fields() + (layout.fact_fields(self.line) if self.line else ())
        lines = FieldSheet(self.main, path, fields, self.line, self.written).lines()
        self.written.origins.fields.setdefault((path, "code"), Place(self.name))
        return lines

    def _tariff_head(self) -> list[str]:
        """The tariff's currency is the product's."""
        file, origins = f"{self.folder}tariff.toml", self.written.origins.fields
        origins[file, ""] = Place(f"{self.name} steps")
        origins[file, "currency"] = origins.get((f"{self.folder}product.toml", "currency"), Place(self.name))
        return [f"currency = {toml_text.quoted(self.currency)}", 'rounding = "half_up"']

    def _sheet(self, name: str) -> Sheet | None:
        return self.sheets.get(f"{self.name} {name}")

    def _entries(self, part: str) -> Iterator[tuple[int, int]]:
        """Row and index of each entry."""
        sheet = self._sheet(part)
        rows = sorted(row for row in sheet.rows if row > 1) if sheet else []
        return ((row, index) for index, row in enumerate(rows))

    def _text(self, part: str, row: int, heading: str) -> str:
        sheet = self._sheet(part)
        return sheet.text(row, self.columns[part].get(heading, 0)) if sheet else ""

    def _columns(self, part: Part) -> dict[str, int]:
        """Heading -> column of a sheet of entries; what does not belong there is a finding."""
        sheet, columns = self._sheet(part.name), dict[str, int]()
        if sheet is None:
            return columns
        possible = ", ".join(part.headings)
        for column in sorted(sheet.rows.get(1, {})):
            heading = sheet.text(1, column)
            if heading not in part.headings:
                self.written.fault(Place(sheet.name, 1, column, heading), "column_unknown", heading, possible)
            elif heading in columns:
                self.written.fault(Place(sheet.name, 1, column, heading), "column_twice", heading)
            else:
                columns[heading] = column
        for each in part.fields:
            if each.required and each.path not in columns and sheet.rows:
                self.written.findings.append(Finding(sheet.name, "column_missing", 1, each.path, right=possible))
        return columns

    def _part(self, part: Part) -> list[str]:
        sheet, file = self._sheet(part.name), f"{self.folder}{part.file}"
        origins = self.written.origins.fields
        origins[file, part.name] = Place(sheet.name if sheet else self.name)
        if sheet is None:
            return []
        lines: list[str] = []
        seen: set[str] = set()
        for row, index in self._entries(part.name):
            key = self._text(part.name, row, part.key) if part.key else str(index)
            if key in seen or not key:
                place = Place(sheet.name, row, self.columns[part.name].get(part.key or "", 1), part.key or "")
                self.written.fault(place, "name_twice" if key else "missing", key)
                continue
            seen.add(key)
            column = self.columns[part.name].get(part.key or "", 0)
            origins[file, f"{part.name}.{key}"] = Place(sheet.name, row, column, part.key or "")
            lines += ["", f"[{part.name}.{toml_text.quoted(key)}]" if part.key else f"[[{part.name}]]"]
            for each in part.fields:
                if each.path != part.key:
                    lines += self._entry(part, each, sheet, row, key)
            if part.name == "tables":
                lines.append(f"file = {toml_text.quoted(_table_file(self._text('tables', row, 'name'), index))}")
        return lines

    def _entry(self, part: Part, each: Field, sheet: Sheet, row: int, key: str) -> Iterator[str]:
        """The lines of one field of an entry."""
        origins, file = self.written.origins.fields, f"{self.folder}{part.file}"
        path = f"{part.name}.{key}.{each.path}"
        for heading, suffix in zip(each.headings, _suffixes(each), strict=True):
            column = self.columns[part.name].get(heading, 0)
            if column:
                place = Place(sheet.name, row, column, heading)
                origins[file, f"{path}{suffix}"] = place
                origins.setdefault((file, path), place)
            text = sheet.text(row, column)
            if text:
                yield f"{each.path}{suffix} = {toml_text.value(each, text, self.line, key)}"

    def _table(self, name: str, file: str) -> None:
        """A sheet as CSV, row for row, so that lines and rows have the same numbers."""
        sheet = self._sheet(name)
        if sheet is None or not sheet.rows:
            self.written.origins.tables[file] = (f"{self.name} {name}", {})
            return
        columns = range(1, max(max(row) for row in sheet.rows.values()) + 1)
        self.written.origins.tables[file] = (
            sheet.name,
            {sheet.text(1, column): column for column in reversed(columns)},
        )
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for row in range(1, max(sheet.rows) + 1):
            given = sheet.rows.get(row, {})
            writer.writerow([" ".join(given[column].text.split()) if column in given else "" for column in columns])
        self.written.files[file] = text.getvalue().encode()

    def _documents(self, documents: Files) -> None:
        """Those the product names, from a sheet of their name or from beside the workbook."""
        named = {self._text("documents", row, "file") for row, _ in self._entries("documents")} - {""}
        for name in sorted(named):
            file, words = f"{self.folder}documents/{name}", self._sheet(name)
            if words is not None and _DOCUMENT.fullmatch(name):
                self.written.origins.fields[file, ""] = Place(words.name)
                lines = [words.text(row, 1) for row in range(1, max(words.rows, default=0) + 1)]
                self.written.files[file] = ("\n".join(lines) + "\n").encode()
            elif name in documents:
                self.written.origins.fields[file, ""] = Place(f"documents/{name}")
                self.written.files[file] = documents[name]


def _table_file(name: str, index: int) -> str:
    return f"tables/{name}.csv" if _NAME.fullmatch(name) else f"tables/table-{index}.csv"
