"""A wide rate card (ages down, sex, smoking and terms across) -> the long table of a tariff. Pure.

What a label means is guessed from its words and shown to the insurer, who corrects it; nothing is used unseen.
"""

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from marketplace.catalog.values import Factor, FactorKind, LineDefinition
from marketplace.listing.intake.tables import TableEntry, read_table
from marketplace.listing.intake.workbook import toml_text
from marketplace.listing.intake.workbook.cells import reference
from marketplace.listing.intake.workbook.xlsx import MAX_COLUMNS, is_workbook, read_sheets
from marketplace.listing.values import CardPlan, Files, Finding, Grid

MAX_GRID_ROWS = 2_000
OLDEST = 120
_SPAN = re.compile(r"(\d[\d,]*)\s*(?:-|–|—|~|to|至|到)\s*(\d[\d,]*)", re.IGNORECASE)
_FROM = re.compile(
    r"(\d[\d,]*)\s*(?:岁|周岁|years)?\s*(?:\+|and (?:over|above|older)|or (?:more|over|older)|及?以上)", re.IGNORECASE
)
_BELOW = re.compile(r"(?:under|below|less than|<)\s*(\d[\d,]*)", re.IGNORECASE)
_UP_TO = re.compile(
    r"(?:up to|≤)\s*(\d[\d,]*)|(\d[\d,]*)\s*(?:岁|周岁)?\s*(?:及?以下|and under|or less)", re.IGNORECASE
)
_WHOLE = re.compile(r"\d[\d,]*")
_YEARS = re.compile(r"(\d+)\s*-?\s*(?:years?|yrs?|年)", re.IGNORECASE)
_AMOUNT = re.compile(r"[$€£¥￥\s]|[A-Z]{3}(?=\s*\d)")
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_WORDS: Mapping[str, tuple[tuple[re.Pattern[str], str], ...]] = {
    "sex": (
        (re.compile(r"\b(female|women|woman|f)\b|女", re.IGNORECASE), "female"),
        (re.compile(r"\b(male|men|man|m)\b|男", re.IGNORECASE), "male"),
    ),
    "smoker": (
        (re.compile(r"\b(non[- ]?smok\w*|non[- ]?tobacco|no tobacco|ns)\b|不吸烟|非吸烟", re.IGNORECASE), "no"),
        (re.compile(r"\b(smok\w*|tobacco|sm)\b|吸烟", re.IGNORECASE), "yes"),
    ),
}
"""The words by which cards call the values of a factor; the first that fits is meant."""

Meaning = dict[str, tuple[str, str]]
"""Factor -> from and to, alike for a single value."""


def read_grid(data: bytes) -> Grid:
    """The cells of a CSV file or of the first sheet of a workbook that holds something, as text."""
    rows, findings = _book_rows(data) if is_workbook(data) else _csv_rows(data)
    while rows and not any(rows[-1]):
        rows.pop()
    if not rows and not findings:
        findings = [Finding("", "empty_table")]
    width = max(map(len, rows), default=0)
    if len(rows) > MAX_GRID_ROWS or width > MAX_COLUMNS:
        limit = reference(MAX_GRID_ROWS, MAX_COLUMNS)
        return Grid((), (Finding("", "cell_out_of_reach", value=reference(len(rows), width), right=limit),))
    return Grid(tuple((*row, *[""] * (width - len(row))) for row in rows), tuple(findings))


def _csv_rows(data: bytes) -> tuple[list[list[str]], list[Finding]]:
    try:
        text = data.decode("utf-8-sig")
        first = text.partition("\n")[0]
        mark = max(",;\t", key=first.count)
        return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=mark)], []
    except UnicodeDecodeError as error:
        return [], [Finding("", "not_utf8", row=data[: error.start].count(b"\n") + 1)]
    except csv.Error as error:
        return [], [Finding("", "not_csv", value=str(error))]


def _book_rows(data: bytes) -> tuple[list[list[str]], list[Finding]]:
    """A merged heading holds its words in its first cell; the others are read like it (`_filled`)."""
    sheets, findings = read_sheets(data)
    sheet = next((sheet for sheet in sheets if sheet.rows), None)
    if sheet is None:
        return [], list(findings)
    faults = [each for each in sheet.faults if each.code != "merged_cells"]
    for row, cells in sheet.rows.items():
        for column, cell in cells.items():
            if cell.fault:
                ref = reference(row, column)
                faults.append(Finding(sheet.name, cell.fault, row, "", cell.text[:80], cell.right, ref))
    width = max(max(cells) for cells in sheet.rows.values())
    rows = [[sheet.text(row, column) for column in range(1, width + 1)] for row in range(1, max(sheet.rows) + 1)]
    return rows, faults


