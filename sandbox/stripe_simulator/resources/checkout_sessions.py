"""Checkout Sessions in payment mode: https://docs.stripe.com/api/checkout/sessions. The pages are in `hosted`."""

import secrets
from typing import Annotated, Literal

from pydantic import Field

from sandbox.stripe_simulator.cards import TestCard
from sandbox.stripe_simulator.currencies import LARGEST_AMOUNT
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, ParameterError, invalid_request
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.parameters import (
    LISTED,
    CardOnly,
    Email,
    ListRequest,
    Metadata,
    Part,
    Request,
    Text,
    WebAddress,
)
from sandbox.stripe_simulator.resources import line_items, payment_intents, payment_methods
from sandbox.stripe_simulator.resources.payment_methods import Payer

PATH = "/v1/checkout/sessions"
SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
SECONDS_ON_THE_WAY = 60
"""Grace for the time between the caller's clock and ours."""

Locale = Literal[
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr",
    "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl",
    "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
]  # fmt: skip


class CreateSession(Request):
    mode: Literal["payment"]
    line_items: Annotated[tuple[line_items.LineItem, ...], LISTED, Field(min_length=1, max_length=100)]
    success_url: WebAddress
    cancel_url: WebAddress | None = None
    ui_mode: Literal["hosted_page"] = "hosted_page"
    client_reference_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    customer: Text | None = None
    customer_email: Email | None = None
    expires_at: int | None = None
    locale: Locale | None = None
    metadata: Metadata = Field(default_factory=dict)
    payment_intent_data: payment_intents.IntentDetails | None = None
    payment_method_types: CardOnly = ("card",)
    submit_type: Literal["auto", "pay"] | None = None


class CustomerDetailsFilter(Part):
    email: Email


class ListSessions(ListRequest):
    payment_intent: Text | None = None
    customer: Text | None = None
    customer_details: CustomerDetailsFilter | None = None
    status: Literal["open", "complete", "expired"] | None = None


def create(ledger: Ledger, asked: CreateSession) -> JsonObject:
    if asked.customer is not None and asked.customer_email is not None:
        message = "You may only specify one of these parameters: customer, customer_email."
        raise ParameterError(message, param="customer_email")
    if asked.customer is not None:
        ledger.find("customer", asked.customer, "customer", status=400)
    items, total, currency = _items(ledger, asked)
    details = asked.payment_intent_data or payment_intents.IntentDetails()
    session = _opened(ledger, asked, total, currency)
    ledger.add(session, private={"line_items": items, "payment_intent_data": details.model_dump()})
    return session


def _items(ledger: Ledger, asked: CreateSession) -> tuple[list[JsonObject], int, str]:
    currencies = {item.price_data.currency for item in asked.line_items}
    if len(currencies) > 1:
        raise ParameterError("All line items must have the same currency.", param="line_items")
    total = sum(item.price_data.unit_amount * item.quantity for item in asked.line_items)
    if not 0 < total <= LARGEST_AMOUNT:
        code = "amount_too_large" if total else "amount_too_small"
        message = f"The total amount must be between 1 and {LARGEST_AMOUNT}, in the smallest unit of the currency."
        raise ParameterError(message, param="line_items", code=code)
    return [line_items.add(ledger, item) for item in asked.line_items], total, currencies.pop()


def _expiry(now: int, asked: int | None) -> int:
    if asked is None:
        return now + LONGEST_SECONDS
    if asked < now + SHORTEST_SECONDS - SECONDS_ON_THE_WAY:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise ParameterError(message, param="expires_at")
    if asked > now + LONGEST_SECONDS + SECONDS_ON_THE_WAY:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise ParameterError(message, param="expires_at")
    return asked


