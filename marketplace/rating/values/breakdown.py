"""A premium explained: the lines that make it, and the cells of the tariff they come from.

Lines and breakdowns are made by the hundred thousand, so they are named tuples: as light as what they hold.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from marketplace.kernel.money import Money
from marketplace.kernel.text import LocalizedText
from marketplace.rating.values.tariff import LineKind


class Cell(NamedTuple):
    """The cell of a table that was used: the factors with the value or band that matched, and the number in it.

    `rows` are the positions of the rows it rests on in the whole tariff, counted over all its tables from 1 (leaves of
    the tree behind the tariff's hash): one, or the two between which was interpolated.
    """

    table: str
    key: tuple[tuple[str, str], ...]
    value: str
    rows: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "table": self.table,
            "key": [list(pair) for pair in self.key],
            "value": self.value,
            "rows": list(self.rows),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Cell":
        key = tuple((name, matched) for name, matched in data["key"])
        return cls(data["table"], key, data["value"], tuple(data.get("rows", ())))


class ExtraPremium(NamedTuple):
    """What underwriting asks for beside the tariff: `rate` is a share of the premium, as plain decimal text."""

    step: str
    rate: str
    label: LocalizedText


class Posting(NamedTuple):
    """What every line of one step says."""

    step: str
    kind: LineKind
    label: LocalizedText
    currency: str


class BreakdownLine(NamedTuple):
    """One line of a premium: which step made it, what for, from which cell, how much (`minor` units)."""

    posting: Posting
    minor: int
    cell: Cell | None = None

    @property
    def step(self) -> str:
        return self.posting.step

    @property
    def kind(self) -> LineKind:
        return self.posting.kind

    @property
    def label(self) -> LocalizedText:
        return self.posting.label

    @property
    def amount(self) -> Money:
        return Money(self.minor, self.posting.currency)

    @property
    def table(self) -> str | None:
        return None if self.cell is None else self.cell.table


Posted = tuple[Posting, int, Cell | None]
"""What a line holds, as rating keeps it."""


class Breakdown(NamedTuple):
    """A premium: what its lines hold, in order. Their sum is the premium."""

    posted: tuple[Posted, ...]
    currency: str

    @property
    def lines(self) -> tuple[BreakdownLine, ...]:
        return tuple([BreakdownLine(*posted) for posted in self.posted])

    @property
    def total(self) -> Money:
        return Money(sum([minor for _, minor, _ in self.posted]), self.currency)

    def to_json(self) -> dict[str, Any]:
        return {
            "currency": self.currency,
            "total": self.total.minor,
            "lines": [
                {
                    "step": line.step,
                    "kind": line.kind.value,
                    "label": line.label.to_json(),
                    "amount": line.minor,
                    "cell": None if line.cell is None else line.cell.to_json(),
                }
                for line in self.lines
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Breakdown":
        """Raises ValueError where the lines do not sum to the total that was kept with them."""
        currency = data["currency"]
        lines = tuple(
            BreakdownLine(
                Posting(line["step"], LineKind(line["kind"]), LocalizedText.from_json(line["label"]), currency),
                line["amount"],
                None if line["cell"] is None else Cell.from_json(line["cell"]),
            )
            for line in data["lines"]
        )
        found = cls(lines, currency)
        if found.total.minor != data["total"]:
            raise ValueError("the lines do not sum to the total")
        return found
