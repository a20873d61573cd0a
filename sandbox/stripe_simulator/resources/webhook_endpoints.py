"""Webhook endpoints: https://docs.stripe.com/api/webhook_endpoints. One more can be configured at start.

Its secret is rolled by starting with another one: the old one signs beside it for a day, as Stripe lets it do.
"""

import secrets
from typing import Annotated

from pydantic import Field

from sandbox.stripe_simulator import outbox
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.ledger import Ledger, new_id
from sandbox.stripe_simulator.parameters import LISTED, ListRequest, Metadata, Request, Text, WebAddress
from sandbox.stripe_simulator.settings import API_VERSION
from sandbox.stripe_simulator.store import Records

PATH = "/v1/webhook_endpoints"
CONFIGURED = "we_configured"
OLD_SECRET_SECONDS = 86_400


class CreateWebhookEndpoint(Request):
    url: WebAddress
    enabled_events: Annotated[tuple[Text, ...], LISTED, Field(min_length=1)]
    connect: bool = False
    description: Text | None = None
    metadata: Metadata = Field(default_factory=dict)


def create(ledger: Ledger, asked: CreateWebhookEndpoint) -> JsonObject:
    """The secret is told here and never again. With `connect` it hears of connected accounts and of nothing else."""
    secret = f"whsec_{secrets.token_hex(16)}"
    endpoint = _endpoint(ledger, new_id("we"), asked.url)
    endpoint |= {
        "enabled_events": list(asked.enabled_events),
        "description": asked.description,
        "metadata": dict(asked.metadata),
    }
    return ledger.add(endpoint, private={"secret": secret, "connect": asked.connect}) | {"secret": secret}


def configure(ledger: Ledger, url: str | None, secret: str | None) -> None:
    """Make the settings' endpoint so, or take it away. What waits for it keeps waiting when only the URL moves."""
    private = ledger.records.private(CONFIGURED)
    known = ledger.look_up(CONFIGURED)
    if url is None:
        if known is not None:
            delete(ledger, Request(), CONFIGURED)
    elif known is None:
        ledger.add(_endpoint(ledger, CONFIGURED, url), private={"secret": secret})
    else:
        ledger.change(known, url=url)
        if private["secret"] != secret:
            old = {"old_secret": private["secret"], "old_until": ledger.now + OLD_SECRET_SECONDS}
            ledger.records.save_private(CONFIGURED, {"secret": secret, **old})


def secrets_in_use(records: Records, endpoint_id: str, now: float) -> list[str]:
    """What an event for the endpoint is signed with: its secret, and the one it took the place of today."""
    private = records.private(endpoint_id)
    old = [private["old_secret"]] if private.get("old_until", 0) > now else []
    return [private["secret"], *old]


def _endpoint(ledger: Ledger, identifier: str, url: str) -> JsonObject:
    return {
        "id": identifier,
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": ledger.now,
        "description": None,
        "enabled_events": ["*"],
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
    }


def retrieve(ledger: Ledger, _asked: Request, endpoint_id: str) -> JsonObject:
    return ledger.find("webhook_endpoint", endpoint_id)


def delete(ledger: Ledger, _asked: Request, endpoint_id: str) -> JsonObject:
    """What still waits for the endpoint is dropped with it."""
    ledger.find("webhook_endpoint", endpoint_id)
    outbox.forget_endpoint(ledger.records, endpoint_id)
    ledger.records.delete(endpoint_id)
    return {"id": endpoint_id, "object": "webhook_endpoint", "deleted": True}


def page(ledger: Ledger, asked: ListRequest) -> JsonObject:
    return ledger.page("webhook_endpoint", PATH, asked)


ENDPOINTS = (
    Endpoint("POST", PATH, CreateWebhookEndpoint, create),
    Endpoint("GET", PATH, ListRequest, page),
    Endpoint("GET", f"{PATH}/<endpoint_id>", Request, retrieve),
    Endpoint("DELETE", f"{PATH}/<endpoint_id>", Request, delete),
)
