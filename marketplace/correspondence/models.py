"""The table of messages."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db


class MessageRow(Base):
    """`eml` holds the exact bytes of every try; it is NULL before composing and after words were forgotten."""

    __tablename__ = "correspondence_message"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    subject_key: Mapped[str] = mapped_column(String(120))
    recipient: Mapped[str] = mapped_column(String(254))
    locale: Mapped[str] = mapped_column(String(16))
    context: Mapped[dict[str, Any]]
    attachments: Mapped[list[Any]]
    journey_id: Mapped[UUID | None] = mapped_column(ForeignKey("traceability_journey.id"))
    application_id: Mapped[UUID | None]
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_insurer.id"))
    state: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str | None]
    message_id: Mapped[str] = mapped_column(String(254), unique=True)
    eml: Mapped[bytes | None] = mapped_column(deferred=True)
    eml_sha256: Mapped[str | None] = mapped_column(String(64))
    queued_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=text("0"), default=0)
    last_failure: Mapped[str | None]

    __table_args__ = (
        UniqueConstraint("kind", "subject_key"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_instant"),
        Index("ix_correspondence_message_queued_at", "queued_at"),
        Index("ix_correspondence_message_unsent", "state", postgresql_where=text("state <> 'sent'")),
    )


def locked(message_id: UUID) -> MessageRow | None:
    """The row, locked until the end of the transaction and read afresh."""
    return db.session.execute(
        select(MessageRow)
        .where(MessageRow.id == message_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
