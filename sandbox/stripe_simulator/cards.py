"""Stripe's published test cards and what each one does (docs.stripe.com/testing).

Card numbers are never kept: a payment method keeps its brand, last four digits and behaviour.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

Brand = Literal["visa", "mastercard", "amex", "unionpay"]
Authentication = Literal["never", "unless_set_up", "always", "set_up_already"]
DisputeReason = Literal["fraudulent", "product_not_received"]


@dataclass(frozen=True, slots=True)
class Decline:
    """`code` is Stripe's error code; `decline_code` the issuer's reason, only with `card_declined`."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class TestCard:
    """`aliases` are the names under which the API accepts the card without its number.

    `authentication` says whether the bank asks the person (3-D Secure) when nobody is there to answer; with the
    person there, it asks for every kind but `never`. A card with a `decline` as well is declined after that.
    `can_be_saved` with a `decline`: attaching works, charging does not. `dispute` follows the payment by itself,
    as an `inquiry` without money or as a chargeback. `refund` says how a refund goes.
    """

    __test__ = False  # a card, not a test case

    number: str
    brand: Brand = "visa"
    decline: Decline | None = None
    authentication: Authentication = "never"
    aliases: tuple[str, ...] = ()
    can_be_saved: bool = True
    dispute: DisputeReason | None = None
    inquiry: bool = False
    refund: Literal["at_once", "later", "fails"] = "at_once"
    available_at_once: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def asks_for_authentication(self) -> bool:
        """Whether the bank asks a person who is there."""
        return self.authentication != "never"

    def asks_the_absent(self, *, set_up: bool) -> bool:
        """Whether the bank asks although nobody is there; `set_up` tells that the person agreed to that before."""
        return self.authentication == "always" or (self.authentication == "unless_set_up" and not set_up)

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
        can_be_saved=False,
        decline=_declined("generic_decline"),
        aliases=("pm_card_visa_chargeDeclined", "pm_card_chargeDeclined"),
    ),
    TestCard(
        "4000000000009995",
        can_be_saved=False,
        decline=_declined("insufficient_funds", "Your card has insufficient funds."),
        aliases=("pm_card_visa_chargeDeclinedInsufficientFunds", "pm_card_chargeDeclinedInsufficientFunds"),
    ),
    TestCard(
        "4000000000009987",
        can_be_saved=False,
        decline=_declined("lost_card"),
        aliases=("pm_card_visa_chargeDeclinedLostCard",),
    ),
    TestCard(
        "4000000000009979",
        can_be_saved=False,
        decline=_declined("stolen_card"),
        aliases=("pm_card_visa_chargeDeclinedStolenCard",),
    ),
    TestCard(
        "4000000000000069",
        can_be_saved=False,
        decline=Decline("expired_card", None, "Your card has expired."),
        aliases=("pm_card_chargeDeclinedExpiredCard",),
    ),
    TestCard(
        "4000000000000127",
        can_be_saved=False,
        decline=Decline("incorrect_cvc", None, "Your card's security code is incorrect."),
        aliases=("pm_card_chargeDeclinedIncorrectCvc",),
    ),
    TestCard(
        "4000000000000119",
        can_be_saved=False,
        decline=Decline(
            "processing_error", None, "An error occurred while processing your card. Try again in a little bit."
        ),
        aliases=("pm_card_chargeDeclinedProcessingError",),
    ),
    TestCard(
        "4000002500003155",
        authentication="unless_set_up",
        aliases=("pm_card_authenticationRequiredOnSetup",),
    ),
    TestCard("4000002760003184", authentication="always", aliases=("pm_card_authenticationRequired",)),
    TestCard(
        "4000003800000446",
        authentication="set_up_already",
        aliases=("pm_card_authenticationRequiredSetupForOffSession",),
    ),
    TestCard(
        "4000008260003178",
        authentication="always",
        decline=_declined("insufficient_funds", "Your card has insufficient funds."),
        aliases=("pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",),
    ),
    TestCard("4000000000000341", decline=_declined("generic_decline"), aliases=("pm_card_chargeCustomerFail",)),
    TestCard("4000000000000077", available_at_once=True, aliases=("pm_card_bypassPending",)),
    TestCard("4000000000000259", dispute="fraudulent", aliases=("pm_card_createDispute",)),
    TestCard("4000000000002685", dispute="product_not_received", aliases=("pm_card_createDisputeProductNotReceived",)),
    TestCard("4000000000001976", dispute="fraudulent", inquiry=True, aliases=("pm_card_createDisputeInquiry",)),
    TestCard("4000000000007726", refund="later", aliases=("pm_card_pendingRefund",)),
    TestCard("4000000000005126", refund="fails", aliases=("pm_card_refundFail",)),
)
BY_NUMBER = {card.number: card for card in CARDS}
BY_ALIAS = {alias: card for card in CARDS for alias in card.aliases}
BY_TOKEN = {f"tok_{alias.removeprefix('pm_card_')}": card for alias, card in BY_ALIAS.items()}


def passes_luhn(number: str) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[0::2]) + sum(doubled)) % 10 == 0
