"""Take in what mail servers send back of a message that they took."""

import logging
from collections.abc import Iterator

from sqlalchemy.exc import InterfaceError, OperationalError

from marketplace.correspondence import intake, rules
from marketplace.correspondence.models import MessageRow, locked_by_header
from marketplace.correspondence.values import (
    OWED,
    REPORT_KEPT,
    DeliveryReport,
    MessageBounced,
    MessageEvent,
    MessageKind,
    MessageState,
    ReportOutcome,
)
from marketplace.infra import mail, metrics, storage, vault
from marketplace.infra.db import db
from marketplace.infra.jobs import publish
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Unavailable
from marketplace.kernel.transitions import TransitionRefused
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, EntryType

log = logging.getLogger(__name__)


def take_reports() -> Iterator[ReportOutcome]:
    """Read the mailbox of what comes back, report by report: whoever calls commits after each, and only then is it
    deleted there. What says nothing of a message of ours stays, marked as seen, for a person to look at.

    Raises Unavailable.
    """
    for report in mail.returned():
        outcome = take_report(report.content)
        yield outcome
        report.put_away(keep=outcome in _FOR_A_PERSON)


_FOR_A_PERSON = frozenset({ReportOutcome.UNREADABLE, ReportOutcome.UNKNOWN, ReportOutcome.TOO_LARGE})


def take_report(content: bytes | None) -> ReportOutcome:
    """Note what one report says; None is one that is too large to be read. Taken again, it changes nothing.

    What cannot be taken for a reason of its own says nothing: read again for ever, it would keep all that follow from
    being read. Raises Unavailable, and what a database raises that is away: then it stays unread.
    """
    try:
        with db.session.begin_nested():
            outcome = _taken(content)
    except (Unavailable, OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("a report in the mailbox of returns could not be taken")
        outcome = ReportOutcome.UNREADABLE
    metrics.RETURNS.labels(outcome.value).inc()
    if outcome in _FOR_A_PERSON:
        log.warning("a report in the mailbox of returns says nothing of a mail of ours: %s", outcome.value)
    return outcome


def _taken(content: bytes | None) -> ReportOutcome:
    if content is None:
        return ReportOutcome.TOO_LARGE
    report = intake.read_report(content)
    if report is None:
        return ReportOutcome.UNREADABLE
    row = locked_by_header(report.message_id)
    if row is None:
        return ReportOutcome.UNKNOWN
    if report.action != "failed":
        return ReportOutcome.DELAYED if report.action == "delayed" else ReportOutcome.DELIVERED
    try:
        row.state = rules.LIFE.next(MessageState(row.state), MessageEvent.CAME_BACK)
    except TransitionRefused as refusal:
        early = refusal.state in {MessageState.QUEUED, MessageState.READY}
        return ReportOutcome.NOT_SENT if early else ReportOutcome.AGAIN
    _note(row, report, content)
    return ReportOutcome.BOUNCED


def _note(row: MessageRow, report: DeliveryReport, content: bytes) -> None:
    """What the entry says, somebody else said: by its hash the report is found again that it rests on."""
    row.bounced_at, row.bounce_status = clock.now(), report.status
    row.last_failure = f"came back ({report.status})"
    kind = MessageKind(row.kind)
    if row.journey_id is not None:
        said = {
            "kind": kind,
            "message_id": row.message_id,
            "status": report.status,
            "report_sha256": sha256_hex(content),
        }
        act = Act(row.journey_id, EntryType.MAIL_BOUNCED, said, SYSTEM, row.application_id, row.insurer_id)
        record_act(act)
    if kind in REPORT_KEPT and not vault.is_destroyed(row.sealed_for):
        storage.put_sealed(content, row.sealed_for)
    level = logging.ERROR if kind in OWED else logging.WARNING
    log.log(level, "%smessage %s (%s) came back: %s", "ALARM " * (kind in OWED), row.id, row.kind, report.status)
    publish(MessageBounced(row.id))
