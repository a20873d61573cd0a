"""Payment methods: cards made from the published test cards, Alipay, WeChat Pay. https://docs.stripe.com/api/payment_methods."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from sandbox.stripe_simulator.cards import BY_ALIAS, BY_TOKEN, TestCard
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import CardDeclinedError, JsonObject, ParameterError, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import Email, ListRequest, Metadata, Part, Request, Text, merged

PATH = "/v1/payment_methods"
ALIAS_EXPIRY = (12, 2034)
WALLETS = ("alipay", "wechat_pay")


@dataclass(frozen=True, slots=True)
class Payer:
    """What the person typed beside the card number. `expires` is (month, year)."""

    expires: tuple[int, int] = ALIAS_EXPIRY
    name: str | None = None
    email: str | None = None


class Address(Part):
    city: Text | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    line1: Text | None = None
    line2: Text | None = None
    postal_code: Text | None = None
    state: Text | None = None


class BillingDetails(Part):
    address: Address = Address()
    email: Email | None = None
    name: Text | None = None
    phone: Text | None = None


class TokenOfCard(Part):
    token: Text


class MethodData(Part):
    """A method described instead of named: a test token for a card, nothing more for a wallet."""

    type: Literal["card", "alipay", "wechat_pay"]
    card: TokenOfCard | None = None
    billing_details: BillingDetails = BillingDetails()


class CreateMethod(MethodData, Request):
    metadata: Metadata = Field(default_factory=dict)


class UpdateMethod(Request):
    billing_details: BillingDetails | None = None
    metadata: Metadata = Field(default_factory=dict)
    allow_redisplay: Literal["always", "limited", "unspecified"] | None = None


class AttachMethod(Request):
    customer: Text


class ListMethods(ListRequest):
    customer: Text
    type: Literal["card", "alipay", "wechat_pay"] | None = None


class ListOfCustomer(ListRequest):
    type: Literal["card", "alipay", "wechat_pay"] | None = None


def add_card(ledger: Ledger, card: TestCard, payer: Payer) -> JsonObject:
    month, year = payer.expires
    details = {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "unchecked"},
        "country": "CN" if card.brand == "unionpay" else "US",
        "display_brand": card.brand,
        "exp_month": month,
        "exp_year": year,
        "fingerprint": card.fingerprint,
        "funding": "credit",
        "generated_from": None,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    billing = BillingDetails(email=payer.email, name=payer.name)
    # the published alias, never the number
    return _add(ledger, "card", details, billing, private={"alias": card.aliases[0]})


def add_wallet(ledger: Ledger, kind: str, payer: Payer) -> JsonObject:
    return _add(ledger, kind, {}, BillingDetails(email=payer.email, name=payer.name))


def _add(
    ledger: Ledger, kind: str, details: JsonObject, billing: BillingDetails, private: JsonObject | None = None
) -> JsonObject:
    return ledger.add(
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": billing.model_dump() | {"tax_id": None},
            kind: details,
            "created": ledger.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": kind,
        },
        private=private,
    )


def described(ledger: Ledger, data: MethodData, param: str) -> JsonObject:
    """A new method from a description. Card numbers are never taken: cards come as test tokens."""
    if data.type in WALLETS and data.card is not None:
        raise ParameterError(f"Received unknown parameter: {param}", param=param, code="parameter_unknown")
    if data.type in WALLETS:
        return _add(ledger, data.type, {}, data.billing_details)
    card = BY_TOKEN.get(data.card.token) if data.card else None
    if card is None:
        message = (
            "Give a test token such as tok_visa as card[token]. This simulator takes no card numbers over the API."
        )
        raise ParameterError(message, param=f"{param}[token]")
    method = add_card(ledger, card, Payer(name=data.billing_details.name, email=data.billing_details.email))
    return ledger.change(method, billing_details=data.billing_details.model_dump() | {"tax_id": None})


def check_one_way(named: str | None, data: MethodData | None) -> None:
    """:raises ParameterError: a method is named and another one described."""
    if named is not None and data is not None:
        message = "You may only specify one of these parameters: payment_method, payment_method_data."
        raise ParameterError(message, param="payment_method_data")


def chosen(ledger: Ledger, identifier: str) -> JsonObject:
    """A stored payment method, or a new one for a test alias such as `pm_card_visa`."""
    card = BY_ALIAS.get(identifier)
    if card is not None:
        return add_card(ledger, card, Payer())
    return ledger.find("payment_method", identifier, "payment_method", status=400)


def card_of(ledger: Ledger, method: JsonObject) -> TestCard:
    """How the card behaves."""
    alias: str = ledger.records.private(method["id"])["alias"]
    return BY_ALIAS[alias]


def check_usable(ledger: Ledger, method: JsonObject, customer: str | None) -> None:
    """:raises ApiError: the method is somebody else's, or was used up without a customer to keep it."""
    if method["customer"] is not None and method["customer"] != customer:
        raise invalid_request(
            f"The PaymentMethod {method['id']} belongs to a customer. Name that customer with it.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )
    if method["customer"] is None and is_noted(ledger, method, "used"):
        raise invalid_request(
            f"The PaymentMethod {method['id']} was used without a customer, or detached from one, and may not be used "
            "again. To use a PaymentMethod several times, attach it to a Customer first.",
            code="payment_method_unexpected_state",
            param="payment_method",
        )


def note(ledger: Ledger, method: JsonObject, **private: object) -> None:
    """Remember what the API does not show.

    `used` without a customer, `set_up` for charges in the person's absence, `refund_fails` of a wallet's payment.
    """
    ledger.records.save_private(method["id"], ledger.records.private(method["id"]) | private)


def is_noted(ledger: Ledger, method: JsonObject, name: str) -> bool:
    return bool(ledger.records.private(method["id"]).get(name))


def is_set_up(ledger: Ledger, method: JsonObject) -> bool:
    return is_noted(ledger, method, "set_up")


def keep_for(ledger: Ledger, method: JsonObject, customer: str) -> None:
    """Attach a method that a payment or a set-up has shown to work."""
    if method["customer"] is None:
        ledger.change(method, customer=customer)
        ledger.announce("payment_method.attached", method)


def create(ledger: Ledger, asked: CreateMethod) -> JsonObject:
    method = described(ledger, asked, "card")
    return ledger.change(method, metadata=dict(asked.metadata))


def update(ledger: Ledger, asked: UpdateMethod, method_id: str) -> JsonObject:
    method = ledger.find("payment_method", method_id, "payment_method")
    changes: JsonObject = {"metadata": merged(method["metadata"], asked.metadata)}
    if asked.billing_details is not None:
        changes["billing_details"] = method["billing_details"] | asked.billing_details.model_dump(exclude_unset=True)
    if asked.allow_redisplay is not None:
        changes["allow_redisplay"] = asked.allow_redisplay
    previous = {name: method[name] for name, value in changes.items() if method[name] != value}
    ledger.change(method, **changes)
    if previous:
        ledger.announce("payment_method.updated", method, previous)
    return method


def attach(ledger: Ledger, asked: AttachMethod, method_id: str) -> JsonObject:
    ledger.find("customer", asked.customer, "customer", status=400)
    method = chosen(ledger, method_id)
    if method["type"] in WALLETS:
        message = f"A payment method of type {method['type']} is used once and cannot be attached."
        raise invalid_request(message, param="payment_method")
    check_usable(ledger, method, None)
    card = card_of(ledger, method)
    if card.decline is not None and not card.can_be_saved:
        details = {"decline_code": card.decline.decline_code, "payment_method": method}
        raise CardDeclinedError(card.decline.message, code=card.decline.code, details=details)
    keep_for(ledger, method, asked.customer)
    return method


def detach(ledger: Ledger, _asked: Request, method_id: str) -> JsonObject:
    """It cannot be used again."""
    method = ledger.find("payment_method", method_id, "payment_method")
    if method["customer"] is None:
        message = "The payment method you provided is not attached to a customer, so detachment is impossible."
        raise invalid_request(message, param="payment_method")
    note(ledger, method, used=True)
    previous = {"customer": method["customer"]}
    ledger.change(method, customer=None)
    ledger.announce("payment_method.detached", method, previous)
    return method


def retrieve(ledger: Ledger, _asked: Request, method_id: str) -> JsonObject:
    return ledger.find("payment_method", method_id, "payment_method")


def page(ledger: Ledger, asked: ListMethods) -> JsonObject:
    ledger.find("customer", asked.customer, "customer", status=400)
    return ledger.page("payment_method", PATH, asked, matching={"customer": asked.customer, "type": asked.type})


def page_of_customer(ledger: Ledger, asked: ListOfCustomer, customer_id: str) -> JsonObject:
    ledger.find("customer", customer_id, "customer")
    url = f"/v1/customers/{customer_id}/payment_methods"
    return ledger.page("payment_method", url, asked, matching={"customer": customer_id, "type": asked.type})


def retrieve_of_customer(ledger: Ledger, _asked: Request, customer_id: str, method_id: str) -> JsonObject:
    ledger.find("customer", customer_id, "customer")
    method = ledger.find("payment_method", method_id, "payment_method")
    if method["customer"] != customer_id:
        return ledger.find("payment_method", f"{method_id} of {customer_id}", "payment_method")
    return method


ENDPOINTS = (
    Endpoint("POST", PATH, CreateMethod, create),
    Endpoint("GET", PATH, ListMethods, page),
    Endpoint("GET", f"{PATH}/<method_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<method_id>", UpdateMethod, update),
    Endpoint("POST", f"{PATH}/<method_id>/attach", AttachMethod, attach),
    Endpoint("POST", f"{PATH}/<method_id>/detach", Request, detach),
    Endpoint("GET", "/v1/customers/<customer_id>/payment_methods", ListOfCustomer, page_of_customer),
    Endpoint("GET", "/v1/customers/<customer_id>/payment_methods/<method_id>", Request, retrieve_of_customer),
)
