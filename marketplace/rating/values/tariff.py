"""The tariff as data: ordered steps over tables.

Numbers in a tariff are decimal strings: rates with at most six decimals, amounts with the currency's own digits. Where
something is divided the scale of the result is declared: a line is rounded once, half up, to the currency's minor unit,
an interpolated number to the `scale` of its table. So all arithmetic is exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, PlainSerializer, TypeAdapter

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
    LOADING = "loading"
    COVER = "cover"
    COST = "cost"
    FEE = "fee"
    TAX = "tax"
    INSTALMENT = "instalment"
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
class Maximum(TariffRecord):
    """Takes off what the lines so far exceed `amount` by, if they do."""

    id: Name
    amount: Decimals
    label: LocalizedText
    kind: Literal["maximum"] = "maximum"
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Discount(TariffRecord):
    """Takes `rate` (0.05 is five per cent) of the lines named in `of` (all so far, when empty) off."""

    id: Name
    rate: RateRef
    label: LocalizedText
    kind: Literal["discount"] = "discount"
    of: tuple[Name, ...] = ()
    when: When = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loading(TariffRecord):
    """Adds `rate` of the lines named in `of` (all so far, when empty) for a risk above the usual."""

    id: Name
    rate: RateRef
    label: LocalizedText
    kind: Literal["loading"] = "loading"
    of: tuple[Name, ...] = ()
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
class Instalment(TariffRecord):
    """Posts `rate` of the lines named in `of` (all so far, when empty) for paying in parts."""

    id: Name
    rate: RateRef
    label: LocalizedText
    kind: Literal["instalment"] = "instalment"
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


Share = Discount | Loading | Tax | Instalment
"""Steps that post a share of other lines."""
SHARES: Mapping[type[Share], tuple[LineKind, int]] = {
    Discount: (LineKind.DISCOUNT, -1),
    Loading: (LineKind.LOADING, 1),
    Tax: (LineKind.TAX, 1),
    Instalment: (LineKind.INSTALMENT, 1),
}
"""The kind of the line each of them posts, and whether it adds or takes off."""

Step = Annotated[
    Lookup | PerUnit | Add | Multiply | Minimum | Maximum | Discount | Loading | Tax | Fee | Instalment | Round,
    Field(discriminator="kind"),
]


def _as_lists(rows: tuple[tuple[Scalar, ...], ...]) -> list[list[Scalar]]:
    """Rows are plain already; told so, pydantic writes them out several times faster."""
    return [list(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Table(TariffRecord):
    """A table of rates or amounts.

    A row holds one value per `exact` factor, then `from` and `to` (both included) per `banded` factor, then the knot of
    the `interpolated` factor, then the number. Between two knots the number is interpolated and rounded half up to
    `scale` decimals; beyond the first and the last there is none.
    """

    name: Name
    value: Literal["rate", "amount"]
    exact: tuple[str, ...]
    banded: tuple[str, ...]
    rows: Annotated[tuple[tuple[Scalar, ...], ...], PlainSerializer(_as_lists)]
    interpolated: Annotated[tuple[str, ...], Field(max_length=1)] = ()
    scale: Annotated[int, Field(ge=0, le=RATE_DIGITS)] | None = None

    @property
    def factors(self) -> tuple[str, ...]:
        return (*self.exact, *self.banded, *self.interpolated)

    def head(self) -> dict[str, Any]:
        """What the table is, without its rows, as JSON."""
        return {
            "name": self.name,
            "value": self.value,
            "exact": list(self.exact),
            "banded": list(self.banded),
            "interpolated": list(self.interpolated),
            "scale": self.scale,
            "rows": len(self.rows),
        }


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

    def head(self) -> dict[str, Any]:
        """Everything but the rows of the tables, as JSON: enough to follow how a premium is made."""
        told = replace(self, tables=()).to_json()
        return told | {"tables": [table.head() for table in self.tables]}


@cache
def _adapter() -> TypeAdapter[Tariff]:
    return TypeAdapter(Tariff)


def read_tariff(data: bytes) -> Tariff:
    """The tariff in a JSON document, strictly. Raises pydantic.ValidationError with every fault."""
    return _adapter().validate_json(data, strict=True)


def tariff_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `Tariff`."""
    return _adapter().json_schema()
