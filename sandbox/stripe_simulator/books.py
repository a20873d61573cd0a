"""The books of an account: every movement of its money is a balance transaction.

Amounts settle in the currency they were charged in; nothing is converted. Charges carry one made-up price, 2.9 % and
0.30 of the currency, which Stripe keeps when money goes back, as it does.
"""

from dataclasses import dataclass

from sandbox.stripe_simulator.currencies import minor_digits
from sandbox.stripe_simulator.errors import JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id

PER_MILLE, FIXED_HUNDREDTHS, DISPUTE_HUNDREDTHS = 29, 30, 1500
DAY = 86_400
DAYS_UNTIL_AVAILABLE = 2

REPORTED_AS = {
    "application_fee": "platform_earning",
    "application_fee_refund": "platform_earning_refund",
    "charge": "charge",
    "payment": "charge",
    "payment_refund": "refund",
    "payment_failure_refund": "refund_failure",
    "payout": "payout",
    "payout_cancel": "payout_reversal",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "transfer": "transfer",
    "transfer_refund": "transfer_reversal",
}
"""The reporting category of each type; an adjustment names its own."""


@dataclass(frozen=True, slots=True)
class Fee:
    """A part of `fee_details`; `kind` is `stripe_fee` or `application_fee`."""

    amount: int
    description: str
    kind: str = "stripe_fee"


def processing_fee(amount: int, currency: str) -> Fee:
    fixed = hundredths(FIXED_HUNDREDTHS, currency)
    return Fee(min(amount, (amount * PER_MILLE + 500) // 1000 + fixed), "Stripe processing fees")


def dispute_fee(currency: str) -> Fee:
    return Fee(hundredths(DISPUTE_HUNDREDTHS, currency), "Dispute fee")


def hundredths(number: int, currency: str) -> int:
    """So many hundredths of a two-decimal currency, as as many smallest units of any; a yen stands for a cent."""
    return number * 10 if minor_digits(currency) == 3 else number  # noqa: PLR2004  three decimals


def day_of_availability(now: int) -> int:
    """Money charged now can be used from midnight UTC two days on."""
    return now // DAY * DAY + DAYS_UNTIL_AVAILABLE * DAY


def post(
    ledger: Ledger,
    kind: str,
    amount: int,
    source: JsonObject,
    *,
    fee: Fee | None = None,
    available_on: int | None = None,
    reported_as: str | None = None,
) -> str:
    """Write a movement (negative: money leaves) into the books of the ledger's account; gives its id."""
    charged = fee.amount if fee else 0
    currency = source["currency"]
    available = ledger.now if available_on is None else available_on
    details = [
        {
            "amount": fee.amount,
            "application": None,
            "currency": currency,
            "description": fee.description,
            "type": fee.kind,
        }
        for fee in (fee,)
        if fee
    ]
    movement = ledger.add(
        {
            "id": new_id("txn"),
            "object": "balance_transaction",
            "amount": amount,
            "available_on": available,
            "balance_type": "payments",
            "created": ledger.now,
            "currency": currency,
            "description": source.get("description"),
            "exchange_rate": None,
            "fee": charged,
            "fee_details": details,
            "net": amount - charged,
            "reporting_category": reported_as or REPORTED_AS[kind],
            "source": source["id"],
            "status": "available" if available <= ledger.now else "pending",
            "type": kind,
        }
    )
    return str(movement["id"])


def balance(ledger: Ledger, currency: str, *, with_pending: bool = False) -> int:
    """What the account has in a currency: available, or in all."""
    states = {"available", "pending"} if with_pending else {"available"}
    return sum(net for code, state, net in ledger.records.sums(ledger.account) if code == currency and state in states)


def check_covered(ledger: Ledger, amount: int, currency: str, *, with_pending: bool = False) -> None:
    """:raises ApiError: `balance_insufficient`."""
    has = balance(ledger, currency, with_pending=with_pending)
    if has < amount:
        raise invalid_request(
            f"You have insufficient funds in your Stripe account ({has} {currency} available, {amount} needed). "
            "Money of test charges is pending for two days; the card 4000 0000 0000 0077 skips that.",
            code="balance_insufficient",
        )
