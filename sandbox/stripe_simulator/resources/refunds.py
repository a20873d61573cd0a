"""Refunds: https://docs.stripe.com/api/refunds. Of cards at once, later or failing, as the test card says.

Those of wallets are asynchronous and end with `refund.updated` or `refund.failed` (docs.stripe.com/payments/alipay and
/wechat-pay).
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from sandbox.stripe_simulator import books, wallets
from sandbox.stripe_simulator.currencies import major_units
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, ParameterError, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import (
    Amount,
    ListRequest,
    Metadata,
    Request,
    Text,
    check_amount,
    merged,
)
from sandbox.stripe_simulator.resources import payment_methods, transfers

PATH = "/v1/refunds"
FAILURE = "unknown"
"""Why a refund that fails says it failed (https://docs.stripe.com/refunds)."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a refund goes: whether it is `pending` at first, and what is left for later (`passing_time`)."""

    pending: bool
    later: Literal["refund_arrives", "refund_fails"] | None


OF_CARDS = {
    "at_once": Course(pending=False, later=None),
    "later": Course(pending=True, later="refund_arrives"),
    "fails": Course(pending=False, later="refund_fails"),
}


class CreateRefund(Request):
    charge: Text | None = None
    payment_intent: Text | None = None
    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata = Field(default_factory=dict)
    reverse_transfer: bool = False
    refund_application_fee: bool = False


class UpdateRefund(Request):
    metadata: Metadata = Field(default_factory=dict)


class ListRefunds(ListRequest):
    charge: Text | None = None
    payment_intent: Text | None = None


def create(ledger: Ledger, asked: CreateRefund) -> JsonObject:
    charge = _charge(ledger, asked)
    amount = _amount(charge, asked.amount)
    check_amount(amount, charge["currency"])
    method = ledger.find("payment_method", charge["payment_method"])
    refund = _blank(ledger, charge, method, amount, asked)
    refund["balance_transaction"] = books.post(
        ledger, "refund" if method["type"] == "card" else "payment_refund", -amount, refund
    )
    ledger.add(refund)
    # before the charge counts this refund: what is given back is measured by what was left
    _give_back_the_rest(ledger, charge, refund, asked)
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    refunded = charge["amount_refunded"] + amount
    ledger.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])
    ledger.announce("refund.created", refund)
    ledger.announce("charge.refunded", charge, previous)
    _leave_for_later(ledger, refund, method)
    return refund


def _course(ledger: Ledger, method: JsonObject) -> Course:
    if method["type"] == "card":
        return OF_CARDS[payment_methods.card_of(ledger, method).refund]
    fails = payment_methods.is_noted(ledger, method, "refund_fails")
    return Course(pending=True, later="refund_fails" if fails else "refund_arrives")


def _blank(ledger: Ledger, charge: JsonObject, method: JsonObject, amount: int, asked: CreateRefund) -> JsonObject:
    pending = _course(ledger, method).pending
    absent = (
        "customer_account", "failure_balance_transaction", "receipt_number", "source_transfer_reversal",
        "transfer_reversal",
    )  # fmt: skip
    return dict.fromkeys(absent) | {
        "id": new_id("re" if method["type"] == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": ledger.now,
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": _destination(method["type"]),
        "metadata": dict(asked.metadata),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "pending_reason": "processing" if pending else None,
        "reason": asked.reason,
        "status": "pending" if pending else "succeeded",
    }


def _destination(kind: str) -> JsonObject:
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"type": kind, kind: card if kind == "card" else {}}


def _give_back_the_rest(ledger: Ledger, charge: JsonObject, refund: JsonObject, asked: CreateRefund) -> None:
    """Bring back the connected account's part and the platform's fee, in proportion, when that is asked for."""
    whole, amount = charge["amount"], refund["amount"]
    if asked.reverse_transfer:
        if charge["transfer_data"] is None:
            message = f"Charge {charge['id']} has no transfer that came with it."
            raise invalid_request(message, param="reverse_transfer")
        transfer = ledger.find("transfer", charge["transfer"])
        left = transfer["amount"] - transfer["amount_reversed"]
        part = min(left, transfers.proportion(transfer["amount"], amount, whole))
        if part:
            reversal = transfers.reverse(ledger, transfer, part, source_refund=refund["id"])
            ledger.change(refund, transfer_reversal=reversal["id"])
    if asked.refund_application_fee:
        transfers.give_fee_back(ledger, charge["application_fee"], amount, whole)


