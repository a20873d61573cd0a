"""Refunds: https://docs.stripe.com/api/refunds. They succeed at once."""

from typing import Literal

from pydantic import Field

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
)

PATH = "/v1/refunds"


class CreateRefund(Request):
    charge: Text | None = None
    payment_intent: Text | None = None
    amount: Amount | None = None
    reason: Literal["duplicate", "fraudulent", "requested_by_customer"] | None = None
    metadata: Metadata = Field(default_factory=dict)


class ListRefunds(ListRequest):
    charge: Text | None = None
    payment_intent: Text | None = None


def create(ledger: Ledger, asked: CreateRefund) -> JsonObject:
    charge = _charge(ledger, asked)
    amount = _amount(charge, asked.amount)
    refund = ledger.add(
        {
            "id": new_id("re"),
            "object": "refund",
            "amount": amount,
            "balance_transaction": None,
            "charge": charge["id"],
            "created": ledger.now,
            "currency": charge["currency"],
            "customer": charge["customer"],
            "customer_account": None,
            "destination_details": {
                "card": {
                    "reference_status": "pending",
                    "reference_type": "acquirer_reference_number",
                    "type": "refund",
                },
                "type": "card",
            },
            "failure_balance_transaction": None,
            "metadata": dict(asked.metadata),
            "payment_intent": charge["payment_intent"],
            "payment_method": charge["payment_method"],
            "pending_reason": None,
            "reason": asked.reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "succeeded",
            "transfer_reversal": None,
        }
    )
    previous = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    refunded = charge["amount_refunded"] + amount
    ledger.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])
    ledger.announce("refund.created", refund)
    ledger.announce("charge.refunded", charge, previous)
    return refund


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
    return charge


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


def retrieve(ledger: Ledger, _asked: Request, refund_id: str) -> JsonObject:
    return ledger.find("refund", refund_id)


def page(ledger: Ledger, asked: ListRefunds) -> JsonObject:
    matching = {"charge": asked.charge, "payment_intent": asked.payment_intent}
    return ledger.page("refund", PATH, asked, matching=matching)


ENDPOINTS = (
    Endpoint("POST", PATH, CreateRefund, create),
    Endpoint("GET", PATH, ListRefunds, page),
    Endpoint("GET", f"{PATH}/<refund_id>", Request, retrieve),
)
