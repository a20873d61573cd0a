"""Queue, compose, send and send again."""

import logging
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.dialects.postgresql import insert

from marketplace.correspondence import queries, rules
from marketplace.correspondence.document import Envelope, compose
from marketplace.correspondence.models import MessageRow, locked
from marketplace.correspondence.values import (
    DISPENSABLE,
    AttachedFile,
    Attachment,
    MessageEvent,
    MessageKind,
    MessageNotFound,
    MessageSent,
    MessageState,
    NotResendable,
    QueueMessage,
)
from marketplace.infra import mail, storage, vault
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.jobs import defer, publish
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.transitions import TransitionRefused
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, EntryType

log = logging.getLogger(__name__)

# By which entry a message about a journey is told of; any other one by `mail:sent`.
_TRAIL = dict.fromkeys((MessageKind.POLICY_ISSUED, MessageKind.POLICY_RECEIPT), EntryType.POLICY_MAILED)


def queue(command: QueueMessage) -> bool:
    """Have a message written and sent after commit. False: there is one of this kind and subject already, or one that
    can be done without would go where mail comes back from.
    """
    message_id = ids.new_id()
    trail = command.trail
    known = select(MessageRow.id).where(MessageRow.kind == command.kind, MessageRow.subject_key == command.subject_key)
    if db.session.scalar(known) is not None:
        return False  # before anything is sealed for it
    if command.kind in DISPENSABLE and queries.comes_back(command.recipient):
        return False
    sealed_for = (trail and trail.application_id) or message_id
    values = {
        "id": message_id,
        "kind": command.kind,
        "subject_key": command.subject_key,
        "sealed_for": sealed_for,
        "recipient_sealed": MessageRow.recipient.sealed(message_id, sealed_for, command.recipient),
        "recipient_index": queries.recipient_index(command.recipient),
        "locale": command.locale,
        "context_sealed": MessageRow.context.sealed(message_id, sealed_for, dict(command.context)),
        "attachments": [asdict(attachment) for attachment in command.attachments],
        "journey_id": trail and trail.journey_id,
        "application_id": trail and trail.application_id,
        "insurer_id": trail and trail.insurer_id,
        "state": MessageState.QUEUED,
        "message_id": f"<{message_id}@{mail.sender_address().rpartition('@')[2]}>",
        "queued_at": clock.now(),
    }
    wanted = insert(MessageRow).values(values).on_conflict_do_nothing(index_elements=["kind", "subject_key"])
    if db.session.execute(wanted.returning(MessageRow.id)).scalar_one_or_none() is None:
        return False
    reach(At.MAIL_QUEUED)
    defer("correspondence.compose_message", message_id=message_id)
    return True


def compose_message(message_id: UUID) -> None:
    """Set the words of a queued message, once; every try sends these bytes. Composing again changes nothing."""
    row = _locked(message_id)
    if row.state != MessageState.QUEUED:
        return
    envelope = Envelope(MessageKind(row.kind), mail.sender(), row.recipient, row.message_id, row.queued_at, row.locale)
    files = tuple(_file(Attachment(**attachment)) for attachment in row.attachments)
    row.subject, unsigned = compose(envelope, row.context or {}, files)
    eml = mail.signed(unsigned)
    row.eml, row.eml_sha256 = eml, sha256_hex(eml)
    row.state = rules.LIFE.next(MessageState.QUEUED, MessageEvent.COMPOSED)
    reach(At.MAIL_COMPOSED)
    defer("correspondence.send_message", message_id=message_id)


def send_message(message_id: UUID) -> None:
    """Hand a composed message to the mail server. Where the server does not answer, the next try is deferred; what it
    refuses for good fails. A message that is sent or failed is left alone.
    """
    row = _locked(message_id)
    eml = row.eml
    if row.state != MessageState.READY or eml is None:
        return
    row.attempts += 1
    reach(At.MAIL_TO_SEND)
    try:
        mail.deliver(eml, row.recipient)
    except mail.MailUnavailable as failure:
        _put_off(row, str(failure))
    except mail.MailRefused as refusal:
        _give_up(row, str(refusal))
    else:
        reach(At.MAIL_TAKEN)
        _taken(row)


