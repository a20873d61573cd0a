"""The public words of rating: the tariff as data, and the breakdown that explains a premium.

Numbers in a tariff are decimal strings: rates with at most six decimals, amounts with the currency's own digits.
Money arises in one place only, when a step posts a line; there the exact quotient is rounded once, half up, to the
minor unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, PlainSerializer, TypeAdapter

from marketplace.kernel.canonical import digest
from marketplace.kernel.errors import Refused, Unavailable
from marketplace.kernel.money import Money
from marketplace.kernel.text import LONGEST_TEXT, LocalizedText

Scalar = str | int | bool
Risk = Mapping[str, Scalar]

RATE_DIGITS = 6
"""Rates are kept as whole millionths."""

Name = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9_]{0,38}[a-z0-9])?$")]
Decimals = Annotated[str, Field(pattern=r"^\d{1,12}(\.\d{1,6})?$")]
"""A decimal number as text: twelve digits before and six after the point at most, never negative."""
RateRef = Annotated[str, Field(pattern=r"^(\d{1,12}(\.\d{1,6})?|[a-z][a-z0-9_]{0,39})$")]
"""A number, or the id of an earlier look-up step that gave a rate."""


class LineKind(StrEnum):
    """What a line of a premium is for; the comparison colours its bar by it."""

    RISK = "risk"
    COVER = "cover"
    COST = "cost"
    FEE = "fee"
    TAX = "tax"
    DISCOUNT = "discount"
    ROUNDING = "rounding"


class TariffRecord:
    """A part of a tariff that refuses unknown fields, and texts without end, when it is read."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", str_max_length=LONGEST_TEXT)


When = Mapping[str, tuple[Scalar, ...]]
"""A step is passed over unless every factor named has one of the values listed."""


@dataclass(frozen=True, slots=True)
class Lookup(TariffRecord):
    """Finds the one cell of `table` that fits the risk. A table of amounts posts a line; one of rates gives a rate."""

    id: Name
    table: Name
    kind: Literal["lookup"] = "lookup"
    line: LineKind | None = None
    label: LocalizedText | None = None
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PerUnit(TariffRecord):
    """Posts rate x the product of the factors / unit: a rate per 1,000 of sum insured, a price for each day."""

    id: Name
    rate: RateRef
    factors: Annotated[tuple[str, ...], Field(min_length=1, max_length=4)]
    line: LineKind
    label: LocalizedText
    kind: Literal["per_unit"] = "per_unit"
    unit: Annotated[int, Field(ge=1, le=10**9)] = 1
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Add(TariffRecord):
    """Posts a fixed amount."""

    id: Name
    amount: Decimals
    line: LineKind
    label: LocalizedText
    kind: Literal["add"] = "add"
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Multiply(TariffRecord):
    """Multiplies the lines named in `of` (all so far, when empty) and posts the difference: 1.35 adds 35 per cent, 0.9
    takes ten off. A factor of one posts nothing.
    """

    id: Name
    by: RateRef
    line: LineKind
    label: LocalizedText
    kind: Literal["multiply"] = "multiply"
    of: tuple[Name, ...] = ()
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Minimum(TariffRecord):
    """Posts what the lines so far lack to `amount`, if they lack anything."""

    id: Name
    amount: Decimals
    label: LocalizedText
    kind: Literal["minimum"] = "minimum"
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tax(TariffRecord):
    """Posts `rate` (0.06 is six per cent) of the lines named in `of` (all so far, when empty)."""

    id: Name
    rate: RateRef
    label: LocalizedText
    kind: Literal["tax"] = "tax"
    of: tuple[Name, ...] = ()
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fee(TariffRecord):
    """Posts a fixed fee."""

    id: Name
    amount: Decimals
    label: LocalizedText
    kind: Literal["fee"] = "fee"
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Round(TariffRecord):
    """Brings the sum so far to a multiple of `to` and posts the difference as a line of its own, if there is any."""

    id: Name
    to: Decimals
    label: LocalizedText
    kind: Literal["round"] = "round"
    mode: Literal["half_up", "up", "down"] = "half_up"
    when: When = field(default_factory=dict)


