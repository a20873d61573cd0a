"""Charges: made by confirming a PaymentIntent, read by the API. https://docs.stripe.com/api/charges."""

from sandbox.stripe_simulator.cards import Decline
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import ListRequest, Request, Text
from sandbox.stripe_simulator.store import PageQuery

PATH = "/v1/charges"


class ListCharges(ListRequest):
    payment_intent: Text | None = None
    customer: Text | None = None


def add(ledger: Ledger, intent: JsonObject, method: JsonObject, decline: Decline | None) -> JsonObject:
    """One try to take the money: it succeeded, or the issuer declined it."""
    paid = decline is None
    charge_id = new_id("ch")
    return ledger.add(
        {
            "id": charge_id,
            "object": "charge",
            "amount": intent["amount"],
            "amount_captured": intent["amount"] if paid else 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": intent["statement_descriptor"],
            "captured": paid,
            "created": ledger.now,
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": decline.code if decline else None,
            "failure_message": decline.message if decline else None,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "on_behalf_of": None,
            "outcome": _outcome(decline),
            "paid": paid,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": _details(intent, method, paid=paid),
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source": None,
            "source_transfer": None,
            "statement_descriptor": intent["statement_descriptor"],
            "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
            "status": "succeeded" if paid else "failed",
            "transfer_data": None,
            "transfer_group": None,
        }
    )


def _outcome(decline: Decline | None) -> JsonObject:
    if decline is None:
        return {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network",
        "reason": decline.decline_code or decline.code,
        "risk_level": "normal",
        "seller_message": "The bank did not return any further details with this decline.",
        "type": "issuer_declined",
    }


def _details(intent: JsonObject, method: JsonObject, *, paid: bool) -> JsonObject:
    card = method["card"]
    return {
        "type": "card",
        "card": {
            "amount_authorized": intent["amount"] if paid else None,
            "authorization_code": None,
            "brand": card["brand"],
            "checks": card["checks"],
            "country": card["country"],
            "exp_month": card["exp_month"],
            "exp_year": card["exp_year"],
            "fingerprint": card["fingerprint"],
            "funding": card["funding"],
            "installments": None,
            "last4": card["last4"],
            "mandate": None,
            "network": card["brand"],
            "network_token": {"used": False},
            "network_transaction_id": None,
            "regulated_status": card["regulated_status"],
            "three_d_secure": None,
            "wallet": None,
        },
    }


def first_refunds(ledger: Ledger, charge: JsonObject) -> JsonObject:
    """The newest refunds of a charge, as its expanded `refunds`."""
    data, has_more = ledger.records.page(PageQuery("refund", matching={"$.charge": charge["id"]}))
    return {"object": "list", "data": data, "has_more": has_more, "url": f"{PATH}/{charge['id']}/refunds"}


def retrieve(ledger: Ledger, _asked: Request, charge_id: str) -> JsonObject:
    return ledger.find("charge", charge_id)


def page(ledger: Ledger, asked: ListCharges) -> JsonObject:
    matching = {"payment_intent": asked.payment_intent, "customer": asked.customer}
    return ledger.page("charge", PATH, asked, matching=matching)


ENDPOINTS = (
    Endpoint("GET", PATH, ListCharges, page),
    Endpoint("GET", f"{PATH}/<charge_id>", Request, retrieve),
)
