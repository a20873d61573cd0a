"""What happens at the doors is noted while a request is answered and kept with its transaction.

What was done is kept in the request's own transaction: both are true or neither is. What was refused is kept apart,
after everything else the request wrote is gone. Refusals of strangers and customers are kept up to a limit for each
source, so that nobody fills the table by being refused; the site's log has every one.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from math import ceil
from types import MappingProxyType
from uuid import UUID

from flask import g, request

from marketplace.accounts import services as accounts
from marketplace.accounts.values import Account, Bucket, EventOutcome, NewSecurityEvent, SecurityEventType, TooManyTries
from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable

log = logging.getLogger(__name__)


def known_as(account: Account | None, session_id: UUID | None = None) -> None:
    """Whose notes the following ones of this request are."""
    g.audited_account, g.audited_session = account, session_id


def note(
    kind: SecurityEventType,
    outcome: EventOutcome = EventOutcome.DONE,
    detail: Mapping[str, str | int] = MappingProxyType({}),
    *,
    account: Account | None = None,
) -> None:
    """Note what happened, of `account` or else of whoever asks. `detail` holds no personal data."""
    who = account or g.get("audited_account")
    event = NewSecurityEvent(
        type=kind,
        outcome=outcome,
        account_id=who.id if who else None,
        actor=who.role.value if who else "visitor",
        session_id=g.get("audited_session"),
        source=source(),
        endpoint=request.endpoint or "",
        detail=detail,
    )
    _noted().append(event)


def refuse(reason: str) -> None:
    """Say why this request is refused as a forged one: `csrf`, `other_site`, `doubled_field`, …"""
    g.refused_as_forged = reason


def refused_as_forged() -> str:
    return str(g.get("refused_as_forged", ""))


def reach_limit(retry_at: datetime) -> None:
    """Somebody tried too often, and may try again then; what is shown says so."""
    g.limit_reached = retry_at


def retry_after() -> int | None:
    """In how many seconds whoever reached a limit may try again (RFC 9110, 10.2.3)."""
    retry_at: datetime | None = g.get("limit_reached")
    return None if retry_at is None else max(1, ceil((retry_at - clock.now()).total_seconds()))


def form_status(errors: object) -> int:
    """The status of a page whose form was shown, sent and refused, or sent too often."""
    return 429 if g.get("limit_reached") else 422 if errors else 200


def keep() -> None:
    """Keep the notes in this request's transaction, just before it is committed."""
    events = _taken()
    if events:
        accounts.record_security_event(*events)


def keep_refusals() -> None:
    """Keep the notes of refusals apart; what was noted as done is not true any more."""
    events = [event for event in _taken() if event.outcome is EventOutcome.REFUSED]
    for event in events:
        log.warning("%s refused at %s %s", event.type, event.endpoint or "-", dict(event.detail))
    if not events:
        return
    try:
        if not _of_staff():
            accounts.count_try(Bucket.REFUSAL_OF_SOURCE, source())
        accounts.record_security_event_apart(*events)
    except (TooManyTries, Unavailable) as error:
        log.warning("a refusal was not kept: %s", error.code)


def source() -> str:
    """Where a request comes from. Forged proxy headers are not believed."""
    return request.remote_addr or "unknown"


def _of_staff() -> bool:
    account = g.get("audited_account")
    return account is not None and account.role.is_staff


def _noted() -> list[NewSecurityEvent]:
    if "noted_events" not in g:
        g.noted_events = []
    found: list[NewSecurityEvent] = g.noted_events
    return found


def _taken() -> list[NewSecurityEvent]:
    taken: list[NewSecurityEvent] = g.pop("noted_events", [])
    return taken
