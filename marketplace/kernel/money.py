"""Amounts as whole minor units of one currency. Decimals live in rating, and in tables for other programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Self

# Digits that are not two, as the payment service counts them (docs.stripe.com/currencies, "Minor units in API
# amounts"; read 2026-11). Three differ from ISO 4217 on purpose, because an amount goes to the payment service as it
# stands: ISK and UGX have no minor unit any more and are still sent in hundredths (whole hundreds only), MGA is sent
# without its fifths. HUF and TWD are counted in hundredths; only payouts must be whole hundreds.
_ZERO = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THREE = "BHD JOD KWD OMR TND"
_DIGITS = dict.fromkeys(_ZERO.split(), 0) | dict.fromkeys(_THREE.split(), 3)


def minor_digits(currency: str) -> int:
    """Digits after the decimal point of `currency` (ISO 4217 code, upper case)."""
    return _DIGITS.get(currency, 2)


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` whole minor units (cents, fen) of `currency` (ISO 4217, upper case)."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.minor, int) or isinstance(self.minor, bool):
            raise TypeError("Money counts whole minor units")
        if len(self.currency) != 3 or not self.currency.isalpha() or not self.currency.isupper():  # noqa: PLR2004  ISO 4217 codes have three letters
            raise ValueError(f"not an ISO 4217 code: {self.currency!r}")

    @classmethod
    def zero(cls, currency: str) -> Self:
        return cls(0, currency)

    @property
    def major(self) -> Decimal:
        """The amount in units of the currency, with exactly its digits: `Decimal("1320.75")`."""
        return Decimal(self.minor).scaleb(-minor_digits(self.currency))

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be added or compared")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        if not isinstance(times, int):
            raise TypeError("Money is multiplied by whole numbers only")
        return Money(self.minor * times, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    @classmethod
    def of_major(cls, units: Decimal, currency: str) -> Self:
        """So many units of a currency. Raises ValueError where it has fewer digits than that."""
        minor = units.scaleb(minor_digits(currency))
        if not minor.is_finite() or minor != minor.to_integral_value():
            raise ValueError(f"{units} is no amount of {currency}")
        return cls(int(minor), currency)


def amounts(text: str) -> Mapping[str, Money]:
    """By currency, what a setting says of several, in units of each: `CNY:2000,JPY:40000`. Raises ValueError."""
    found: dict[str, Money] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        currency, _, units = part.partition(":")
        try:
            amount = Money.of_major(Decimal(units), currency)
        except InvalidOperation:
            raise ValueError(f"{units!r} is no amount") from None
        if currency in found or amount.minor < 0:
            raise ValueError(f"{currency} stands there twice, or is less than nothing")
        found[currency] = amount
    return found