def _leave_for_later(ledger: Ledger, refund: JsonObject, method: JsonObject) -> None:
    act = _course(ledger, method).later
    if act is not None:
        ledger.later(act, refund)


def arrive(ledger: Ledger, refund: JsonObject) -> None:
    before = {"pending_reason": refund["pending_reason"], "status": refund["status"]}
    ledger.change(refund, status="succeeded", pending_reason=None)
    ledger.announce("refund.updated", refund, before)
    ledger.announce("charge.refund.updated", refund, before)


def fail(ledger: Ledger, refund: JsonObject) -> None:
    """The bank or the wallet sent the money back: it is ours again, the charge as if nothing had been refunded."""
    before = {name: refund[name] for name in ("failure_balance_transaction", "pending_reason", "status")}
    kind = "refund_failure" if refund["id"].startswith("re_") else "payment_failure_refund"
    movement = books.post(ledger, kind, refund["amount"], refund)
    ledger.change(
        refund, status="failed", failure_reason=FAILURE, failure_balance_transaction=movement, pending_reason=None
    )
    charge = ledger.find("charge", refund["charge"])
    ledger.change(charge, amount_refunded=charge["amount_refunded"] - refund["amount"], refunded=False)
    ledger.announce("refund.failed", refund, before)
    ledger.announce("charge.refund.updated", refund, before)


def _charge(ledger: Ledger, asked: CreateRefund) -> JsonObject:
    """The paid charge that is meant, named itself or by its PaymentIntent."""
    if (asked.charge is None) == (asked.payment_intent is None):
        raise ParameterError("Provide exactly one of these parameters: charge, payment_intent.", param=None)
    if asked.charge is not None:
        charge = ledger.find("charge", asked.charge, "charge", status=404)
    else:
        intent = ledger.find("payment_intent", str(asked.payment_intent), "payment_intent", status=404)
        if intent["status"] != "succeeded":
            message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
            raise invalid_request(message, param="payment_intent")
        charge = ledger.find("charge", intent["latest_charge"], "charge")
    if not charge["paid"]:
        raise invalid_request(f"Charge {charge['id']} was not paid; there is nothing to refund.", param="charge")
    if charge["disputed"] and not ledger.records.private(charge["id"]).get("refundable"):
        raise invalid_request(f"The charge {charge['id']} has been charged back.", code="charge_disputed")
    _check_age(ledger, charge)
    return charge


def _check_age(ledger: Ledger, charge: JsonObject) -> None:
    """:raises ApiError: the wallet takes nothing back any more."""
    wallet = wallets.WALLETS.get(charge["payment_method_details"]["type"])
    if wallet is not None and ledger.now > charge["created"] + wallet.refund_days * books.DAY:
        message = f"Charge {charge['id']} is older than {wallet.refund_days} days and can no longer be refunded."
        raise invalid_request(message, code="charge_not_refundable")


def _amount(charge: JsonObject, asked: int | None) -> int:
    left: int = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise invalid_request(message, code="charge_already_refunded")
    amount = left if asked is None else asked
    if amount > left:
        currency = charge["currency"]
        shown = [f"{major_units(value, currency)} {currency.upper()}" for value in (amount, left)]
        message = f"Refund amount ({shown[0]}) is greater than unrefunded amount on charge ({shown[1]})"
        raise invalid_request(message, param="amount")
    return amount


def update(ledger: Ledger, asked: UpdateRefund, refund_id: str) -> JsonObject:
    refund = ledger.find("refund", refund_id)
    ledger.change(refund, metadata=merged(refund["metadata"], asked.metadata))
    ledger.announce("refund.updated", refund)
    return refund


def retrieve(ledger: Ledger, _asked: Request, refund_id: str) -> JsonObject:
    return ledger.find("refund", refund_id)


def page(ledger: Ledger, asked: ListRefunds) -> JsonObject:
    matching = {"charge": asked.charge, "payment_intent": asked.payment_intent}
    return ledger.page("refund", PATH, asked, matching=matching)


ENDPOINTS = (
    Endpoint("POST", PATH, CreateRefund, create),
    Endpoint("GET", PATH, ListRefunds, page, on_accounts=True),
    Endpoint("GET", f"{PATH}/<refund_id>", Request, retrieve, on_accounts=True),
    Endpoint("POST", f"{PATH}/<refund_id>", UpdateRefund, update),
)
