"""PaymentIntents: https://docs.stripe.com/api/payment_intents. Captured at once; what follows is in `payments`."""

import secrets
from typing import Annotated, Literal

from pydantic import Field

from sandbox.stripe_simulator import search, wallets
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, ParameterError, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import (
    Amount,
    Currency,
    Email,
    ListRequest,
    Metadata,
    MethodTypes,
    Part,
    Request,
    ShortText,
    Text,
    WebAddress,
    check_amount,
    check_least,
    merged,
)
from sandbox.stripe_simulator.resources import payment_methods, payments, transfers

PATH = "/v1/payment_intents"
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class AutomaticPaymentMethods(Part):
    enabled: bool
    allow_redirects: Literal["always", "never"] = "always"


class WechatOptions(Part):
    client: Literal["web"]


class MethodOptions(Part):
    wechat_pay: WechatOptions | None = None


class IntentDetails(transfers.ConnectTerms):
    """What Checkout hands on to the PaymentIntent it makes, too."""

    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    receipt_email: Email | None = None
    setup_future_usage: Literal["on_session", "off_session"] | None = None
    statement_descriptor: ShortText | None = None
    statement_descriptor_suffix: ShortText | None = None


class Confirmation(Request):
    """What belongs to confirming, alone or together with creating."""

    payment_method: Text | None = None
    payment_method_data: payment_methods.MethodData | None = None
    payment_method_options: MethodOptions = MethodOptions()
    return_url: WebAddress | None = None
    off_session: Annotated[bool | Literal["one_off", "recurring"], Field(union_mode="left_to_right")] = False


class CreateIntent(IntentDetails, Confirmation):
    amount: Amount
    currency: Currency
    customer: Text | None = None
    payment_method_types: MethodTypes = ()
    automatic_payment_methods: AutomaticPaymentMethods | None = None
    confirm: bool = False


class ConfirmIntent(Confirmation):
    receipt_email: Email | None = None
    setup_future_usage: Literal["on_session", "off_session"] | None = None


class UpdateIntent(Request):
    amount: Amount | None = None
    customer: Text | None = None
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    receipt_email: Email | None = None
    setup_future_usage: Literal["on_session", "off_session"] | None = None
    transfer_group: Text | None = None


class CancelIntent(Request):
    cancellation_reason: Literal["duplicate", "fraudulent", "requested_by_customer", "abandoned"] | None = None


class ListIntents(ListRequest):
    customer: Text | None = None


def add(ledger: Ledger, asked: CreateIntent, session_id: str | None = None) -> JsonObject:
    """A new PaymentIntent, belonging to a Checkout Session or to nobody."""
    check_least(asked.amount, asked.currency)
    check_amount(asked.amount, asked.currency)
    if asked.customer is not None:
        ledger.find("customer", asked.customer, "customer", status=400)
    transfers.check_terms(ledger, asked, asked.amount)
    automatic = asked.automatic_payment_methods
    methods = _methods(asked)
    intent_id = new_id("pi")
    absent = (
        "application", "canceled_at", "cancellation_reason", "customer_account", "excluded_payment_method_types",
        "last_payment_error", "latest_charge", "next_action", "payment_method",
        "payment_method_configuration_details", "payment_record", "processing", "review", "shipping", "source",
    )  # fmt: skip
    intent = ledger.add(
        dict.fromkeys(absent)
        | {
            "id": intent_id,
            "object": "payment_intent",
            "amount": asked.amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application_fee_amount": asked.application_fee_amount,
            "automatic_payment_methods": automatic.model_dump() if automatic else None,
            "capture_method": "automatic_async",
            "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
            "confirmation_method": "automatic",
            "created": ledger.now,
            "currency": asked.currency,
            "customer": asked.customer,
            "description": asked.description,
            "livemode": False,
            "managed_payments": {"enabled": False},
            "metadata": dict(asked.metadata),
            "on_behalf_of": asked.on_behalf_of,
            "payment_method_options": _options(methods, asked.payment_method_options),
            "payment_method_types": methods,
            "receipt_email": asked.receipt_email,
            "setup_future_usage": asked.setup_future_usage,
            "statement_descriptor": asked.statement_descriptor,
            "statement_descriptor_suffix": asked.statement_descriptor_suffix,
            "status": "requires_payment_method",
            "transfer_data": asked.transfer_data.model_dump(exclude_none=True) if asked.transfer_data else None,
            "transfer_group": asked.transfer_group,
        },
        private={"session": session_id},
    )
    ledger.announce("payment_intent.created", intent)
    return intent


def _methods(asked: CreateIntent) -> list[str]:
    """The types this PaymentIntent can be paid with.

    :raises ParameterError: one of them does not take the currency, or cannot be kept for later.
    """
    automatic = asked.automatic_payment_methods
    if asked.payment_method_types and automatic is not None:
        message = "You may only specify one of these parameters: automatic_payment_methods, payment_method_types."
        raise ParameterError(message, param="payment_method_types")
    if automatic is not None and automatic.enabled and automatic.allow_redirects == "always":
        return wallets.offered(asked.currency)
    check_methods(asked.payment_method_types, asked.currency)
    return list(asked.payment_method_types) or ["card"]


def _options(kinds: list[str], asked: MethodOptions) -> JsonObject:
    """What is settled for each type of method, as the PaymentIntent shows it."""
    unset = dict.fromkeys(("installments", "mandate_options", "network"))
    shown: JsonObject = {
        "alipay": {},
        "card": unset | {"request_three_d_secure": "automatic"},
        "wechat_pay": {"app_id": None, "client": asked.wechat_pay.client if asked.wechat_pay else None},
    }
    return {kind: shown[kind] for kind in kinds}