def guessed_plan(grid: Grid, line: LineDefinition) -> CardPlan:
    """How the card is probably to be read: where its numbers begin, and what its labels mean."""
    numbers = next((row for row, cells in enumerate(grid.rows) if _is_line_of_numbers(cells)), min(1, len(grid.rows)))
    labels = _label_columns(grid.rows[numbers:])
    titles = next((row for row in range(numbers) if len(set(filter(None, grid.rows[row][labels:]))) > 1), numbers)
    plan = CardPlan(titles, numbers - titles, labels, "rates", "rate", ("",) * labels, ("",) * (numbers - titles), {})
    return with_guesses(grid, plan, line)


def _is_line_of_numbers(cells: Sequence[str]) -> bool:
    """Several plain numbers, all but the first cells: a heading of years or sums has words with them, or no label."""
    given = [cell for cell in cells if cell]
    plain = [cell for cell in given[1:] if number(cell) is not None]
    return bool(cells and cells[0]) and len(given) > 1 and len(plain) >= len(given) / 2 and "." in "".join(plain)


def _label_columns(rows: Sequence[Sequence[str]]) -> int:
    """Columns on the left without decimals: labels."""
    width = max(map(len, rows), default=1)
    for column in range(width):
        if any("." in row[column] and number(row[column]) is not None for row in rows):
            return max(column, 1)
    return 1


def with_guesses(grid: Grid, plan: CardPlan, line: LineDefinition) -> CardPlan:
    """The plan with a factor for each column of labels and line of headings, and a meaning for each other label."""
    names = {factor.name for factor in line.factors}
    columns = [name if name in names else "" for name in plan.columns]
    lines = [name if name in names else "" for name in plan.lines]
    for index in range(plan.label_columns):
        heading = " ".join(row[index] for row in grid.rows[plan.titles : plan.numbers]).lower()
        columns[index] = columns[index] or _factor_of(_labels_down(grid, plan, index), heading, line)
    for index in range(plan.headings):
        lines[index] = lines[index] or _factor_of(_labels_across(grid, plan, index), "", line)
    known = replace(plan, columns=tuple(columns), lines=tuple(lines))
    meanings = {label: plan.meanings.get(label, _guess(label, line)) for label in unnamed_labels(grid, known)}
    return replace(known, meanings=meanings)


def unnamed_labels(grid: Grid, plan: CardPlan) -> tuple[str, ...]:
    """The labels that no factor of their column or line explains, each once."""
    found: list[str] = []
    for index, factor in enumerate(plan.lines):
        found += [] if factor else _labels_across(grid, plan, index)
    for index, factor in enumerate(plan.columns):
        found += [] if factor else _labels_down(grid, plan, index)
    return tuple(dict.fromkeys(label for label in found if label))


def _labels_down(grid: Grid, plan: CardPlan, column: int) -> list[str]:
    return _filled([row[column] for row in grid.rows[plan.numbers :]])


def _labels_across(grid: Grid, plan: CardPlan, index: int) -> list[str]:
    return _filled(grid.rows[plan.titles + index][plan.label_columns :])


def _filled(labels: Sequence[str]) -> list[str]:
    """Blank labels are those of the cell before: headings that span several columns or rows."""
    filled: list[str] = []
    for label in labels:
        filled.append(label or (filled[-1] if filled else ""))
    return filled


def _factor_of(labels: Sequence[str], heading: str, line: LineDefinition) -> str:
    """The one factor that every label is a value of and says nothing beyond; the one its words or its heading name."""
    given = {label for label in labels if label}
    said = {name for label in given for name in _named(label, line)}
    fitting = [each.name for each in line.factors if given and all(span(label, each) for label in given)]
    if said:
        return next((name for name in fitting if {name} == said), "")
    of_heading = [name for name in fitting if name.partition("_")[0] in heading]
    return next(iter([*of_heading, *(name for name in fitting if name == "age"), *fitting]), "")


def _named(label: str, line: LineDefinition) -> tuple[str, ...]:
    """The factors whose words a label uses."""
    return tuple(factor.name for factor in line.factors if _in_words(label, factor) is not None)


def _guess(label: str, line: LineDefinition) -> str:
    """What the words of a label say, as `sex = male; smoker = no`."""
    return "; ".join(
        f"{factor.name} = {found[0]}" for factor in line.factors if (found := _in_words(label, factor)) is not None
    )


