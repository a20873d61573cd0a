"""Charges: made by a PaymentIntent or by a transfer to an account, read by the API. https://docs.stripe.com/api/charges."""

from typing import Literal

from pydantic import Field

from sandbox.stripe_simulator import books, search
from sandbox.stripe_simulator.cards import Decline
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import ListRequest, Metadata, Request, Text, merged
from sandbox.stripe_simulator.resources import payment_methods
from sandbox.stripe_simulator.store import PageQuery

PATH = "/v1/charges"
Status = Literal["succeeded", "pending", "failed"]
NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
PASSED = {"network_status": "approved_by_network", "reason": None, "type": "authorized"}


class ListCharges(ListRequest):
    payment_intent: Text | None = None
    customer: Text | None = None
    transfer_group: Text | None = None


class UpdateCharge(Request):
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    transfer_group: Text | None = None


def add(
    ledger: Ledger, intent: JsonObject, method: JsonObject, status: Status, decline: Decline | None = None
) -> JsonObject:
    """One try to take the money: it succeeded, it is under way, or it was declined."""
    own = intent["transfer_data"] is not None
    charge = ledger.add(
        blank(ledger, "ch" if method["type"] == "card" else "py", intent["amount"], intent["currency"])
        | {
            "amount_captured": intent["amount"] if status == "succeeded" else 0,
            "application_fee_amount": intent["application_fee_amount"],
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": intent["statement_descriptor"],
            "captured": status == "succeeded",
            "customer": intent["customer"],
            "description": intent["description"],
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": intent["on_behalf_of"],
            "paid": status == "succeeded",
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _details(intent, method, paid=status == "succeeded"),
            "receipt_email": intent["receipt_email"],
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": status,
            "transfer_data": intent["transfer_data"],
            "transfer_group": intent["transfer_group"] or (f"group_{intent['id']}" if own else None),
        }
    )
    if decline is not None:
        decline_it(ledger, charge, decline)
    elif status == "succeeded":
        take(ledger, charge, method)
    return charge


def blank(ledger: Ledger, prefix: str, amount: int, currency: str) -> JsonObject:
    """A charge of which only the sum is known, paid at once."""
    absent = (
        "application", "application_fee", "application_fee_amount", "balance_transaction",
        "calculated_statement_descriptor", "customer", "description", "failure_balance_transaction", "failure_code",
        "failure_message", "on_behalf_of", "payment_intent", "payment_method", "payment_method_details",
        "receipt_email", "receipt_number", "receipt_url", "review", "shipping", "source", "source_transfer",
        "statement_descriptor", "statement_descriptor_suffix", "transfer_data", "transfer_group",
    )  # fmt: skip
    return dict.fromkeys(absent) | {
        "id": new_id(prefix),
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": 0,
        "billing_details": {"address": NO_ADDRESS, "email": None, "name": None, "phone": None, "tax_id": None},
        "captured": True,
        "created": ledger.now,
        "currency": currency,
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": {},
        "outcome": _outcome("Payment complete.", **PASSED),
        "paid": True,
        "refunded": False,
        "status": "succeeded",
    }


def _outcome(message: str, **how: str | None) -> JsonObject:
    absent = dict.fromkeys(("advice_code", "network_advice_code", "network_decline_code"))
    return absent | {"risk_level": "normal", "seller_message": message} | how


def _details(intent: JsonObject, method: JsonObject, *, paid: bool) -> JsonObject:
    kind = method["type"]
    if kind == "alipay":
        return {"type": kind, kind: dict.fromkeys(("buyer_id", "fingerprint", "transaction_id"))}
    if kind == "wechat_pay":
        return {"type": kind, kind: dict.fromkeys(("fingerprint", "location", "reader", "transaction_id"))}
    card = method["card"]
    kept = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
    )
    absent = ("authorization_code", "installments", "mandate", "network_transaction_id", "three_d_secure", "wallet")
    return {
        "type": "card",
        "card": dict.fromkeys(absent)
        | {name: card[name] for name in kept}
        | {
            "amount_authorized": intent["amount"] if paid else None,
            "network": card["brand"],
            "network_token": {"used": False},
        },
    }


def take(ledger: Ledger, charge: JsonObject, method: JsonObject) -> None:
    """The money is in the books, less the fee; usable in two days."""
    at_once = method["type"] == "card" and payment_methods.card_of(ledger, method).available_at_once
    movement = books.post(
        ledger,
        "charge" if method["type"] == "card" else "payment",
        charge["amount"],
        charge,
        fee=books.processing_fee(charge["amount"], charge["currency"]),
        available_on=ledger.now if at_once else books.day_of_availability(ledger.now),
    )
    ledger.change(
        charge,
        amount_captured=charge["amount"],
        balance_transaction=movement,
        captured=True,
        paid=True,
        status="succeeded",
    )


def decline_it(ledger: Ledger, charge: JsonObject, decline: Decline) -> None:
    said = "The bank did not return any further details with this decline."
    reason = decline.decline_code or decline.code
    ledger.change(
        charge,
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=_outcome(said, network_status="declined_by_network", reason=reason, type="issuer_declined"),
        status="failed",
    )


def first_refunds(ledger: Ledger, charge: JsonObject) -> JsonObject:
    """The newest refunds of a charge, as its expanded `refunds`."""
    account = ledger.records.owner(charge["id"])
    data, has_more = ledger.records.page(PageQuery("refund", account, matching={"$.charge": charge["id"]}))
    return {"object": "list", "data": data, "has_more": has_more, "url": f"{PATH}/{charge['id']}/refunds"}


def update(ledger: Ledger, asked: UpdateCharge, charge_id: str) -> JsonObject:
    charge = ledger.find("charge", charge_id, "charge")
    changes = asked.model_dump(include=asked.model_fields_set - {"expand", "metadata"})
    ledger.change(charge, **changes, metadata=merged(charge["metadata"], asked.metadata))
    ledger.announce("charge.updated", charge)
    return charge


def retrieve(ledger: Ledger, _asked: Request, charge_id: str) -> JsonObject:
    return ledger.find("charge", charge_id, "charge")


def page(ledger: Ledger, asked: ListCharges) -> JsonObject:
    matching = {
        "payment_intent": asked.payment_intent,
        "customer": asked.customer,
        "transfer_group": asked.transfer_group,
    }
    return ledger.page("charge", PATH, asked, matching=matching)


def found(ledger: Ledger, asked: search.SearchRequest) -> JsonObject:
    return search.answered(ledger, "charge", f"{PATH}/search", asked)


ENDPOINTS = (
    Endpoint("GET", PATH, ListCharges, page, on_accounts=True),
    Endpoint("GET", f"{PATH}/search", search.SearchRequest, found),
    Endpoint("GET", f"{PATH}/<charge_id>", Request, retrieve, on_accounts=True),
    Endpoint("POST", f"{PATH}/<charge_id>", UpdateCharge, update),
)
