"""Payment methods: cards only, made from the published test cards. Retrieval and expansion, no attaching yet."""

from dataclasses import dataclass

from sandbox.stripe_simulator.cards import BY_ALIAS, BY_NUMBER, TestCard
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import Request

ALIAS_EXPIRY = (12, 2034)


@dataclass(frozen=True, slots=True)
class Payer:
    """What the person typed beside the card number. `expires` is (month, year)."""

    expires: tuple[int, int] = ALIAS_EXPIRY
    name: str | None = None
    email: str | None = None


def add_card(ledger: Ledger, card: TestCard, payer: Payer) -> JsonObject:
    month, year = payer.expires
    return ledger.add(
        {
            "id": new_id("pm"),
            "object": "payment_method",
            "allow_redisplay": "unspecified",
            "billing_details": {
                "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")),
                "email": payer.email,
                "name": payer.name,
                "phone": None,
                "tax_id": None,
            },
            "card": {
                "brand": card.brand,
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "unchecked",
                },
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
            },
            "created": ledger.now,
            "customer": None,
            "customer_account": None,
            "livemode": False,
            "metadata": {},
            "type": "card",
        },
        # the published alias, never the number
        private={"alias": card.aliases[0]},
    )


def chosen(ledger: Ledger, identifier: str) -> JsonObject:
    """A stored payment method, or a new one for a test alias such as `pm_card_visa`."""
    card = BY_ALIAS.get(identifier)
    if card is not None:
        return add_card(ledger, card, Payer())
    return ledger.find("payment_method", identifier, "payment_method", status=400)


def card_of(ledger: Ledger, payment_method: JsonObject) -> TestCard:
    alias: str = ledger.records.private(payment_method["id"])["alias"]
    return BY_ALIAS[alias]


def published_card(number: str) -> TestCard | None:
    return BY_NUMBER.get(number)


def retrieve(ledger: Ledger, _asked: Request, payment_method_id: str) -> JsonObject:
    return ledger.find("payment_method", payment_method_id)


ENDPOINTS = (Endpoint("GET", "/v1/payment_methods/<payment_method_id>", Request, retrieve),)
