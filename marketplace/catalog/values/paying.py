"""How often a premium is paid, how many times, and by which methods."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from marketplace.catalog.values.factors import Record, Risk
from marketplace.kernel.text import LocalizedText


class Frequency(StrEnum):
    """How often the premium that the tariff gives is paid."""

    SINGLE = "single"
    YEARLY = "yearly"
    HALF_YEARLY = "half_yearly"
    QUARTERLY = "quarterly"
    MONTHLY = "monthly"

    @property
    def words(self) -> LocalizedText:
        return _FREQUENCY_WORDS[self]

    def payments(self, years: int) -> int:
        """How many payments there are when premiums are paid for so many years; a single one is paid once."""
        return 1 if self is Frequency.SINGLE else years * _PAYMENTS_A_YEAR[self]

    @property
    def months(self) -> int:
        """From one payment to the next; 0 where there is no next."""
        return 0 if self is Frequency.SINGLE else 12 // _PAYMENTS_A_YEAR[self]


_FREQUENCY_WORDS: Mapping[Frequency, LocalizedText] = {
    Frequency.SINGLE: LocalizedText("once", "一次交清"),
    Frequency.YEARLY: LocalizedText("every year", "年交"),
    Frequency.HALF_YEARLY: LocalizedText("every half-year", "半年交"),
    Frequency.QUARTERLY: LocalizedText("every quarter", "季交"),
    Frequency.MONTHLY: LocalizedText("every month", "月交"),
}
_PAYMENTS_A_YEAR: Mapping[Frequency, int] = {
    Frequency.YEARLY: 1,
    Frequency.HALF_YEARLY: 2,
    Frequency.QUARTERLY: 4,
    Frequency.MONTHLY: 12,
}
REGULAR = tuple(_PAYMENTS_A_YEAR)
"""Every frequency with more than one payment, in order."""


class PaymentMethod(StrEnum):
    """By what a premium is paid, as Stripe names it."""

    CARD = "card"
    ALIPAY = "alipay"
    WECHAT_PAY = "wechat_pay"

    @property
    def words(self) -> LocalizedText:
        return _METHOD_WORDS[self]

    @property
    def is_wallet(self) -> bool:
        """Whether its owner agrees to each payment anew, so that no later premium can be taken by itself."""
        return self is not PaymentMethod.CARD

    def takes(self, currency: str) -> bool:
        return self not in _WALLET_CURRENCIES or currency in _WALLET_CURRENCIES[self]


_METHOD_WORDS: Mapping[PaymentMethod, LocalizedText] = {
    PaymentMethod.CARD: LocalizedText("card", "银行卡"),
    PaymentMethod.ALIPAY: LocalizedText("Alipay", "支付宝"),
    PaymentMethod.WECHAT_PAY: LocalizedText("WeChat Pay", "微信支付"),
}
# docs.stripe.com/payments/alipay and /wechat-pay: what is not listed there cannot be asked for.
_WALLET_CURRENCIES: Mapping[PaymentMethod, frozenset[str]] = {
    PaymentMethod.ALIPAY: frozenset(["AUD", "CAD", "CNY", "EUR", "GBP", "HKD", "JPY", "MYR", "NZD", "SGD", "USD"]),
    PaymentMethod.WECHAT_PAY: frozenset(
        ["AUD", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "HKD", "JPY", "NOK", "SEK", "SGD", "USD"]
    ),
}


@dataclass(frozen=True, slots=True)
class Payment(Record):
    """How often the premium is paid, how many times, and by which `methods`.

    Either `frequency` is the only one, and it is paid `times` times, or as many as the risk's `times_factor` says; or
    the customer chooses it by the rating factor that `frequency_factor` names, and the premium is paid for so many
    years.
    """

    frequency: Frequency | None = None
    frequency_factor: str | None = None
    times: Annotated[int, Field(ge=1, le=1200)] | None = None
    times_factor: str | None = None
    methods: Annotated[tuple[PaymentMethod, ...], Field(min_length=1)] = (PaymentMethod.CARD,)

    def frequency_of(self, risk: Risk) -> Frequency:
        if self.frequency_factor is not None:
            return Frequency(str(risk[self.frequency_factor]))
        return self.frequency or Frequency.SINGLE

    def times_of(self, risk: Risk) -> int:
        """How many payments there are in all."""
        times = int(risk[self.times_factor]) if self.times_factor is not None else self.times or 1
        return times if self.frequency_factor is None else self.frequency_of(risk).payments(times)

    def times_in_first_year(self, risk: Risk) -> int:
        """How many of them are due within a year of the first."""
        return min(self.times_of(risk), self.frequency_of(risk).payments(1))
