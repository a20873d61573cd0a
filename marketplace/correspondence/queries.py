"""What is known of messages."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, or_, select

from marketplace.correspondence.document import take_apart
from marketplace.correspondence.models import MessageRow
from marketplace.correspondence.values import (
    Attachment,
    Message,
    MessageKind,
    MessageNotFound,
    MessageParts,
    MessageState,
)
from marketplace.infra import vault
from marketplace.infra.db import db

# Everything but the bytes and the context, which may hold codes.
_LISTED = (
    MessageRow.id,
    MessageRow.kind,
    MessageRow.subject_key,
    MessageRow.sealed_for,
    MessageRow.recipient_sealed,
    MessageRow.locale,
    MessageRow.subject_sealed,
    MessageRow.state,
    MessageRow.attachments,
    MessageRow.queued_at,
    MessageRow.sent_at,
    MessageRow.attempts,
    MessageRow.eml_sealed.is_not(None).label("readable"),
)


def inbox(limit: int = 50, recipient: str | None = None) -> tuple[Message, ...]:
    """The latest messages, newest first. For the demonstration's inbox only: it shows everybody's mail."""
    wanted = select(*_LISTED).order_by(MessageRow.queued_at.desc(), MessageRow.id).limit(limit)
    if recipient is not None:
        wanted = wanted.where(MessageRow.recipient_index == recipient_index(recipient))
    return _messages(wanted)


def message(message_id: UUID) -> Message:
    """Raises MessageNotFound."""
    return _one(select(*_LISTED).where(MessageRow.id == message_id))


def message_about(kind: MessageKind, subject_key: str) -> Message | None:
    """The one message of this kind about this subject, if it was ever queued."""
    found = messages_about(kind, (subject_key,))
    return found[0] if found else None


def messages_about(kind: MessageKind, subject_keys: Sequence[str]) -> tuple[Message, ...]:
    """The messages of one kind about any of the subjects, in order of their subjects."""
    wanted = (
        select(*_LISTED)
        .where(MessageRow.kind == kind, MessageRow.subject_key.in_(subject_keys))
        .order_by(MessageRow.subject_key)
    )
    return _messages(wanted)


def recipient_index(address: str) -> str:
    """The blind index by which the messages to an address are found."""
    return vault.index("correspondence.recipient", address.strip().lower())


def messages_for(
    address: str, application_ids: Collection[UUID], since: datetime
) -> tuple[tuple[Message, MessageParts | None], ...]:
    """What one person was sent, oldest first, with the words where they are kept: everything about these applications,
    and what went to the address since an instant without concerning any application. Before it, the address may have
    been another's.
    """
    own = or_(
        MessageRow.application_id.in_(application_ids),
        and_(
            MessageRow.application_id.is_(None),
            MessageRow.recipient_index == recipient_index(address),
            MessageRow.queued_at >= since,
        ),
    )
    wanted = select(*_LISTED, MessageRow.eml_sealed).where(own).order_by(MessageRow.queued_at, MessageRow.id)
    rows = db.session.execute(wanted).all()
    vault.unlock(row.sealed_for for row in rows)
    emls = (MessageRow.eml.opened(row.id, row.sealed_for, row.eml_sealed) for row in rows)
    return tuple((_message(row), take_apart(eml) if eml else None) for row, eml in zip(rows, emls, strict=True))


def message_eml(message_id: UUID) -> bytes:
    """The exact bytes that were or will be sent (RFC 5322). Raises MessageNotFound where they are not kept."""
    wanted = select(MessageRow.sealed_for, MessageRow.eml_sealed).where(MessageRow.id == message_id)
    row = db.session.execute(wanted).one_or_none()
    eml = row and MessageRow.eml.opened(message_id, row.sealed_for, row.eml_sealed)
    if eml is None:
        raise MessageNotFound
    return eml


def emls_of_application(application_id: UUID) -> dict[str, bytes]:
    """SHA-256 (hex) -> the exact bytes of each mail about an application whose words are kept."""
    columns = MessageRow.id, MessageRow.sealed_for, MessageRow.eml_sealed, MessageRow.eml_sha256
    kept = MessageRow.application_id == application_id, MessageRow.eml_sealed.is_not(None)
    rows = db.session.execute(select(*columns).where(*kept).order_by(MessageRow.queued_at, MessageRow.id)).all()
    emls = ((row.eml_sha256, MessageRow.eml.opened(row.id, row.sealed_for, row.eml_sealed)) for row in rows)
    return {sha256: eml for sha256, eml in emls if eml is not None}


def message_parts(message_id: UUID) -> MessageParts:
    """The message as a reader sees it. Its HTML is shown in a sandbox only."""
    return take_apart(message_eml(message_id))


def _one(wanted: Select[Any]) -> Message:
    found = _messages(wanted)
    if not found:
        raise MessageNotFound
    return found[0]


def _messages(wanted: Select[Any]) -> tuple[Message, ...]:
    rows = db.session.execute(wanted).all()
    vault.unlock(row.sealed_for for row in rows)
    return tuple(_message(row) for row in rows)


def _message(row: Row[Any]) -> Message:
    return Message(
        id=row.id,
        kind=MessageKind(row.kind),
        subject_key=row.subject_key,
        recipient=MessageRow.recipient.opened(row.id, row.sealed_for, row.recipient_sealed),
        locale=row.locale,
        subject=MessageRow.subject.opened(row.id, row.sealed_for, row.subject_sealed),
        state=MessageState(row.state),
        attachments=tuple(Attachment(**attachment) for attachment in row.attachments),
        queued_at=row.queued_at,
        sent_at=row.sent_at,
        attempts=row.attempts,
        readable=row.readable,
    )
