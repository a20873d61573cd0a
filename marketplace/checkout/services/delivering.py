"""The electronic policy reaches its holder within two working days (N108-03): the clock of each contract."""

import logging
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select

from marketplace.checkout.models import DeliveryRow, locked_delivery
from marketplace.checkout.rules import key_of_copy
from marketplace.correspondence import queries as messages
from marketplace.correspondence.values import MessageKind, MessageState
from marketplace.infra import working_days
from marketplace.infra.db import db
from marketplace.infra.jobs import defer
from marketplace.kernel import clock
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy

log = logging.getLogger(__name__)

WORKING_DAYS = 2
BATCH = 200
KNOWN_AHEAD = timedelta(days=14)


def start_clock(policy: Policy) -> None:
    """The contract is concluded: from now on its paper is awaited. Until the worker has looked into the calendar, which
    is too heavy while somebody waits, two plain days count: they are never more. Started again, the clock runs on.
    """
    if db.session.get(DeliveryRow, policy.id) is None:
        row = DeliveryRow(policy_id=policy.id, presumed=True)
        _wind_up(row, policy.concluded_at, policy.concluded_at + timedelta(days=WORKING_DAYS))
        db.session.add(row)
        db.session.flush()
        defer("checkout.count_working_days", policy_id=policy.id)


def count_working_days(policy_id: UUID) -> None:
    """Set the clock of a contract by the calendar of its market, once."""
    row, policy = locked_delivery(policy_id), policies.policy(policy_id)
    if row is None or not row.presumed:
        return
    due = working_days.working_days_after(policy.concluded_at, WORKING_DAYS, policy.period.zone)
    _wind_up(row, policy.concluded_at, due.at)
    row.presumed = bool(due.presumed)
    if due.presumed:
        log.warning("policy %s is to be mailed by %s, though its calendar is not known", policy.number, due.at)


def _wind_up(row: DeliveryRow, since: datetime, due_at: datetime) -> None:
    row.warn_at, row.due_at = since + (due_at - since) / 2, due_at


def note_mailed(message_id: UUID) -> None:
    """A mail server took a message; that of a policy ends its clock, once."""
    message = messages.message(message_id)
    if message.kind is MessageKind.POLICY_ISSUED and message.state is MessageState.SENT:
        row = locked_delivery(UUID(message.about))
        if row is not None and row.mailed_at is None:
            row.mailed_at = clock.business_now()


def note_bounced(message_id: UUID) -> None:
    """A message came back: the policy is awaited again, unless another mail took it there."""
    message = messages.message(message_id)
    if message.kind is MessageKind.POLICY_ISSUED:
        row = locked_delivery(UUID(message.about))
        if row is not None and not _arrived(row):
            row.mailed_at = None


def _arrived(row: DeliveryRow) -> bool:
    keys = [key_of_copy(row.policy_id, number) for number in range(row.copies + 1)]
    return any(each.state is MessageState.SENT for each in messages.messages_about(MessageKind.POLICY_ISSUED, keys))


def note_fetched(policy_id: UUID) -> None:
    """The holder took the policy itself from the account: where no mail brought it, this ends the clock."""
    row = locked_delivery(policy_id)
    if row is not None and row.mailed_at is None and row.fetched_at is None:
        row.fetched_at = clock.business_now()


def watch_deliveries() -> int:
    """Ring once for each policy that did not reach its holder when half of its time is over, and once more when all of
    it is; at most a batch of them. Returns how many.
    """
    now = clock.business_now()
    half, over = (
        and_(DeliveryRow.warned_at.is_(None), DeliveryRow.warn_at <= now),
        and_(DeliveryRow.overdue_at.is_(None), DeliveryRow.due_at <= now),
    )
    waiting = DeliveryRow.mailed_at.is_(None), DeliveryRow.fetched_at.is_(None)
    late = select(DeliveryRow).where(*waiting, or_(half, over)).order_by(DeliveryRow.due_at)
    rows = db.session.scalars(late.limit(BATCH).with_for_update(skip_locked=True)).all()
    numbers = {each.id: each.number for each in policies.frames(row.policy_id for row in rows)}
    for row in rows:
        row.warned_at = row.warned_at or now
        if row.due_at <= now:
            row.overdue_at = now
        words = "was not mailed in time" if row.overdue_at else "is not mailed, and half of its time is over"
        log.error("ALARM policy %s %s; it was due by %s", numbers[row.policy_id], words, row.due_at.isoformat())
    return len(rows)


def watch_calendars() -> tuple[str, ...]:
    """Ring while a market's calendar ends within two weeks: deadlines are counted too early then. Returns the zones."""
    soon = (clock.business_now() + KNOWN_AHEAD).year
    ending = tuple(zone for zone in working_days.CALENDARS if not working_days.is_known(soon, zone))
    for zone in ending:
        log.error("ALARM the working days of %s in %s are not known; install a newer `holidays`", soon, zone)
    return ending