def check_methods(kinds: tuple[str, ...], currency: str) -> None:
    """:raises ParameterError: one of the types does not take the currency."""
    for kind in kinds:
        if kind in wallets.WALLETS and currency not in wallets.WALLETS[kind].currencies:
            message = f"The currency provided ({currency}) is invalid for the payment method type {kind}."
            raise ParameterError(message, param="payment_method_types")


def create(ledger: Ledger, asked: CreateIntent) -> JsonObject:
    if asked.off_session and not asked.confirm:
        raise ParameterError("off_session can only be given when confirm is true.", param="off_session")
    intent = add(ledger, asked)
    method = _method(ledger, asked, intent)
    if method is not None:
        ledger.change(intent, payment_method=method["id"], status="requires_confirmation")
    if not asked.confirm:
        return intent
    if method is None:
        raise _no_method(intent)
    return _attempt(ledger, intent, method, asked)


def confirm(ledger: Ledger, asked: ConfirmIntent, intent_id: str) -> JsonObject:
    intent = _own(ledger, intent_id, OPEN, "confirm")
    if asked.receipt_email is not None:
        ledger.change(intent, receipt_email=asked.receipt_email)
    if asked.setup_future_usage is not None:
        ledger.change(intent, setup_future_usage=asked.setup_future_usage)
    if asked.payment_method_options.wechat_pay is not None:
        options = _options(intent["payment_method_types"], asked.payment_method_options)
        ledger.change(intent, payment_method_options=options)
    method = _method(ledger, asked, intent)
    if method is None and intent["payment_method"] is not None:
        method = payment_methods.chosen(ledger, intent["payment_method"])
    if method is None:
        raise _no_method(intent)
    return _attempt(ledger, intent, method, asked)


def _method(ledger: Ledger, asked: Confirmation, intent: JsonObject) -> JsonObject | None:
    """The method named or described.

    :raises ApiError: it is somebody else's, used up, or of a type that was not agreed.
    """
    payment_methods.check_one_way(asked.payment_method, asked.payment_method_data)
    if asked.payment_method_data is not None:
        method = payment_methods.described(ledger, asked.payment_method_data, "payment_method_data[card]")
    elif asked.payment_method is not None:
        method = payment_methods.chosen(ledger, asked.payment_method)
    else:
        return None
    payment_methods.check_usable(ledger, method, intent["customer"])
    if method["type"] not in intent["payment_method_types"]:
        raise invalid_request(
            f"The PaymentMethod provided ({method['type']}) is not allowed for this PaymentIntent. "
            f"Allowed: {', '.join(intent['payment_method_types'])}.",
            param="payment_method",
        )
    return method


def _attempt(ledger: Ledger, intent: JsonObject, method: JsonObject, asked: Confirmation) -> JsonObject:
    kind = method["type"]
    if kind in wallets.WALLETS:
        if intent["setup_future_usage"] is not None or asked.off_session:
            message = f"The payment method type {kind} cannot be kept for later or charged without the person."
            raise invalid_request(message, param="setup_future_usage")
        if kind == "wechat_pay" and asked.payment_method_options.wechat_pay is None:
            param = "payment_method_options[wechat_pay][client]"
            raise ParameterError(f"Missing required param: {param}.", param=param, code="parameter_missing")
        if kind == "alipay" and asked.return_url is None:
            raise invalid_request("A return_url is needed: Alipay leads the person away.", param="return_url")
    return payments.attempt(ledger, intent, method, asked.return_url, absent=bool(asked.off_session))


def update(ledger: Ledger, asked: UpdateIntent, intent_id: str) -> JsonObject:
    intent = _own(ledger, intent_id, OPEN, "update")
    if asked.amount is not None:
        check_least(asked.amount, intent["currency"])
        check_amount(asked.amount, intent["currency"])
    if asked.customer is not None:
        ledger.find("customer", asked.customer, "customer", status=400)
    changes = asked.model_dump(include=asked.model_fields_set - {"expand", "metadata"})
    return ledger.change(intent, **changes, metadata=merged(intent["metadata"], asked.metadata))


def cancel(ledger: Ledger, asked: CancelIntent, intent_id: str) -> JsonObject:
    return payments.stop(ledger, _own(ledger, intent_id, OPEN, "cancel"), asked.cancellation_reason)


def session_of(ledger: Ledger, intent: JsonObject) -> JsonObject | None:
    """The Checkout Session that made the PaymentIntent."""
    return ledger.look_up(ledger.records.private(intent["id"]).get("session"))


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


def found(ledger: Ledger, asked: search.SearchRequest) -> JsonObject:
    return search.answered(ledger, "payment_intent", f"{PATH}/search", asked)


ENDPOINTS = (
    Endpoint("POST", PATH, CreateIntent, create),
    Endpoint("GET", PATH, ListIntents, page),
    Endpoint("GET", f"{PATH}/search", search.SearchRequest, found),
    Endpoint("GET", f"{PATH}/<intent_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<intent_id>", UpdateIntent, update),
    Endpoint("POST", f"{PATH}/<intent_id>/confirm", ConfirmIntent, confirm),
    Endpoint("POST", f"{PATH}/<intent_id>/cancel", CancelIntent, cancel),
)
