"""Where in a workbook each field and cell of its text files stands, so that findings name sheet, row and column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from marketplace.listing.intake.workbook.cells import reference
from marketplace.listing.values import Finding

_SHEET_WORDS = {"file_missing": "sheet_missing", "file_not_used": "sheet_not_used"}


class Place(NamedTuple):
    """A cell, a row (column 0) or a whole sheet (row 0), and the field that stands there."""

    sheet: str
    row: int = 0
    column: int = 0
    heading: str = ""


@dataclass(slots=True)
class Origins:
    """`fields` by file and dotted path; `tables` by CSV file, with the sheet and the column of each heading."""

    fields: dict[tuple[str, str], Place] = field(default_factory=dict)
    tables: dict[str, tuple[str, Mapping[str, int]]] = field(default_factory=dict)

    def located(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings of the text files as findings of the workbook; one for each cell and fault."""
        found: dict[tuple[str, str, str], Finding] = {}
        for finding in findings:
            told = self._located(finding)
            found.setdefault((told.file, told.cell or f"{told.row} {told.column} {told.value}", told.code), told)
        return tuple(found.values())

    def _located(self, finding: Finding) -> Finding:
        place = self._place(finding)
        if place is None:
            return finding
        return replace(
            finding,
            file=place.sheet,
            code=_SHEET_WORDS.get(finding.code, finding.code),
            row=place.row or None,
            column=place.heading or finding.column,
            value=_bare(finding.value),
            cell=reference(place.row, max(place.column, 1)) if place.row else "",
        )

    def _place(self, finding: Finding) -> Place | None:
        if finding.file in self.tables:
            sheet, columns = self.tables[finding.file]
            return Place(sheet, finding.row or 0, columns.get(finding.column, 0), finding.column)
        path = finding.column
        while path and (finding.file, path) not in self.fields:
            path = path.rpartition(".")[0]
        return self.fields.get((finding.file, path))


def _bare(value: str) -> str:
    """A value that was told as JSON, without its quotation marks: a cell has none."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value
