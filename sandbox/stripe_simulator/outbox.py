"""Which event has to reach which webhook endpoint, and how far that has come. Rows, no threads."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.faults import Switches
from sandbox.stripe_simulator.store import Records

UNDELIVERED = "EXISTS (SELECT 1 FROM delivery WHERE delivery.event_id = object.id AND delivery.state <> 'delivered')"
DELIVERED = f"NOT {UNDELIVERED}"
SHUFFLED_SECONDS = 1.0
"""How long events wait for later ones to overtake them, when they are to come in the wrong order."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event for one endpoint. Instants in seconds since the epoch."""

    sequence: int
    event_id: str
    attempts: int
    first_due_at: float
    due_at: float
    stale: bool
    thin: bool


def queue(records: Records, event: JsonObject, now: float, switches: Switches) -> None:
    """One row for each endpoint that listens to the event's type; the fault switches act here."""
    faults = switches.for_event(event["type"])
    state = "lost" if faults.drop_webhooks else "pending"
    due = now + faults.delay_webhooks
    if faults.reorder_webhooks:
        due += SHUFFLED_SECONDS - _place(records) / 1000
    for endpoint in records.all("webhook_endpoint"):
        if _listens(records, endpoint, event):
            for _ in range(2 if faults.duplicate_webhooks else 1):
                records.sql.execute(
                    "INSERT INTO delivery (endpoint_id, event_id, state, first_due_at, due_at, stale, thin)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (endpoint["id"], event["id"], state, due, due, faults.stale_signatures, faults.thin_webhooks),
                )


def _place(records: Records) -> int:
    """A number below a thousand that grows with every event, so that later ones are due earlier."""
    row = records.sql.execute("SELECT MAX(sequence) FROM object").fetchone()
    return int(row[0] or 0) % 1000


def _listens(records: Records, endpoint: JsonObject, event: JsonObject) -> bool:
    """The configured endpoint hears everything; any other either the platform's own events or those of accounts."""
    if event["type"] not in endpoint["enabled_events"] and "*" not in endpoint["enabled_events"]:
        return False
    connect = records.private(endpoint["id"]).get("connect")
    return connect is None or connect == ("account" in event)


def next_parcel(records: Records, endpoint_id: str) -> Parcel | None:
    """The one due first; it may be due only later."""
    row = records.sql.execute(
        "SELECT sequence, event_id, attempts, first_due_at, due_at, stale, thin FROM delivery"
        " WHERE endpoint_id = ? AND state = 'pending' ORDER BY due_at, sequence LIMIT 1",
        (endpoint_id,),
    ).fetchone()
    return Parcel(*row) if row else None


def thin(event: JsonObject) -> JsonObject:
    """The event as a destination for thin events gets it: what happened to which object, which is to be fetched
    (https://docs.stripe.com/event-destinations#thin-payload).
    """
    subject = event["data"]["object"]
    path = f"/v1/{subject['object'].replace('.', '/')}s/{subject['id']}"
    at = datetime.fromtimestamp(event["created"], UTC)
    return {
        "id": event["id"],
        "object": "v2.core.event",
        "context": event.get("account"),
        "created": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "livemode": event["livemode"],
        "reason": {"type": "request", "request": event["request"]} if event["request"]["id"] else None,
        "related_object": {"id": subject["id"], "type": subject["object"], "url": path},
        "type": f"v1.{event['type']}",
    }


def delivered(records: Records, parcel: Parcel) -> None:
    records.sql.execute(
        "UPDATE delivery SET state = 'delivered', attempts = attempts + 1, last_error = NULL WHERE sequence = ?",
        (parcel.sequence,),
    )


def failed(records: Records, parcel: Parcel, reason: str, again_at: float | None) -> None:
    """Try again at an instant, or never (`given_up`)."""
    records.sql.execute(
        "UPDATE delivery SET state = ?, attempts = attempts + 1, last_error = ?, due_at = ? WHERE sequence = ?",
        ("given_up" if again_at is None else "pending", reason, again_at or parcel.due_at, parcel.sequence),
    )


def waiting_endpoints(records: Records, event_id: str) -> int:
    """How many endpoints still wait for the event: Stripe's `pending_webhooks`."""
    row = records.sql.execute(
        "SELECT COUNT(DISTINCT endpoint_id) FROM delivery WHERE event_id = ? AND state <> 'delivered'", (event_id,)
    ).fetchone()
    return int(row[0])


def states(records: Records, event_id: str) -> list[str]:
    """How far each delivery of an event has come."""
    rows = records.sql.execute("SELECT state FROM delivery WHERE event_id = ? ORDER BY sequence", (event_id,))
    return [state for (state,) in rows]


def forget_endpoint(records: Records, endpoint_id: str) -> None:
    records.sql.execute("DELETE FROM delivery WHERE endpoint_id = ?", (endpoint_id,))


def backlog(records: Records) -> dict[str, int]:
    """Deliveries by state, for the health page."""
    return dict(records.sql.execute("SELECT state, COUNT(*) FROM delivery GROUP BY state ORDER BY state").fetchall())
