"""The table of messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ColumnElement, ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedBytes, SealedJson


class MessageRow(Base):
    """`eml` holds the exact bytes of every try; it is NULL before composing and after words were forgotten. `sent_at`
    and `bounced_at` are of the latest time and stay when it is sent again.

    `sealed_for` is the application the message is about, or else the message itself: its key seals what a person reads.
    """

    __tablename__ = "correspondence_message"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject_key: Mapped[str] = mapped_column(String(120))
    sealed_for: Mapped[UUID]
    recipient_sealed: Mapped[bytes | None] = mapped_column("recipient")
    recipient_index: Mapped[str | None] = mapped_column(CHAR(64), index=True)
    locale: Mapped[str] = mapped_column(String(16))
    context_sealed: Mapped[bytes | None] = mapped_column("context")
    attachments: Mapped[list[Any]]
    journey_id: Mapped[UUID | None] = mapped_column(ForeignKey("traceability_journey.id"))
    application_id: Mapped[UUID | None]
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_insurer.id"))
    state: Mapped[str] = mapped_column(String(16))
    subject_sealed: Mapped[bytes | None] = mapped_column("subject")
    message_id: Mapped[str] = mapped_column(String(254), unique=True)
    eml_sealed: Mapped[bytes | None] = mapped_column("eml", deferred=True)
    eml_sha256: Mapped[str | None] = mapped_column(String(64))
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    last_failure: Mapped[str | None]
    bounced_at: Mapped[datetime | None]
    bounce_status: Mapped[str | None] = mapped_column(String(16))

    recipient = SealedJson[str]("recipient_sealed", subject="sealed_for", missing=str)
    context = SealedJson[dict[str, Any] | None]("context_sealed", subject="sealed_for", missing=dict)
    subject = SealedJson[str | None]("subject_sealed", subject="sealed_for", missing=lambda: None)
    eml = SealedBytes[bytes | None]("eml_sealed", subject="sealed_for")

    __table_args__ = (
        UniqueConstraint("kind", "subject_key"),
        CheckConstraint("state NOT IN ('sent', 'bounced') OR sent_at IS NOT NULL", name="sent_has_instant"),
        CheckConstraint(
            "(bounced_at IS NULL) = (bounce_status IS NULL) AND (state <> 'bounced' OR bounced_at IS NOT NULL)",
            name="bounced_has_instant",
        ),
        Index("ix_correspondence_message_queued_at", "queued_at"),
        Index("ix_correspondence_message_unsent", "state", postgresql_where=text("state <> 'sent'")),
    )


def locked(message_id: UUID) -> MessageRow | None:
    """The row, locked until the end of the transaction and read afresh."""
    return _locked(MessageRow.id == message_id)


def locked_by_header(message_id: str) -> MessageRow | None:
    """The same, by the Message-ID that it travels under."""
    return _locked(MessageRow.message_id == message_id)


def _locked(which: ColumnElement[bool]) -> MessageRow | None:
    return db.session.execute(
        select(MessageRow).where(which).with_for_update().execution_options(populate_existing=True)
    ).scalar_one_or_none()
