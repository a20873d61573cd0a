"""What a resource may do while it answers: look up, put down, announce. One ledger lives for one transaction."""

import secrets
from dataclasses import dataclass, replace

from sandbox.stripe_simulator import outbox
from sandbox.stripe_simulator.errors import JsonObject, missing
from sandbox.stripe_simulator.faults import Switches
from sandbox.stripe_simulator.parameters import ListRequest
from sandbox.stripe_simulator.settings import API_VERSION
from sandbox.stripe_simulator.store import PageQuery, Records


@dataclass(frozen=True, slots=True)
class Cause:
    """The API request that events name as their cause; both empty for a person on a hosted page."""

    request_id: str | None = None
    idempotency_key: str | None = None


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True)
class Ledger:
    """`now` is in seconds since the epoch and the same for everything the transaction writes.

    `account` is the connected account whose things are seen and made, empty for the platform's own.
    `later_seconds` is how long whatever does not happen at once takes: a refund under way, a decision.
    """

    records: Records
    now: int
    public_url: str
    switches: Switches
    cause: Cause = Cause()
    account: str = ""
    later_seconds: int = 10

    def on(self, account: str) -> "Ledger":
        """The same transaction, for the things of an account."""
        return replace(self, account=account)

    def find(self, kind: str, identifier: str, param: str = "id", status: int = 404) -> JsonObject:
        """:raises ApiError: `resource_missing`, naming `param`."""
        found = self.records.get(identifier)
        if found is None or found["object"] != kind or self.records.owner(identifier) != self.account:
            raise missing(kind, identifier, param, status)
        return found

    def look_up(self, identifier: str | None) -> JsonObject | None:
        """What a stored object refers to, whoever owns it."""
        return self.records.get(identifier) if identifier else None

    def add(self, body: JsonObject, private: JsonObject | None = None) -> JsonObject:
        self.records.insert(body, private, self.account)
        return body

    def change(self, body: JsonObject, **fields: object) -> JsonObject:
        """Set fields of a stored object and keep it."""
        body.update(fields)
        self.records.save(body)
        return body

    def page(
        self,
        kind: str,
        url: str,
        asked: ListRequest,
        *,
        matching: dict[str, str | None] | None = None,
        where: tuple[tuple[str, tuple[object, ...]], ...] = (),
    ) -> JsonObject:
        """One page in Stripe's list shape. `matching` maps fields to values; empty ones do not filter."""
        for param, cursor in (("starting_after", asked.starting_after), ("ending_before", asked.ending_before)):
            if cursor is not None:
                self.find(kind, cursor, param, status=400)
        data, has_more = self.records.page(
            PageQuery(
                kind,
                self.account,
                limit=asked.limit,
                starting_after=asked.starting_after,
                ending_before=asked.ending_before,
                matching={f"$.{name}": value for name, value in (matching or {}).items() if value is not None},
                where=(*(asked.created.conditions() if asked.created else ()), *where),
            )
        )
        return {"object": "list", "url": url, "has_more": has_more, "data": data}

    def later(self, act: str, body: JsonObject) -> None:
        """Leave an act for later; `passing_time` knows what each one does."""
        self.records.appoint(self.now + self.later_seconds, act, body["id"])

    def announce(self, kind: str, body: JsonObject, previous: JsonObject | None = None) -> None:
        """Record an event with the object as it is now, and queue it for every endpoint that listens."""
        data = {"object": body} | ({"previous_attributes": previous} if previous else {})
        event = self.add(
            ({"account": self.account} if self.account else {})
            | {
                "id": new_id("evt"),
                "object": "event",
                "api_version": API_VERSION,
                "created": self.now,
                "data": data,
                "livemode": False,
                "pending_webhooks": 0,
                "request": {"id": self.cause.request_id, "idempotency_key": self.cause.idempotency_key},
                "type": kind,
            }
        )
        outbox.queue(self.records, event, self.now, self.switches)
