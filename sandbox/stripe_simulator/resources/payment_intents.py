"""PaymentIntents: https://docs.stripe.com/api/payment_intents, paid by card at once (no separate capture)."""

import secrets
from typing import Literal

from pydantic import Field

from sandbox.stripe_simulator.cards import Decline
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import CardDeclinedError, JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import (
    Amount,
    CardOnly,
    Currency,
    Email,
    ListRequest,
    Metadata,
    Part,
    Request,
    ShortText,
    Text,
    WebAddress,
)
from sandbox.stripe_simulator.resources import charges, payment_methods

PATH = "/v1/payment_intents"
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class AutomaticPaymentMethods(Part):
    enabled: bool
    allow_redirects: Literal["always", "never"] = "always"


class IntentDetails(Part):
    """What Checkout hands on to the PaymentIntent it makes, too."""

    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    receipt_email: Email | None = None
    statement_descriptor: ShortText | None = None
    statement_descriptor_suffix: ShortText | None = None


class CreateIntent(IntentDetails, Request):
    amount: Amount
    currency: Currency
    customer: Text | None = None
    payment_method: Text | None = None
    payment_method_types: CardOnly = ("card",)
    automatic_payment_methods: AutomaticPaymentMethods | None = None
    confirm: bool = False
    return_url: WebAddress | None = None


class ConfirmIntent(Request):
    payment_method: Text | None = None
    return_url: WebAddress | None = None
    receipt_email: Email | None = None


class CancelIntent(Request):
    cancellation_reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = None


class ListIntents(ListRequest):
    customer: Text | None = None


def add(ledger: Ledger, asked: CreateIntent, session_id: str | None = None) -> JsonObject:
    """A new PaymentIntent, belonging to a Checkout Session or to nobody."""
    if asked.customer is not None:
        ledger.find("customer", asked.customer, "customer", status=400)
    automatic = asked.automatic_payment_methods
    intent_id = new_id("pi")
    intent = ledger.add(
        {
            "id": intent_id,
            "object": "payment_intent",
            "amount": asked.amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": automatic.model_dump() if automatic else None,
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
            "confirmation_method": "automatic",
            "created": ledger.now,
            "currency": asked.currency,
            "customer": asked.customer,
            "customer_account": None,
            "description": asked.description,
            "excluded_payment_method_types": None,
            "last_payment_error": None,
            "latest_charge": None,
            "livemode": False,
            "managed_payments": {"enabled": False},
            "metadata": dict(asked.metadata),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": list(asked.payment_method_types),
            "payment_record": None,
            "processing": None,
            "receipt_email": asked.receipt_email,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": asked.statement_descriptor,
            "statement_descriptor_suffix": asked.statement_descriptor_suffix,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
        },
        private={"session": session_id},
    )
    ledger.announce("payment_intent.created", intent)
    return intent


def pay(ledger: Ledger, intent: JsonObject, method: JsonObject, return_url: str | None) -> JsonObject:
    """Try to take the money: paid, or the bank asks the person first.

    :raises CardDeclinedError: the failed charge stays, and the PaymentIntent waits for another card.
    """
    card = payment_methods.card_of(ledger, method)
    if card.decline is not None:
        raise _declined(ledger, intent, method, card.decline)
    if card.asks_for_authentication:
        challenge = f"{ledger.public_url}/authenticate/{intent['id']}"
        action = {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": return_url, "url": challenge},
        }
        ledger.change(intent, status="requires_action", next_action=action, payment_method=method["id"])
        ledger.announce("payment_intent.requires_action", intent)
        return intent
    return settle(ledger, intent, method)


def settle(ledger: Ledger, intent: JsonObject, method: JsonObject) -> JsonObject:
    method["card"]["checks"]["cvc_check"] = "pass"
    ledger.change(method)
    charge = charges.add(ledger, intent, method, None)
    ledger.change(
        intent,
        status="succeeded",
        amount_received=intent["amount"],
        latest_charge=charge["id"],
        last_payment_error=None,
        next_action=None,
        payment_method=method["id"],
    )
    ledger.announce("charge.succeeded", charge)
    ledger.announce("payment_intent.succeeded", intent)
    return intent