def resend(message_id: UUID) -> None:
    """Try a message again that failed or came back, from its first pause on. Raises NotResendable."""
    row = _locked(message_id)
    try:
        state = rules.LIFE.next(MessageState(row.state), MessageEvent.ASKED_AGAIN)
    except TransitionRefused as refusal:
        raise NotResendable from refusal
    if row.eml_sealed is None:
        raise NotResendable
    row.state, row.attempts = state, 0
    defer("correspondence.send_message", message_id=message_id)


def forget_application(application_id: UUID) -> int:
    """Take recipient and words out of every mail about this application; what waits is not sent. Returns how many."""
    return _forget_all(MessageRow.application_id == application_id)


def forget_address(address: str) -> int:
    """The same for what went to this address without concerning an application."""
    own = MessageRow.recipient_index == queries.recipient_index(address)
    return _forget_all(MessageRow.application_id.is_(None), own)


def forget_old(before: datetime, limit: int) -> int:
    """The same for what was queued before `before` without concerning an application: codes, links, notices; at most
    `limit` at a time.
    """
    return _forget_all(MessageRow.application_id.is_(None), MessageRow.queued_at < before, limit=limit)


def _forget_all(*which: ColumnElement[bool], limit: int | None = None) -> int:
    wanted = select(MessageRow).where(*which, MessageRow.recipient_sealed.is_not(None)).order_by(MessageRow.id)
    rows = db.session.scalars(wanted.limit(limit).with_for_update()).all()
    for row in rows:
        row.state = rules.LIFE.next(MessageState(row.state), MessageEvent.FORGOTTEN)
        _empty(row)
    db.session.flush()
    return len(rows)


def _empty(row: MessageRow) -> None:
    """Whose mail it was and what it said is not known any more."""
    row.recipient_sealed = row.recipient_index = None
    row.context, row.eml, row.subject = None, None, None
    if row.sealed_for == row.id:
        vault.destroy(row.id)


def _taken(row: MessageRow) -> None:
    row.state = rules.LIFE.next(MessageState.READY, MessageEvent.TAKEN)
    row.sent_at, row.last_failure = clock.now(), None
    _forget(row)
    kind = MessageKind(row.kind)
    if row.journey_id is not None:
        what = {"message_id": row.message_id, "eml_sha256": row.eml_sha256, "attachments": row.attachments}
        type_, body = _TRAIL.get(kind, EntryType.MAIL_SENT), {"kind": kind, **what}
        record_act(Act(row.journey_id, type_, body, SYSTEM, row.application_id, row.insurer_id))
    publish(MessageSent(row.id))
    reach(At.MAIL_NOTED)


def _put_off(row: MessageRow, failure: str) -> None:
    pause = rules.pause_after(row.attempts)
    if pause is None:
        _give_up(row, failure)
        return
    row.state, row.last_failure = rules.LIFE.next(MessageState.READY, MessageEvent.PUT_OFF), failure
    log.warning("message %s put off for %s s: %s", row.id, pause, failure)
    defer("correspondence.send_message", in_seconds=pause, message_id=row.id)


def _give_up(row: MessageRow, failure: str) -> None:
    row.state, row.last_failure = rules.LIFE.next(MessageState.READY, MessageEvent.GIVEN_UP), failure
    _forget(row)
    log.error("ALARM message %s (%s) failed: %s", row.id, row.kind, failure)


def _forget(row: MessageRow) -> None:
    kind, keeps_copies = MessageKind(row.kind), mail.keeps_copies()
    if rules.forgets_everything(kind, keeps_copies=keeps_copies):
        _empty(row)
    elif rules.forgets_words(kind, keeps_copies=keeps_copies):
        row.context, row.eml, row.subject = None, None, None


def _file(attachment: Attachment) -> AttachedFile:
    return AttachedFile(attachment.name, attachment.media_type, storage.get(attachment.sha256))


def _locked(message_id: UUID) -> MessageRow:
    row = locked(message_id)
    if row is None:
        raise MessageNotFound
    return row
