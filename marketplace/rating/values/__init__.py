"""The public words of rating: the tariff as data, and the breakdown that explains a premium."""

from marketplace.rating.values.breakdown import Breakdown, BreakdownLine, Cell, ExtraPremium, Posted, Posting
from marketplace.rating.values.refusals import RiskOutOfRange, TariffAltered, TariffFault, TariffNotFound
from marketplace.rating.values.tariff import (
    RATE_DIGITS,
    SHARES,
    Add,
    Discount,
    Fee,
    Instalment,
    LineKind,
    Loading,
    Lookup,
    Maximum,
    Minimum,
    Multiply,
    PerUnit,
    Risk,
    Round,
    Scalar,
    Share,
    Step,
    Table,
    Tariff,
    Tax,
    read_tariff,
    tariff_schema,
)

__all__ = [
    "RATE_DIGITS", "SHARES", "Add", "Breakdown", "BreakdownLine", "Cell", "Discount", "ExtraPremium", "Fee",
    "Instalment", "LineKind", "Loading", "Lookup", "Maximum", "Minimum", "Multiply", "PerUnit", "Posted", "Posting",
    "Risk", "RiskOutOfRange",
    "Round", "Scalar", "Share", "Step", "Table", "Tariff", "TariffAltered", "TariffFault", "TariffNotFound", "Tax",
    "read_tariff", "tariff_schema",
]  # fmt: skip
