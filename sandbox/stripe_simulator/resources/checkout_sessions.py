"""Checkout Sessions, to pay or to keep a card: https://docs.stripe.com/api/checkout/sessions. Pages: `hosted`."""

import secrets
from typing import Annotated, Literal

from pydantic import Field

from sandbox.stripe_simulator import wallets
from sandbox.stripe_simulator.cards import TestCard
from sandbox.stripe_simulator.currencies import LARGEST_AMOUNT
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, ParameterError, invalid_request
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.parameters import (
    LISTED,
    Currency,
    Email,
    ListRequest,
    Metadata,
    MethodTypes,
    Part,
    Request,
    Text,
    WebAddress,
    check_amount,
    check_least,
)
from sandbox.stripe_simulator.resources import (
    customers,
    line_items,
    payment_intents,
    payment_methods,
    payments,
    setup_intents,
    transfers,
)
from sandbox.stripe_simulator.resources.line_items import LineItem
from sandbox.stripe_simulator.resources.payment_methods import Payer

PATH = "/v1/checkout/sessions"
SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
SECONDS_ON_THE_WAY = 60
"""Grace for the time between the caller's clock and ours."""
ON_THE_PAGE = payment_intents.MethodOptions(wechat_pay=payment_intents.WechatOptions(client="web"))
"""The hosted page is a page of the web, whoever opened it."""

Locale = Literal[
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr",
    "hu", "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl",
    "sv", "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
]  # fmt: skip


class SetupDetails(Part):
    """What Checkout hands on to the SetupIntent it makes."""

    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)


class CreateSession(Request):
    mode: Literal["payment", "setup"]
    line_items: Annotated[tuple[LineItem, ...], LISTED, Field(max_length=100)] = ()
    success_url: WebAddress
    cancel_url: WebAddress | None = None
    ui_mode: Literal["hosted_page"] = "hosted_page"
    client_reference_id: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    currency: Currency | None = None
    customer: Text | None = None
    customer_creation: Literal["always", "if_required"] | None = None
    customer_email: Email | None = None
    expires_at: int | None = None
    locale: Locale | None = None
    metadata: Metadata = Field(default_factory=dict)
    payment_intent_data: payment_intents.IntentDetails | None = None
    payment_method_options: payment_intents.MethodOptions = payment_intents.MethodOptions()
    payment_method_types: MethodTypes = ()
    setup_intent_data: SetupDetails | None = None
    submit_type: Literal["auto", "pay"] | None = None


class CustomerDetailsFilter(Part):
    email: Email


class ListSessions(ListRequest):
    payment_intent: Text | None = None
    customer: Text | None = None
    customer_details: CustomerDetailsFilter | None = None
    status: Literal["open", "complete", "expired"] | None = None


def create(ledger: Ledger, asked: CreateSession) -> JsonObject:
    _check_one_of(asked, "customer", "customer_email")
    _check_one_of(asked, "customer", "customer_creation")
    if asked.customer is not None:
        ledger.find("customer", asked.customer, "customer", status=400)
    return _create_setup(ledger, asked) if asked.mode == "setup" else _create_payment(ledger, asked)


def _check_one_of(asked: CreateSession, one: str, other: str) -> None:
    if getattr(asked, one) is not None and getattr(asked, other) is not None:
        message = f"You may only specify one of these parameters: {one}, {other}."
        raise ParameterError(message, param=other)


def _create_payment(ledger: Ledger, asked: CreateSession) -> JsonObject:
    if not asked.line_items or asked.setup_intent_data is not None:
        param = "setup_intent_data" if asked.line_items else "line_items"
        raise ParameterError(f"In `payment` mode this is missing or out of place: {param}.", param=param)
    items, total, currency = _items(ledger, asked)
    details = asked.payment_intent_data or payment_intents.IntentDetails()
    transfers.check_terms(ledger, details, total, "payment_intent_data")
    session = _opened(ledger, asked, _methods(asked, details, currency)) | {
        "amount_subtotal": total,
        "amount_total": total,
        "currency": currency,
        "customer_creation": None if asked.customer else asked.customer_creation or "if_required",
    }
    ledger.add(session, private={"line_items": items, "payment_intent_data": details.model_dump()})
    return session