def _opened(ledger: Ledger, asked: CreateSession, total: int, currency: str) -> JsonObject:
    session_id = f"cs_test_{secrets.token_hex(29)}"
    absent = (
        "after_expiration", "allow_promotion_codes", "billing_address_collection", "branding_settings",
        "client_secret", "collected_information", "consent", "consent_collection", "currency_conversion",
        "customer_account", "customer_details", "integration_identifier", "invoice", "invoice_creation",
        "origin_context", "payment_intent", "payment_link", "payment_method_configuration_details",
        "permissions", "recovered_from", "redirect_on_completion", "saved_payment_method_options",
        "setup_intent", "shipping_address_collection", "shipping_cost", "subscription", "wallet_options",
    )  # fmt: skip
    return dict.fromkeys(absent) | {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": asked.cancel_url,
        "client_reference_id": asked.client_reference_id,
        "created": ledger.now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer": asked.customer,
        "customer_creation": None if asked.customer else "if_required",
        "customer_email": asked.customer_email,
        "discounts": [],
        "expires_at": _expiry(ledger.now, asked.expires_at),
        "livemode": False,
        "locale": asked.locale,
        "managed_payments": {"enabled": False},
        "metadata": dict(asked.metadata),
        "mode": asked.mode,
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_method_types": list(asked.payment_method_types),
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "submit_type": asked.submit_type,
        "success_url": asked.success_url,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": asked.ui_mode,
        "url": f"{ledger.public_url}/c/pay/{session_id}",
    }


def submit(ledger: Ledger, session: JsonObject, card: TestCard, payer: Payer) -> JsonObject:
    """The person on the hosted page pays with a card; gives the PaymentIntent.

    :raises CardDeclinedError: the session stays open for another card.
    """
    method = payment_methods.add_card(ledger, card, payer)
    _note_person(ledger, session, payer)
    intent = ledger.look_up(session["payment_intent"]) or _first_intent(ledger, session)
    payment_intents.pay(ledger, intent, method, session["success_url"])
    if intent["status"] == "succeeded":
        complete(ledger, session)
    return intent


def _note_person(ledger: Ledger, session: JsonObject, payer: Payer) -> None:
    details: JsonObject = {
        "address": None,
        "business_name": None,
        "email": payer.email,
        "individual_name": None,
        "name": payer.name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    ledger.change(session, customer_details=details)


def _first_intent(ledger: Ledger, session: JsonObject) -> JsonObject:
    """Checkout makes its PaymentIntent when the person first tries to pay, not before."""
    asked = payment_intents.CreateIntent(
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        **ledger.records.private(session["id"])["payment_intent_data"],
    )
    intent = payment_intents.add(ledger, asked, session_id=session["id"])
    ledger.change(session, payment_intent=intent["id"])
    return intent


def complete(ledger: Ledger, session: JsonObject) -> None:
    ledger.change(session, status="complete", payment_status="paid", url=None)
    ledger.announce("checkout.session.completed", session)


def close(ledger: Ledger, session: JsonObject) -> JsonObject:
    """Expire an open session and stop its PaymentIntent, so that nobody can pay any more."""
    intent = ledger.look_up(session["payment_intent"])
    if intent is not None:
        payment_intents.stop(ledger, intent, "expired")
    ledger.change(session, status="expired", url=None)
    ledger.announce("checkout.session.expired", session)
    return session


def close_overdue(ledger: Ledger) -> None:
    for session in ledger.records.overdue_sessions(ledger.now):
        close(ledger, session)


def expire(ledger: Ledger, _asked: Request, session_id: str) -> JsonObject:
    session = ledger.find("checkout.session", session_id, "session")
    if session["status"] != "open":
        raise invalid_request(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`."
        )
    return close(ledger, session)


def retrieve(ledger: Ledger, _asked: Request, session_id: str) -> JsonObject:
    return ledger.find("checkout.session", session_id, "session")


def page(ledger: Ledger, asked: ListSessions) -> JsonObject:
    matching = {
        "payment_intent": asked.payment_intent,
        "customer": asked.customer,
        "customer_details.email": asked.customer_details.email if asked.customer_details else None,
        "status": asked.status,
    }
    return ledger.page("checkout.session", PATH, asked, matching=matching)


def items_page(ledger: Ledger, asked: line_items.ListLineItems, session_id: str) -> JsonObject:
    session = ledger.find("checkout.session", session_id, "session")
    items: list[JsonObject] = ledger.records.private(session["id"])["line_items"]
    return line_items.page(f"{PATH}/{session_id}/line_items", items, asked)


def first_line_items(ledger: Ledger, session: JsonObject) -> JsonObject:
    """The expanded `line_items`."""
    return items_page(ledger, line_items.ListLineItems(), session["id"])


ENDPOINTS = (
    Endpoint("POST", PATH, CreateSession, create),
    Endpoint("GET", PATH, ListSessions, page),
    Endpoint("GET", f"{PATH}/<session_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<session_id>/expire", Request, expire),
    Endpoint("GET", f"{PATH}/<session_id>/line_items", line_items.ListLineItems, items_page),
)