def _in_words(label: str, factor: Factor) -> tuple[str, str] | None:
    """The value of a factor that a label names among other things."""
    for pattern, value in _WORDS.get(factor.name, ()):
        if pattern.search(label):
            return value, value
    years = _YEARS.search(label) if factor.name == "term_years" else None
    if years:
        return years[1], years[1]
    for choice in factor.choices:
        words = {str(choice.value), choice.label.en.lower(), choice.label.zh or choice.label.en}
        if factor.kind is FactorKind.CHOICE and label.lower() in words:
            return str(choice.value), str(choice.value)
    return None


def span(label: str, factor: Factor) -> tuple[str, str] | None:
    """From and to of a label that is a value or a band of `factor`; None where it is neither."""
    if factor.kind is not FactorKind.INTEGER:
        return _in_words(label, factor)
    low, high = _least(factor), factor.maximum if factor.maximum is not None else OLDEST
    if match := _SPAN.search(label):
        return _plain(match[1]), _plain(match[2])
    if match := _FROM.search(label):
        return _plain(match[1]), str(max(high, int(_plain(match[1]))))
    if match := _BELOW.search(label):
        return low, str(int(_plain(match[1])) - 1)
    if match := _UP_TO.search(label):
        return low, _plain(match[1] or match[2])
    match = _WHOLE.search(label)
    if match is None or number(label) not in (None, _plain(match[0])):
        return None
    whole = _plain(match[0])
    fits = factor.fault(int(whole)) is None or (factor.name == "age" and int(whole) <= OLDEST)
    return (whole, whole) if fits else None


def _least(factor: Factor) -> str:
    return str(factor.minimum or 0)


def _plain(text: str) -> str:
    return text.replace(",", "")


def number(text: str) -> str | None:
    """The number of a cell without currency signs and separators of thousands; None where it is none."""
    bare = _AMOUNT.sub("", text)
    if _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    return bare if re.fullmatch(r"\d+(\.\d+)?", bare) else None


@dataclass(slots=True)
class LongTable:
    """The card as a table of a tariff: its entry, its CSV file, and what was found in the card."""

    entry: TableEntry
    rows: list[list[str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def named(self, name: str) -> "LongTable":
        """The same under another name in the tariff."""
        return replace(self, entry=replace(self.entry, name=name, file=f"tables/{name}.csv"))

    @property
    def data(self) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.entry.columns, *self.rows])
        return text.getvalue().encode()


def long_table(grid: Grid, plan: CardPlan, line: LineDefinition) -> LongTable:
    """Every number of the card as a row, or the findings that stand in the way."""
    findings = list(grid.findings)
    cells = list(_cells(grid, plan, line, findings))
    names = [each.name for each in line.factors if any(each.name in meaning for _, meaning, _ in cells)]
    complete = _complete(cells, names, findings)
    banded = tuple(name for name in names if complete and any(m[name][0] != m[name][1] for _, m, _ in cells))
    exact = tuple(name for name in names if name not in banded)
    entry = TableEntry(plan.table, f"tables/{plan.table}.csv", plan.value, exact, banded)
    table = LongTable(entry, findings=findings)
    if findings:
        return table
    for _, meaning, amount in cells:
        bounds = [bound for name in banded for bound in meaning[name]]
        table.rows.append([*(meaning[name][0] for name in exact), *bounds, amount])
    read = read_table(entry.file, table.data, entry, line, line.currency)
    places = {number: cell for number, (cell, _, _) in enumerate(cells, 2)}
    table.findings = [replace(each, file="", cell=places.get(each.row or 0, "")) for each in read.findings]
    return table


def _complete(cells: list[tuple[str, Meaning, str]], names: list[str], findings: list[Finding]) -> bool:
    """Whether every number has a value of every factor that any of them has."""
    for cell, meaning, _ in cells:
        lacking = [name for name in names if name not in meaning]
        if lacking:
            findings.append(Finding("", "label_says_too_little", None, ", ".join(lacking), cell=cell))
            return False
    if not cells and not findings:
        findings.append(Finding("", "empty_table"))
    return bool(cells)