def _create_setup(ledger: Ledger, asked: CreateSession) -> JsonObject:
    """Setup mode keeps a card and takes no money; its SetupIntent is there from the start."""
    if asked.line_items or asked.payment_intent_data is not None:
        param = "line_items" if asked.line_items else "payment_intent_data"
        raise ParameterError(f"You can not pass `{param}` in `setup` mode.", param=param)
    if set(asked.payment_method_types) - {"card"}:
        raise ParameterError("Only cards can be kept for later.", param="payment_method_types")
    session = _opened(ledger, asked, ["card"]) | {"currency": asked.currency, "payment_status": "no_payment_required"}
    details = (asked.setup_intent_data or SetupDetails()).model_dump()
    wish = setup_intents.CreateSetup(customer=asked.customer, **details)
    setup = setup_intents.add(ledger, wish, session_id=session["id"])
    return ledger.add(session | {"setup_intent": setup["id"]}, private={"line_items": []})


def _methods(asked: CreateSession, details: payment_intents.IntentDetails, currency: str) -> list[str]:
    """The methods on the page: those asked for, else all that the currency and the wish to keep the card allow.

    :raises ParameterError: one that is asked for cannot be had.
    """
    kinds = asked.payment_method_types
    payment_intents.check_methods(kinds, currency)
    if details.setup_future_usage is not None:
        if set(kinds) - {"card"}:
            message = "Alipay and WeChat Pay cannot be kept for later (setup_future_usage)."
            raise ParameterError(message, param="payment_method_types")
        return ["card"]
    if "wechat_pay" in kinds and asked.payment_method_options.wechat_pay is None:
        param = "payment_method_options[wechat_pay][client]"
        raise ParameterError(f"Missing required param: {param}.", param=param, code="parameter_missing")
    return list(kinds) or wallets.offered(currency)


def _items(ledger: Ledger, asked: CreateSession) -> tuple[list[JsonObject], int, str]:
    currencies = {item.price_data.currency for item in asked.line_items}
    if len(currencies) > 1:
        raise ParameterError("All line items must have the same currency.", param="line_items")
    total = sum(item.price_data.unit_amount * item.quantity for item in asked.line_items)
    if total > LARGEST_AMOUNT:
        message = f"The total amount must be at most {LARGEST_AMOUNT}, in the smallest unit of the currency."
        raise ParameterError(message, param="line_items", code="amount_too_large")
    currency = currencies.pop()
    check_least(total, currency, "line_items", "The Checkout Session's total amount due must add up to")
    check_amount(total, currency, "line_items")
    return [line_items.add(ledger, item) for item in asked.line_items], total, currency


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


