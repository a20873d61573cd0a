"""What is known of messages."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from marketplace.correspondence import rules
from marketplace.correspondence.document import take_apart
from marketplace.correspondence.models import MessageRow
from marketplace.correspondence.values import (
    Attachment,
    FoundMessages,
    Message,
    MessageFilter,
    MessageKind,
    MessageNotFound,
    MessageOutline,
    MessageParts,
    MessageState,
    TrailOf,
)
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel.addresses import masked

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
    MessageRow.last_failure,
    MessageRow.bounced_at,
    MessageRow.bounce_status,
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


def trail_of(message_id: UUID) -> TrailOf | None:
    """What the message is about; None where it is about no journey, or there is no such message."""
    columns = MessageRow.journey_id, MessageRow.application_id, MessageRow.insurer_id
    row = db.session.execute(select(*columns).where(MessageRow.id == message_id)).one_or_none()
    if row is None or row.journey_id is None:
        return None
    return TrailOf(row.journey_id, row.application_id, row.insurer_id)


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


def comes_back(address: str) -> bool:
    """Whether mail to this address came back for good, and none was sent there again since."""
    index, later = recipient_index(address), aliased(MessageRow)
    since = later.recipient_index == index, later.state == MessageState.SENT, later.sent_at > MessageRow.bounced_at
    came = (
        MessageRow.recipient_index == index,
        MessageRow.state == MessageState.BOUNCED,
        MessageRow.bounce_status.startswith("5."),
        ~exists().where(*since),
    )
    return db.session.scalar(select(MessageRow.id).where(*came).limit(1)) is not None


def state_counts(since: datetime) -> dict[MessageState, int]:
    """How many of the messages queued since then are in each state; all states are there."""
    counted = select(MessageRow.state, func.count()).where(MessageRow.queued_at >= since).group_by(MessageRow.state)
    found: dict[str, int] = dict(db.session.execute(counted).all())
    return {state: found.get(state, 0) for state in MessageState}


def outlines(wanted: MessageFilter, page: int, size: int) -> FoundMessages:
    """The messages a desk asks for, newest first, without their words."""
    which = list(_asked_for(wanted))
    total = db.session.scalar(select(func.count()).select_from(MessageRow).where(*which)) or 0
    chosen = select(*_LISTED).where(*which).order_by(MessageRow.queued_at.desc(), MessageRow.id)
    rows = db.session.execute(chosen.limit(size).offset((page - 1) * size)).all()
    vault.unlock(row.sealed_for for row in rows)
    return FoundMessages(tuple(map(_outline, rows)), page, size, total)


def _asked_for(wanted: MessageFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.troubled:
        given_up = MessageRow.state.in_([MessageState.FAILED, MessageState.BOUNCED])
        yield or_(given_up, and_(MessageRow.state == MessageState.READY, MessageRow.attempts > 0))
    if wanted.state is not None:
        yield MessageRow.state == wanted.state
    if wanted.kind is not None:
        yield MessageRow.kind == wanted.kind


def _outline(row: Row[Any]) -> MessageOutline:
    state = MessageState(row.state)
    recipient = MessageRow.recipient.opened(row.id, row.sealed_for, row.recipient_sealed)
    return MessageOutline(
        id=row.id,
        kind=MessageKind(row.kind),
        state=state,
        recipient=masked(recipient) if recipient else "",
        queued_at=row.queued_at,
        sent_at=row.sent_at,
        attempts=row.attempts,
        last_failure=row.last_failure,
        bounced_at=row.bounced_at,
        bounce_status=row.bounce_status,
        resendable=row.readable and rules.can_be_resent(state),
    )


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
        last_failure=row.last_failure,
        bounced_at=row.bounced_at,
        bounce_status=row.bounce_status,
    )
