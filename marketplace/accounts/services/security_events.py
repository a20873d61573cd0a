"""Keep what happened at the doors. Rows are only ever added."""

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError

from marketplace.accounts import rules
from marketplace.accounts.models import SecurityEventRow
from marketplace.accounts.services import hashes
from marketplace.accounts.values import NewSecurityEvent, SecurityEventsUnavailable
from marketplace.infra.db import apart, db
from marketplace.kernel import clock, ids


def record_security_event(*events: NewSecurityEvent) -> None:
    """Keep `events` in the transaction that makes them true; they are rolled back with it.

    Raises SecurityEventsUnavailable: what cannot be kept does not happen.
    """
    try:
        db.session.execute(insert(SecurityEventRow), [_row(event) for event in events])
    except SQLAlchemyError as error:
        raise SecurityEventsUnavailable from error


def record_security_event_apart(*events: NewSecurityEvent) -> None:
    """Keep `events` at once, whatever becomes of the request: what was refused leaves nothing else behind.

    Raises SecurityEventsUnavailable.
    """
    try:
        with apart() as connection:
            connection.execute(insert(SecurityEventRow), [_row(event) for event in events])
    except SQLAlchemyError as error:
        raise SecurityEventsUnavailable from error


def _row(event: NewSecurityEvent) -> dict[str, object]:
    return {
        "id": ids.new_id(),
        "at": clock.now(),
        "type": event.type.value,
        "outcome": event.outcome.value,
        "account_id": event.account_id,
        "actor_label": event.actor,
        "session_id": event.session_id,
        "source_hash": hashes.keyed("source", rules.counted_source(event.source)),
        "endpoint": event.endpoint,
        "detail": dict(event.detail),
    }