def _opened(ledger: Ledger, asked: CreateSession, methods: list[str]) -> JsonObject:
    """What both modes show of a session that has just begun."""
    session_id = f"cs_test_{secrets.token_hex(29)}"
    absent = (
        "after_expiration", "allow_promotion_codes", "amount_subtotal", "amount_total",
        "billing_address_collection", "branding_settings", "client_secret", "collected_information", "consent",
        "consent_collection", "currency", "currency_conversion", "customer_account", "customer_creation",
        "customer_details", "integration_identifier", "invoice", "invoice_creation", "origin_context",
        "payment_intent", "payment_link", "payment_method_configuration_details", "permissions", "recovered_from",
        "redirect_on_completion", "saved_payment_method_options", "setup_intent", "shipping_address_collection",
        "shipping_cost", "subscription", "wallet_options",
    )  # fmt: skip
    return dict.fromkeys(absent) | {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "cancel_url": asked.cancel_url,
        "client_reference_id": asked.client_reference_id,
        "created": ledger.now,
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer": asked.customer,
        "customer_email": asked.customer_email,
        "discounts": [],
        "expires_at": _expiry(ledger.now, asked.expires_at),
        "livemode": False,
        "locale": asked.locale,
        "managed_payments": {"enabled": False},
        "metadata": dict(asked.metadata),
        "mode": asked.mode,
        "payment_method_collection": "if_required",
        "payment_method_options": _options(asked, methods),
        "payment_method_types": methods,
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


def _options(asked: CreateSession, methods: list[str]) -> JsonObject:
    card = {"card": {"request_three_d_secure": "automatic"}} if "card" in methods else {}
    return card | asked.payment_method_options.model_dump(exclude_none=True)


def submit(ledger: Ledger, session: JsonObject, card: TestCard, payer: Payer) -> JsonObject:
    """The person on the hosted page gives a card; gives the PaymentIntent, or the SetupIntent.

    :raises CardDeclinedError: the session stays open for another card.
    """
    method = payment_methods.add_card(ledger, card, payer)
    _note_person(ledger, session, payer)
    if session["mode"] == "setup":
        setup = ledger.find("setup_intent", session["setup_intent"])
        setup_intents.attempt(ledger, setup, method, session["success_url"])
        if setup["status"] == "succeeded":
            complete(ledger, session)
        return setup
    intent = _intent(ledger, session)
    payments.attempt(ledger, intent, method, session["success_url"])
    if intent["status"] == "succeeded":
        complete(ledger, session)
    return intent


def submit_wallet(ledger: Ledger, session: JsonObject, kind: str, payer: Payer) -> JsonObject:
    """The person chooses Alipay or WeChat Pay; gives the PaymentIntent, which now waits for them there."""
    _note_person(ledger, session, payer)
    intent = _intent(ledger, session)
    return payments.attempt(ledger, intent, payment_methods.add_wallet(ledger, kind, payer), session["success_url"])


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


def _intent(ledger: Ledger, session: JsonObject) -> JsonObject:
    """Checkout makes its PaymentIntent when the person first tries to pay, not before; and the customer with it."""
    known = ledger.look_up(session["payment_intent"])
    if known is not None:
        return known
    details = ledger.records.private(session["id"])["payment_intent_data"]
    if session["customer"] is None and (
        session["customer_creation"] == "always" or details["setup_future_usage"] is not None
    ):
        person = session["customer_details"]
        wish = customers.CustomerRequest(email=person["email"], name=person["name"])
        ledger.change(session, customer=customers.create(ledger, wish)["id"])
    asked = payment_intents.CreateIntent(
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        payment_method_options=ON_THE_PAGE,
        payment_method_types=tuple(session["payment_method_types"]),
        **details,
    )
    intent = payment_intents.add(ledger, asked, session_id=session["id"])
    ledger.change(session, payment_intent=intent["id"])
    return intent


def complete(ledger: Ledger, session: JsonObject, *, paid: bool = True) -> None:
    """The person is done; `paid` is false while a wallet's money is still on its way."""
    status = "no_payment_required" if session["mode"] == "setup" else "paid" if paid else "unpaid"
    ledger.change(session, status="complete", payment_status=status, url=None)
    ledger.announce("checkout.session.completed", session)


def money_comes(ledger: Ledger, intent: JsonObject) -> None:
    """What a wallet promised arrives."""
    payments.finish_processing(ledger, intent, comes=True)
    session = payment_intents.session_of(ledger, intent)
    if session is not None:
        ledger.change(session, payment_status="paid")
        ledger.announce("checkout.session.async_payment_succeeded", session)


def money_stays_away(ledger: Ledger, intent: JsonObject) -> None:
    """What a wallet promised does not arrive."""
    payments.finish_processing(ledger, intent, comes=False)
    session = payment_intents.session_of(ledger, intent)
    if session is not None:
        ledger.announce("checkout.session.async_payment_failed", session)


def close(ledger: Ledger, session: JsonObject) -> JsonObject:
    """Expire an open session and stop its intent, so that nobody can pay any more."""
    intent = ledger.look_up(session["payment_intent"])
    if intent is not None:
        payments.stop(ledger, intent, "expired")
    setup = ledger.look_up(session["setup_intent"])
    if setup is not None:
        setup_intents.stop(ledger, setup, None)
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