def _declined(ledger: Ledger, intent: JsonObject, method: JsonObject, decline: Decline) -> CardDeclinedError:
    charge = charges.add(ledger, intent, method, decline)
    details = {"charge": charge["id"], "decline_code": decline.decline_code, "payment_method": method}
    refusal = CardDeclinedError(decline.message, code=decline.code, details=details)
    ledger.change(
        intent,
        status="requires_payment_method",
        latest_charge=charge["id"],
        last_payment_error=dict(refusal.body["error"]),
        next_action=None,
        payment_method=None,
    )
    ledger.announce("charge.failed", charge)
    ledger.announce("payment_intent.payment_failed", intent)
    refusal.body["error"]["payment_intent"] = intent
    return refusal


def fail_authentication(ledger: Ledger, intent: JsonObject) -> None:
    """The person, or the bank, said no to 3-D Secure: no charge was tried."""
    refusal = invalid_request(
        "The provided PaymentMethod has failed authentication. Provide another one to pay.",
        code="payment_intent_authentication_failure",
        details={"payment_method": ledger.look_up(intent["payment_method"])},
    )
    ledger.change(
        intent,
        status="requires_payment_method",
        last_payment_error=refusal.body["error"],
        next_action=None,
        payment_method=None,
    )
    ledger.announce("payment_intent.payment_failed", intent)


def stop(ledger: Ledger, intent: JsonObject, reason: str | None) -> JsonObject:
    ledger.change(intent, status="canceled", canceled_at=ledger.now, cancellation_reason=reason, next_action=None)
    ledger.announce("payment_intent.canceled", intent)
    return intent


def session_of(ledger: Ledger, intent: JsonObject) -> JsonObject | None:
    """The Checkout Session that made the PaymentIntent."""
    return ledger.look_up(ledger.records.private(intent["id"]).get("session"))


def create(ledger: Ledger, asked: CreateIntent) -> JsonObject:
    intent = add(ledger, asked)
    if asked.payment_method is not None:
        method = payment_methods.chosen(ledger, asked.payment_method)
        ledger.change(intent, payment_method=method["id"], status="requires_confirmation")
        if asked.confirm:
            return pay(ledger, intent, method, asked.return_url)
    elif asked.confirm:
        raise _no_method(intent)
    return intent


def confirm(ledger: Ledger, asked: ConfirmIntent, intent_id: str) -> JsonObject:
    intent = _own(ledger, intent_id, OPEN, "confirm")
    if asked.receipt_email is not None:
        ledger.change(intent, receipt_email=asked.receipt_email)
    chosen = asked.payment_method or intent["payment_method"]
    if chosen is None:
        raise _no_method(intent)
    return pay(ledger, intent, payment_methods.chosen(ledger, chosen), asked.return_url)


def cancel(ledger: Ledger, asked: CancelIntent, intent_id: str) -> JsonObject:
    return stop(ledger, _own(ledger, intent_id, OPEN, "cancel"), asked.cancellation_reason)


def _own(ledger: Ledger, intent_id: str, allowed: tuple[str, ...], act: str) -> JsonObject:
    """The PaymentIntent if this act is allowed now, and if no Checkout Session rules it."""
    intent = ledger.find("payment_intent", intent_id, "intent")
    if session_of(ledger, intent) is not None:
        raise invalid_request(
            f"You cannot {act} a PaymentIntent that was created by Checkout. To stop it, expire its Checkout Session.",
            code="payment_intent_unexpected_state",
        )
    if intent["status"] not in allowed:
        raise invalid_request(
            f"You cannot {act} this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
            details={"payment_intent": intent},
        )
    return intent


def _no_method(intent: JsonObject) -> Exception:
    return invalid_request(
        "You cannot confirm this PaymentIntent because it is missing a payment method.",
        code="payment_intent_unexpected_state",
        details={"payment_intent": intent},
    )


def retrieve(ledger: Ledger, _asked: Request, intent_id: str) -> JsonObject:
    return ledger.find("payment_intent", intent_id, "intent")


def page(ledger: Ledger, asked: ListIntents) -> JsonObject:
    return ledger.page("payment_intent", PATH, asked, matching={"customer": asked.customer})


ENDPOINTS = (
    Endpoint("POST", PATH, CreateIntent, create),
    Endpoint("GET", PATH, ListIntents, page),
    Endpoint("GET", f"{PATH}/<intent_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<intent_id>/confirm", ConfirmIntent, confirm),
    Endpoint("POST", f"{PATH}/<intent_id>/cancel", CancelIntent, cancel),
)