Step = Annotated[
    Lookup | PerUnit | Add | Multiply | Minimum | Tax | Fee | Round,
    Field(discriminator="kind"),
]


def _as_lists(rows: tuple[tuple[Scalar, ...], ...]) -> list[list[Scalar]]:
    """Rows are plain already; told so, pydantic writes them out several times faster."""
    return [list(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Table(TariffRecord):
    """A table of rates or amounts.

    A row holds one value per `exact` factor, then `from` and `to` (both included) per `banded` factor, then the number.
    """

    name: Name
    value: Literal["rate", "amount"]
    exact: tuple[str, ...]
    banded: tuple[str, ...]
    rows: Annotated[tuple[tuple[Scalar, ...], ...], PlainSerializer(_as_lists)]


@dataclass(frozen=True, slots=True)
class Tariff(TariffRecord):
    """An ordered list of steps over tables. `rounding` is declared: money is rounded half up, once per line."""

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    rounding: Literal["half_up"]
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=40)]
    tables: tuple[Table, ...] = ()

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tariff":
        return _adapter().validate_python(data)

    @property
    def sha256(self) -> str:
        """SHA-256 of the canonical tariff."""
        return digest(self.to_json())


@cache
def _adapter() -> TypeAdapter[Tariff]:
    return TypeAdapter(Tariff)


def read_tariff(data: bytes) -> Tariff:
    """The tariff in a JSON document, strictly. Raises pydantic.ValidationError with every fault."""
    return _adapter().validate_json(data, strict=True)


def tariff_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `Tariff`."""
    return _adapter().json_schema()


@dataclass(frozen=True, slots=True)
class Cell:
    """The cell of a table that was used: the factors with the value or band that matched, and the number in it."""

    table: str
    key: tuple[tuple[str, str], ...]
    value: str

    def to_json(self) -> dict[str, Any]:
        return {"table": self.table, "key": [list(pair) for pair in self.key], "value": self.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Cell":
        return cls(data["table"], tuple((name, matched) for name, matched in data["key"]), data["value"])


@dataclass(frozen=True, slots=True)
class BreakdownLine:
    """One line of a premium: which step made it, what for, from which cell, how much."""

    step: str
    kind: LineKind
    label: LocalizedText
    amount: Money
    cell: Cell | None = None

    @property
    def table(self) -> str | None:
        return None if self.cell is None else self.cell.table


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A premium and the lines that sum to it exactly."""

    lines: tuple[BreakdownLine, ...]
    total: Money

    def __post_init__(self) -> None:
        if sum(line.amount.minor for line in self.lines) != self.total.minor:
            raise ValueError("the lines do not sum to the total")

    def to_json(self) -> dict[str, Any]:
        return {
            "currency": self.total.currency,
            "total": self.total.minor,
            "lines": [
                {
                    "step": line.step,
                    "kind": line.kind.value,
                    "label": line.label.to_json(),
                    "amount": line.amount.minor,
                    "cell": None if line.cell is None else line.cell.to_json(),
                }
                for line in self.lines
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Breakdown":
        currency = data["currency"]
        lines = tuple(
            BreakdownLine(
                line["step"],
                LineKind(line["kind"]),
                LocalizedText.from_json(line["label"]),
                Money(line["amount"], currency),
                None if line["cell"] is None else Cell.from_json(line["cell"]),
            )
            for line in data["lines"]
        )
        return cls(lines, Money(data["total"], currency))


class RiskOutOfRange(Refused):
    """The tariff has no premium for this value."""

    code = "rating:risk-out-of-range"

    def __init__(self, factor: str, value: Scalar | None, step: str) -> None:
        super().__init__(f"step {step} has no premium for {factor} = {value!r}")
        self.factor, self.value, self.step = factor, value, step


class TariffFault(ValueError):
    """A tariff that cannot be used: `where` is the place in it, `fault` a stable word for what is wrong."""

    def __init__(self, where: str, fault: str, detail: str = "") -> None:
        super().__init__(f"{where}: {fault} {detail}".rstrip())
        self.where, self.fault, self.detail = where, fault, detail


class TariffAltered(Unavailable):
    """A tariff in the database is not what its hash says, so nothing is priced with it."""

    code = "rating:tariff-altered"
