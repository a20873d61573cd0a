"""Tables of consultation. What was asked and answered is sealed: with the key of the application where there is one,
else with the thread's own. Messages are added, never changed.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, func, select, text
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.consultation.values import PublicAnswerNotFound, ThreadNotFound
from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedJson


class ThreadRow(Base):
    """`sealed_for` is the application or the thread itself. Instants but `created_at` are of the business clock."""

    __tablename__ = "consultation_thread"
    __table_args__ = (
        CheckConstraint("state IN ('unconfirmed', 'waiting', 'answered')", name="state"),
        CheckConstraint(
            "(state = 'unconfirmed') = (account_id IS NULL) OR erased_at IS NOT NULL", name="asked_by_somebody"
        ),
        CheckConstraint("(state = 'waiting') = (waiting_since IS NOT NULL)", name="waits_since"),
        CheckConstraint("(waiting_since IS NULL) = (due_at IS NULL)", name="waits_until"),
        CheckConstraint("(consent_sha256 IS NULL) = (consent_at IS NULL)", name="consent_to_a_text"),
        CheckConstraint("consent_withdrawn_at IS NULL OR consent_at IS NOT NULL", name="consent_before_withdrawal"),
        Index("ix_consultation_thread_insurer_id", "insurer_id", "asked_at"),
        Index("ix_consultation_thread_account_id", "account_id", "asked_at"),
        Index("ix_consultation_thread_journey_id", "journey_id"),
        Index("ix_consultation_thread_waiting", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_consultation_thread_unconfirmed", "created_at", postgresql_where=text("state = 'unconfirmed'")),
        Index(
            "uq_consultation_thread_application",
            "application_id",
            unique=True,
            postgresql_where=text("state <> 'unconfirmed'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"))
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    application_id: Mapped[UUID | None] = mapped_column(ForeignKey("application_application.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    sealed_for: Mapped[UUID]
    locale: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    consent_sha256: Mapped[str | None] = mapped_column(CHAR(64))
    consent_at: Mapped[datetime | None]
    consent_withdrawn_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]


class MessageRow(Base):
    """`insurer_id` is the thread's, whose connection sees its own. `waited_since` and `due_at` are of answers."""

    __tablename__ = "consultation_message"
    __table_args__ = (
        CheckConstraint("side IN ('customer', 'insurer')", name="side"),
        CheckConstraint("(side = 'insurer') = (practitioner_id IS NOT NULL)", name="answered_by_a_practitioner"),
        CheckConstraint("(side = 'insurer') = (waited_since IS NOT NULL)", name="answer_was_waited_for"),
        CheckConstraint("(waited_since IS NULL) = (due_at IS NULL)", name="answer_was_due"),
        UniqueConstraint("thread_id", "number"),
        Index(
            "ix_consultation_message_measured", "insurer_id", "written_at", postgresql_where=text("side = 'insurer'")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    thread_id: Mapped[UUID] = mapped_column(ForeignKey("consultation_thread.id"))
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    number: Mapped[int]
    side: Mapped[str] = mapped_column(String(16))
    sealed_for: Mapped[UUID]
    words_sealed: Mapped[bytes | None] = mapped_column("words")
    sha256: Mapped[str] = mapped_column(CHAR(64))
    page_version_id: Mapped[str | None] = mapped_column(CHAR(64))
    practitioner_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_practitioner.id"))
    written_at: Mapped[datetime]
    waited_since: Mapped[datetime | None]
    due_at: Mapped[datetime | None]

    words = SealedJson[str]("words_sealed", subject="sealed_for", missing=str)


class PublicAnswerRow(Base):
    """`said` is for everybody and holds nothing about anybody: {locale: {question, answer}}; `words` is what of it is
    searched (`infra.search`).
    """

    __tablename__ = "consultation_public_answer"
    __table_args__ = (
        CheckConstraint("state IN ('proposed', 'published', 'refused', 'withdrawn')", name="state"),
        CheckConstraint("(decided_at IS NULL) = (decided_by IS NULL)", name="decided_by_somebody"),
        CheckConstraint("state <> 'published' OR decided_at IS NOT NULL", name="published_by_somebody"),
        CheckConstraint("decided_by IS NULL OR decided_by <> written_by", name="published_by_another"),
        CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", name="refused_for_a_reason"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn_then"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawal IS NULL)", name="withdrawn_for_a_reason"),
        Index(
            "uq_consultation_public_answer_thread",
            "thread_id",
            unique=True,
            postgresql_where=text("state IN ('proposed', 'published')"),
        ),
        Index("ix_consultation_public_answer_insurer_id", "insurer_id", "written_at"),
        Index("ix_consultation_public_answer_product_id", "product_id", postgresql_where=text("state = 'published'")),
        Index("ix_consultation_public_answer_words", "words", postgresql_using="gin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    thread_id: Mapped[UUID] = mapped_column(ForeignKey("consultation_thread.id"))
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    product_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product.id"))
    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"))
    version_number: Mapped[int]
    practitioner_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_practitioner.id"))
    said: Mapped[dict[str, Any]] = mapped_column(JSONB)
    words: Mapped[str] = mapped_column(TSVECTOR, deferred=True)
    state: Mapped[str] = mapped_column(String(16))
    written_at: Mapped[datetime]
    written_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    refusal: Mapped[str | None] = mapped_column(String(1000))
    withdrawn_at: Mapped[datetime | None]
    withdrawal: Mapped[str | None] = mapped_column(String(16))


def locked_thread(thread_id: UUID) -> ThreadRow:
    """The thread, held until the end of the transaction. Raises ThreadNotFound."""
    row = db.session.get(ThreadRow, thread_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise ThreadNotFound
    return row


def hold_asker(account_id: UUID) -> None:
    """One question outside an application at a time is asked by a customer; others wait until this transaction ends."""
    key = func.hashtextextended(f"consultation:{account_id}", 0)
    db.session.execute(select(func.pg_advisory_xact_lock(key)))


def locked_answer(answer_id: UUID) -> PublicAnswerRow:
    """The public answer, held until the end of the transaction. Raises PublicAnswerNotFound."""
    row = db.session.get(PublicAnswerRow, answer_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise PublicAnswerNotFound
    return row


def messages_of(thread_id: UUID) -> list[MessageRow]:
    """What was said in a thread, in its order."""
    return list(
        db.session.scalars(select(MessageRow).where(MessageRow.thread_id == thread_id).order_by(MessageRow.number))
    )
