"""Events: https://docs.stripe.com/api/events. Written by the ledger, read here for thirty days."""

from typing import Annotated

from pydantic import Field

from sandbox.stripe_simulator import outbox
from sandbox.stripe_simulator.endpoint import Endpoint
from sandbox.stripe_simulator.errors import JsonObject, ParameterError, missing
from sandbox.stripe_simulator.ledger import Ledger
from sandbox.stripe_simulator.parameters import LISTED, ListRequest, Request, Text

PATH = "/v1/events"
SHOWN_SECONDS = 30 * 86_400
"""Older events are neither listed nor found."""


class ListEvents(ListRequest):
    """`type` may end in `.*`; `types` names up to 20."""

    type: Text | None = None
    types: Annotated[tuple[Text, ...], LISTED, Field(max_length=20)] = ()
    delivery_success: bool | None = None


def retrieve(ledger: Ledger, _asked: Request, event_id: str) -> JsonObject:
    event = ledger.find("event", event_id)
    if event["created"] < ledger.now - SHOWN_SECONDS:
        raise missing("event", event_id, "id")
    return shown(ledger, event)


def page(ledger: Ledger, asked: ListEvents) -> JsonObject:
    if asked.type is not None and asked.types:
        raise ParameterError("You may only specify one of these parameters: type, types.", param="type")
    conditions: list[tuple[str, tuple[object, ...]]] = [("created >= ?", (ledger.now - SHOWN_SECONDS,))]
    kinds = (asked.type,) if asked.type is not None else asked.types
    if kinds:
        any_of = " OR ".join(["json_extract(body, '$.type') GLOB ?"] * len(kinds))
        conditions.append((f"({any_of})", tuple(kinds)))
    if asked.delivery_success is not None:
        conditions.append((outbox.DELIVERED if asked.delivery_success else outbox.UNDELIVERED, ()))
    listed = ledger.page("event", PATH, asked, where=tuple(conditions))
    return listed | {"data": [shown(ledger, event) for event in listed["data"]]}


def shown(ledger: Ledger, event: JsonObject) -> JsonObject:
    """The event with how many endpoints still wait for it."""
    return event | {"pending_webhooks": outbox.waiting_endpoints(ledger.records, event["id"])}


ENDPOINTS = (
    Endpoint("GET", PATH, ListEvents, page, on_accounts=True),
    Endpoint("GET", f"{PATH}/<event_id>", Request, retrieve, on_accounts=True),
)
