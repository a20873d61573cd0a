"""Which event has to reach which webhook endpoint, and how far that has come. Rows, no threads."""

from dataclasses import dataclass

from sandbox.stripe_simulator.errors import JsonObject
from sandbox.stripe_simulator.faults import Switches
from sandbox.stripe_simulator.store import Records

UNDELIVERED = "EXISTS (SELECT 1 FROM delivery WHERE delivery.event_id = object.id AND delivery.state <> 'delivered')"
DELIVERED = f"NOT {UNDELIVERED}"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One event for one endpoint. Instants in seconds since the epoch."""

    sequence: int
    event_id: str
    attempts: int
    first_due_at: float
    due_at: float


def queue(records: Records, event: JsonObject, now: float, switches: Switches) -> None:
    """One row for each endpoint that listens to the event's type; the fault switches act here."""
    state = "lost" if switches.drop_webhooks else "pending"
    due = now + switches.delay_webhooks
    for endpoint in records.all("webhook_endpoint"):
        if event["type"] in endpoint["enabled_events"] or "*" in endpoint["enabled_events"]:
            for _ in range(2 if switches.duplicate_webhooks else 1):
                records.sql.execute(
                    "INSERT INTO delivery (endpoint_id, event_id, state, first_due_at, due_at) VALUES (?, ?, ?, ?, ?)",
                    (endpoint["id"], event["id"], state, due, due),
                )


def next_parcel(records: Records, endpoint_id: str) -> Parcel | None:
    """The one due first; it may be due only later."""
    row = records.sql.execute(
        "SELECT sequence, event_id, attempts, first_due_at, due_at FROM delivery"
        " WHERE endpoint_id = ? AND state = 'pending' ORDER BY due_at, sequence LIMIT 1",
        (endpoint_id,),
    ).fetchone()
    return Parcel(*row) if row else None


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


def forget_endpoint(records: Records, endpoint_id: str) -> None:
    records.sql.execute("DELETE FROM delivery WHERE endpoint_id = ?", (endpoint_id,))


def backlog(records: Records) -> dict[str, int]:
    """Deliveries by state, for the health page."""
    return dict(records.sql.execute("SELECT state, COUNT(*) FROM delivery GROUP BY state ORDER BY state").fetchall())
