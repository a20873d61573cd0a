"""Stripe's published test cards and what each one does (docs.stripe.com/testing).

Card numbers are never kept: a payment method keeps its brand, last four digits and behaviour.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

Brand = Literal["visa", "mastercard", "amex", "unionpay"]


@dataclass(frozen=True, slots=True)
class Decline:
    """`code` is Stripe's error code; `decline_code` the issuer's reason, only with `card_declined`."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class TestCard:
    """`aliases` are the names under which the API accepts the card without its number."""

    __test__ = False  # a card, not a test case

    number: str
    brand: Brand = "visa"
    decline: Decline | None = None
    asks_for_authentication: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


def _declined(decline_code: str, message: str = "Your card was declined.") -> Decline:
    return Decline("card_declined", decline_code, message)


CARDS = (
    TestCard("4242424242424242", aliases=("pm_card_visa",)),
    TestCard("5555555555554444", "mastercard", aliases=("pm_card_mastercard",)),
    TestCard("378282246310005", "amex", aliases=("pm_card_amex",)),
    TestCard("6200000000000005", "unionpay", aliases=("pm_card_unionpay",)),
    TestCard(
        "4000000000000002",
        decline=_declined("generic_decline"),
        aliases=("pm_card_visa_chargeDeclined", "pm_card_chargeDeclined"),
    ),
    TestCard(
        "4000000000009995",
        decline=_declined("insufficient_funds", "Your card has insufficient funds."),
        aliases=("pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedInsufficientFunds"),
    ),
    TestCard(
        "4000000000009987",
        decline=_declined("lost_card"),
        aliases=("pm_card_visa_chargeDeclinedLostCard",),
    ),
    TestCard(
        "4000000000009979",
        decline=_declined("stolen_card"),
        aliases=("pm_card_visa_chargeDeclinedStolenCard",),
    ),
    TestCard(
        "4000000000000069",
        decline=Decline("expired_card", None, "Your card has expired."),
        aliases=("pm_card_chargeDeclinedExpiredCard",),
    ),
    TestCard(
        "4000000000000127",
        decline=Decline("incorrect_cvc", None, "Your card's security code is incorrect."),
        aliases=("pm_card_chargeDeclinedIncorrectCvc",),
    ),
    TestCard(
        "4000000000000119",
        decline=Decline(
            "processing_error", None, "An error occurred while processing your card. Try again in a little bit."
        ),
        aliases=("pm_card_chargeDeclinedProcessingError",),
    ),
    TestCard(
        "4000002500003155",
        asks_for_authentication=True,
        aliases=("pm_card_authenticationRequiredOnSetup",),
    ),
    TestCard("4000002760003184", asks_for_authentication=True, aliases=("pm_card_authenticationRequired",)),
)
BY_NUMBER = {card.number: card for card in CARDS}
BY_ALIAS = {alias: card for card in CARDS for alias in card.aliases}


def passes_luhn(number: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0
