"""SetupIntents: a card is kept for charges in the person's absence. https://docs.stripe.com/api/setup_intents."""

import secrets
from typing import Literal

from pydantic import Field

from sandbox.stripe_simulator.cards import Decline
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import CardDeclinedError, JsonObject, ParameterError, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import CardOnly, ListRequest, Metadata, Request, Text, WebAddress, merged
from sandbox.stripe_simulator.resources import payment_methods
from sandbox.stripe_simulator.resources.payment_intents import AutomaticPaymentMethods

PATH = "/v1/setup_intents"
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


class ConfirmSetup(Request):
    payment_method: Text | None = None
    payment_method_data: payment_methods.MethodData | None = None
    return_url: WebAddress | None = None


class CreateSetup(ConfirmSetup):
    automatic_payment_methods: AutomaticPaymentMethods | None = None
    confirm: bool = False
    customer: Text | None = None
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)
    payment_method_types: CardOnly = ("card",)
    usage: Literal["on_session", "off_session"] = "off_session"


class UpdateSetup(Request):
    customer: Text | None = None
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)


class CancelSetup(Request):
    cancellation_reason: Literal["abandoned", "duplicate", "requested_by_customer"] | None = None


class ListSetups(ListRequest):
    customer: Text | None = None
    payment_method: Text | None = None


def add(ledger: Ledger, asked: CreateSetup, session_id: str | None = None) -> JsonObject:
    """A new SetupIntent, belonging to a Checkout Session or to nobody."""
    if asked.customer is not None:
        ledger.find("customer", asked.customer, "customer", status=400)
    setup_id = new_id("seti")
    automatic = asked.automatic_payment_methods
    absent = (
        "application", "cancellation_reason", "excluded_payment_method_types", "flow_directions", "last_setup_error",
        "latest_attempt", "mandate", "next_action", "on_behalf_of", "payment_method",
        "payment_method_configuration_details", "single_use_mandate",
    )  # fmt: skip
    setup = ledger.add(
        dict.fromkeys(absent)
        | {
            "id": setup_id,
            "object": "setup_intent",
            "automatic_payment_methods": automatic.model_dump() if automatic else None,
            "client_secret": f"{setup_id}_secret_{secrets.token_hex(12)}",
            "created": ledger.now,
            "customer": asked.customer,
            "customer_account": None,
            "description": asked.description,
            "livemode": False,
            "metadata": dict(asked.metadata),
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": list(asked.payment_method_types),
            "status": "requires_payment_method",
            "usage": asked.usage,
        },
        private={"session": session_id},
    )
    ledger.announce("setup_intent.created", setup)
    return setup


def create(ledger: Ledger, asked: CreateSetup) -> JsonObject:
    setup = add(ledger, asked)
    method = _method(ledger, asked, setup)
    if method is not None:
        ledger.change(setup, payment_method=method["id"], status="requires_confirmation")
    if not asked.confirm:
        return setup
    return attempt(ledger, setup, method, asked.return_url)


def confirm(ledger: Ledger, asked: ConfirmSetup, setup_id: str) -> JsonObject:
    setup = _own(ledger, setup_id, "confirm")
    method = _method(ledger, asked, setup)
    if method is None and setup["payment_method"] is not None:
        method = payment_methods.chosen(ledger, setup["payment_method"])
    return attempt(ledger, setup, method, asked.return_url)


def _method(ledger: Ledger, asked: ConfirmSetup, setup: JsonObject) -> JsonObject | None:
    payment_methods.check_one_way(asked.payment_method, asked.payment_method_data)
    if asked.payment_method_data is not None:
        method = payment_methods.described(ledger, asked.payment_method_data, "payment_method_data[card]")
    elif asked.payment_method is not None:
        method = payment_methods.chosen(ledger, asked.payment_method)
    else:
        return None
    payment_methods.check_usable(ledger, method, setup["customer"])
    if method["type"] != "card":
        message = f"The payment method type {method['type']} is used once and cannot be kept."
        raise ParameterError(message, param="payment_method")
    return method


def attempt(ledger: Ledger, setup: JsonObject, method: JsonObject | None, return_url: str | None) -> JsonObject:
    """Ask the bank whether the card may be kept.

    :raises CardDeclinedError: it may not; the SetupIntent waits for another card.
    """
    if method is None:
        raise invalid_request(
            "You cannot confirm this SetupIntent because it is missing a payment method.",
            code="setup_intent_unexpected_state",
            details={"setup_intent": setup},
        )
    if payment_methods.card_of(ledger, method).asks_for_authentication:
        redirect = {"return_url": return_url, "url": f"{ledger.public_url}/authenticate/{setup['id']}"}
        action = {"type": "redirect_to_url", "redirect_to_url": redirect}
        ledger.change(setup, status="requires_action", next_action=action, payment_method=method["id"])
        ledger.announce("setup_intent.requires_action", setup)
        return setup
    return succeed(ledger, setup, method)


