"""Line items of a Checkout Session: each with a price made on the spot from `price_data`."""

from typing import Annotated

from pydantic import Field

from sandbox.stripe_simulator.currencies import LARGEST_AMOUNT
from sandbox.stripe_simulator.errors import JsonObject, missing
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import (
    Currency,
    Metadata,
    PagedRequest,
    Part,
    Text,
)


class ProductData(Part):
    name: Text
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)


class PriceData(Part):
    currency: Currency
    product_data: ProductData
    unit_amount: Annotated[int, Field(ge=0, le=LARGEST_AMOUNT)]


class LineItem(Part):
    price_data: PriceData
    quantity: Annotated[int, Field(ge=1, le=999_999)]
    metadata: Metadata = Field(default_factory=dict)


class ListLineItems(PagedRequest):
    pass


def add(ledger: Ledger, asked: LineItem) -> JsonObject:
    """The item as the API shows it. Its product is kept too, inactive, as Stripe does for `price_data`."""
    price = asked.price_data
    product = ledger.add(_product(ledger, price.product_data))
    amount = price.unit_amount * asked.quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price.currency,
        "description": price.product_data.name,
        "metadata": dict(asked.metadata),
        "price": _price(ledger, price, product["id"]),
        "quantity": asked.quantity,
    }


def _price(ledger: Ledger, price: PriceData, product_id: str) -> JsonObject:
    return {
        "id": new_id("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": ledger.now,
        "currency": price.currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product_id,
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": price.unit_amount,
        "unit_amount_decimal": str(price.unit_amount),
    }


def _product(ledger: Ledger, asked: ProductData) -> JsonObject:
    return {
        "id": new_id("prod"),
        "object": "product",
        "active": False,
        "created": ledger.now,
        "default_price": None,
        "description": asked.description,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": dict(asked.metadata),
        "name": asked.name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": ledger.now,
        "url": None,
    }


def page(url: str, items: list[JsonObject], asked: ListLineItems) -> JsonObject:
    """Items in the order of the session (not newest first), a page at a time."""
    names = [item["id"] for item in items]
    for param, cursor in (("starting_after", asked.starting_after), ("ending_before", asked.ending_before)):
        if cursor is not None and cursor not in names:
            raise missing("item", cursor, param, status=400)
    if asked.starting_after is not None:
        rest = items[names.index(asked.starting_after) + 1 :]
        found, more = rest[: asked.limit], len(rest) > asked.limit
    elif asked.ending_before is not None:
        rest = items[: names.index(asked.ending_before)]
        found, more = rest[-asked.limit :], len(rest) > asked.limit
    else:
        found, more = items[: asked.limit], len(items) > asked.limit
    return {"object": "list", "url": url, "has_more": more, "data": found}