def _cells(
    grid: Grid, plan: CardPlan, line: LineDefinition, findings: list[Finding]
) -> Iterator[tuple[str, Meaning, str]]:
    """Each number with its cell and what its labels mean; what is no number and no label is a finding."""
    across = [_labels_across(grid, plan, index) for index in range(plan.headings)]
    down = [_labels_down(grid, plan, index) for index in range(plan.label_columns)]
    reader = _Labels(plan, line, findings)
    tops = [
        reader.meaning([(plan.lines[index], labels[column]) for index, labels in enumerate(across)])
        for column in range(len(grid.rows[0]) - plan.label_columns if grid.rows else 0)
    ]
    for row, cells in enumerate(grid.rows[plan.numbers :]):
        if not any(cells[plan.label_columns :]):
            continue
        left = reader.meaning([(plan.columns[index], labels[row]) for index, labels in enumerate(down)])
        for column, text in enumerate(cells[plan.label_columns :]):
            where = reference(plan.numbers + row + 1, plan.label_columns + column + 1)
            amount = number(text)
            if text and amount is None:
                findings.append(Finding("", "not_a_number", plan.numbers + row + 1, "", text[:80], "0.12", where))
            elif amount is not None:
                yield where, left | tops[column], amount


class _Labels:
    """Reads labels as the plan says; each that cannot be read is told once."""

    def __init__(self, plan: CardPlan, line: LineDefinition, findings: list[Finding]) -> None:
        self.plan, self.line, self.findings = plan, line, findings
        self.told: set[tuple[str, str]] = set()

    def meaning(self, labels: list[tuple[str, str]]) -> Meaning:
        found: Meaning = {}
        for factor, label in labels:
            if label:
                found |= self._by_factor(factor, label) if factor else self._in_words(label)
        return found

    def _by_factor(self, name: str, label: str) -> Meaning:
        bounds = span(label, self.line.factor(name))
        if bounds is None:
            self._tell("bad_value", name, label, self.line.factor(name).possible)
            return {}
        return {name: bounds}

    def _in_words(self, label: str) -> Meaning:
        """`sex = male; age = 18-24`, as the insurer wrote or confirmed it."""
        found: Meaning = {}
        names = {factor.name for factor in self.line.factors}
        for condition in filter(None, map(str.strip, re.split("[;；]", self.plan.meanings.get(label, "")))):
            name, _, value = (piece.strip() for piece in condition.partition("="))
            if name not in names:
                self._tell("unknown_factor", "", name, ", ".join(sorted(names)))
                continue
            factor = self.line.factor(name)
            bounds = (value, value) if factor.kind is not FactorKind.INTEGER else span(value, factor)
            if bounds is None:
                self._tell("bad_value", name, value, factor.possible)
            else:
                found[name] = bounds
        return found

    def _tell(self, code: str, column: str, value: str, right: str) -> None:
        if (code, value) not in self.told:
            self.told.add((code, value))
            self.findings.append(Finding("", code, None, column, value[:80], right))


def into_product(files: Files, folder: str, table: LongTable, examples: str) -> Files:
    """The files with the table in the product's tariff, the product insuring what the table prices, and the examples.

    A step that looks the table up is the insurer's to write; where the tariff has a table of that name it is replaced.
    """
    tariff = tomllib.loads(files[f"{folder}tariff.toml"].decode())
    entry = {
        "name": table.entry.name,
        "file": table.entry.file,
        "value": table.entry.value,
        "exact": list(table.entry.exact),
        "banded": list(table.entry.banded),
    }
    others = [each for each in tariff.get("tables", []) if each.get("name") != entry["name"]]
    replaced = {each["file"] for each in tariff.get("tables", []) if each not in others}
    product = tomllib.loads(files[f"{folder}product.toml"].decode())
    product["eligibility"] = {**product.get("eligibility", {}), **_priced(table)}
    return {
        **{name: data for name, data in files.items() if name.removeprefix(folder) not in replaced},
        f"{folder}product.toml": toml_text.document(product),
        f"{folder}tariff.toml": toml_text.document({**tariff, "tables": [*others, entry]}),
        f"{folder}{table.entry.file}": table.data,
        f"{folder}examples.csv": examples.encode(),
    }


def _priced(table: LongTable) -> dict[str, dict[str, Any]]:
    """What each factor of the table may be: the values it lists, or from its lowest band to its highest."""
    columns = {name: place for place, name in enumerate(table.entry.columns)}
    listed = {name: list(dict.fromkeys(row[columns[name]] for row in table.rows)) for name in table.entry.exact}
    bounds = {
        name: (
            min(int(row[columns[f"{name}_from"]]) for row in table.rows),
            max(int(row[columns[f"{name}_to"]]) for row in table.rows),
        )
        for name in table.entry.banded
    }
    return {
        **{name: {"values": [_typed(value) for value in values]} for name, values in listed.items()},
        **{name: {"min": low, "max": high} for name, (low, high) in bounds.items()},
    }


def _typed(value: str) -> str | int | bool:
    return int(value) if value.isdigit() else value == "yes" if value in ("yes", "no") else value