def succeed(ledger: Ledger, setup: JsonObject, method: JsonObject) -> JsonObject:
    """:raises CardDeclinedError: see `attempt`."""
    card = payment_methods.card_of(ledger, method)
    if card.decline is not None and not card.can_be_saved:
        raise _declined(ledger, setup, method, card.decline)
    payment_methods.note(ledger, method, set_up=setup["usage"] == "off_session", used=setup["customer"] is None)
    if setup["customer"] is not None:
        payment_methods.keep_for(ledger, method, setup["customer"])
    ledger.change(setup, status="succeeded", payment_method=method["id"], next_action=None, last_setup_error=None)
    ledger.announce("setup_intent.succeeded", setup)
    return setup


def _declined(ledger: Ledger, setup: JsonObject, method: JsonObject, why: Decline) -> CardDeclinedError:
    details = {"decline_code": why.decline_code, "payment_method": method}
    refusal = CardDeclinedError(why.message, code=why.code, details=details)
    _refused(ledger, setup, dict(refusal.body["error"]))
    refusal.body["error"]["setup_intent"] = setup
    return refusal


def fail_authentication(ledger: Ledger, setup: JsonObject) -> None:
    """The person, or the bank, said no when asked."""
    refusal = invalid_request(
        "The provided PaymentMethod has failed authentication. Provide another one.",
        code="setup_intent_authentication_failure",
        details={"payment_method": ledger.look_up(setup["payment_method"])},
    )
    _refused(ledger, setup, refusal.body["error"])


def _refused(ledger: Ledger, setup: JsonObject, error: JsonObject) -> None:
    ledger.change(
        setup, status="requires_payment_method", last_setup_error=error, next_action=None, payment_method=None
    )
    ledger.announce("setup_intent.setup_failed", setup)


def stop(ledger: Ledger, setup: JsonObject, reason: str | None) -> JsonObject:
    ledger.change(setup, status="canceled", cancellation_reason=reason, next_action=None)
    ledger.announce("setup_intent.canceled", setup)
    return setup


def cancel(ledger: Ledger, asked: CancelSetup, setup_id: str) -> JsonObject:
    return stop(ledger, _own(ledger, setup_id, "cancel"), asked.cancellation_reason)


def update(ledger: Ledger, asked: UpdateSetup, setup_id: str) -> JsonObject:
    setup = _own(ledger, setup_id, "update")
    if asked.customer is not None:
        ledger.find("customer", asked.customer, "customer", status=400)
    changes = asked.model_dump(include=asked.model_fields_set - {"expand", "metadata"})
    return ledger.change(setup, **changes, metadata=merged(setup["metadata"], asked.metadata))


def session_of(ledger: Ledger, setup: JsonObject) -> JsonObject | None:
    """The Checkout Session that made the SetupIntent."""
    return ledger.look_up(ledger.records.private(setup["id"]).get("session"))


def _own(ledger: Ledger, setup_id: str, act: str) -> JsonObject:
    """The SetupIntent if it is still open and no Checkout Session rules it."""
    setup = ledger.find("setup_intent", setup_id, "intent")
    if session_of(ledger, setup) is not None:
        raise invalid_request(
            f"You cannot {act} a SetupIntent that was created by Checkout. To stop it, expire its Checkout Session.",
            code="setup_intent_unexpected_state",
        )
    if setup["status"] not in OPEN:
        raise invalid_request(
            f"You cannot {act} this SetupIntent because it has a status of {setup['status']}.",
            code="setup_intent_unexpected_state",
            details={"setup_intent": setup},
        )
    return setup


def retrieve(ledger: Ledger, _asked: Request, setup_id: str) -> JsonObject:
    return ledger.find("setup_intent", setup_id, "intent")


def page(ledger: Ledger, asked: ListSetups) -> JsonObject:
    matching = {"customer": asked.customer, "payment_method": asked.payment_method}
    return ledger.page("setup_intent", PATH, asked, matching=matching)


ENDPOINTS = (
    Endpoint("POST", PATH, CreateSetup, create),
    Endpoint("GET", PATH, ListSetups, page),
    Endpoint("GET", f"{PATH}/<setup_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<setup_id>", UpdateSetup, update),
    Endpoint("POST", f"{PATH}/<setup_id>/confirm", ConfirmSetup, confirm),
    Endpoint("POST", f"{PATH}/<setup_id>/cancel", CancelSetup, cancel),
)
