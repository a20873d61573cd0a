"""Customers: https://docs.stripe.com/api/customers."""

import secrets

from pydantic import Field

from sandbox.stripe_simulator import search
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, invalid_request
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import Email, ListRequest, Metadata, Part, Request, Text, merged

PATH = "/v1/customers"


class CustomerRequest(Request):
    """To create or to update: an update changes what it names."""

    email: Email | None = None
    name: Text | None = None
    description: Text | None = None
    phone: Text | None = None
    metadata: Metadata = Field(default_factory=dict)


class InvoiceSettings(Part):
    default_payment_method: Text


class UpdateCustomer(CustomerRequest):
    invoice_settings: InvoiceSettings | None = None


class ListCustomers(ListRequest):
    email: Email | None = None


def create(ledger: Ledger, asked: CustomerRequest) -> JsonObject:
    customer = ledger.add(
        {
            "id": new_id("cus"),
            "object": "customer",
            "address": None,
            "balance": 0,
            "created": ledger.now,
            "currency": None,
            "default_source": None,
            "delinquent": False,
            "description": asked.description,
            "discount": None,
            "email": asked.email,
            "invoice_prefix": secrets.token_hex(4).upper(),
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "livemode": False,
            "metadata": dict(asked.metadata),
            "name": asked.name,
            "next_invoice_sequence": 1,
            "phone": asked.phone,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        }
    )
    ledger.announce("customer.created", customer)
    return customer


def update(ledger: Ledger, asked: UpdateCustomer, customer_id: str) -> JsonObject:
    customer = ledger.find("customer", customer_id)
    changes = asked.model_dump(include=asked.model_fields_set - {"expand", "metadata", "invoice_settings"})
    changes["metadata"] = merged(customer["metadata"], asked.metadata)
    if asked.invoice_settings is not None:
        method = ledger.find("payment_method", asked.invoice_settings.default_payment_method, status=400)
        if method["customer"] != customer_id:
            message = f"The customer does not have a payment method with the ID {method['id']}."
            raise invalid_request(message, param="invoice_settings[default_payment_method]")
        changes["invoice_settings"] = customer["invoice_settings"] | {"default_payment_method": method["id"]}
    previous = {name: customer[name] for name, value in changes.items() if customer[name] != value}
    ledger.change(customer, **changes)
    if previous:
        ledger.announce("customer.updated", customer, previous)
    return customer


def retrieve(ledger: Ledger, _asked: Request, customer_id: str) -> JsonObject:
    return ledger.find("customer", customer_id)


def page(ledger: Ledger, asked: ListCustomers) -> JsonObject:
    return ledger.page("customer", PATH, asked, matching={"email": asked.email})


def found(ledger: Ledger, asked: search.SearchRequest) -> JsonObject:
    return search.answered(ledger, "customer", f"{PATH}/search", asked)


ENDPOINTS = (
    Endpoint("POST", PATH, CustomerRequest, create),
    Endpoint("GET", PATH, ListCustomers, page),
    Endpoint("GET", f"{PATH}/search", search.SearchRequest, found),
    Endpoint("GET", f"{PATH}/<customer_id>", Request, retrieve),
    Endpoint("POST", f"{PATH}/<customer_id>", UpdateCustomer, update),
)
