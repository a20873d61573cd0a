"""Tables of privacy. What a person wrote, and what we answered, is sealed under the person's own key."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedBytes, SealedJson
from marketplace.privacy.values import ExportNotFound, ExportState, HoldNotFound, RequestNotFound


class ExportRow(Base):
    """A copy of somebody's data. `content` is the sealed ZIP while it can be fetched; NULL before and after."""

    __tablename__ = "privacy_export"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'ready', 'expired', 'failed')", name="state"),
        CheckConstraint("(state = 'ready') = (content IS NOT NULL)", name="ready_has_content"),
        Index("uq_privacy_export_asked", "account_id", unique=True, postgresql_where=text("state = 'asked'")),
        Index("ix_privacy_export_account", "account_id", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    state: Mapped[str] = mapped_column(String(16))
    asked_at: Mapped[datetime]
    ready_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(CHAR(64))
    content_sealed: Mapped[bytes | None] = mapped_column("content", deferred=True)
    content = SealedBytes[bytes | None]("content_sealed", subject="account_id")


class RequestRow(Base):
    """Something a person asked of us about their data that another person must decide."""

    __tablename__ = "privacy_request"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('access', 'correction', 'restriction', 'objection', 'erasure', 'withdrawal')", name="kind"
        ),
        CheckConstraint("(answered_at IS NULL) = (answer IS NULL)", name="answered_with_words"),
        CheckConstraint("(answered_at IS NULL) = (answered_by IS NULL)", name="answered_by_somebody"),
        CheckConstraint("(answered_at IS NULL) = (outcome IS NULL)", name="answered_with_outcome"),
        Index("ix_privacy_request_open", "due_on", postgresql_where=text("answered_at IS NULL")),
        Index("ix_privacy_request_account", "account_id", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    kind: Mapped[str] = mapped_column(String(16))
    words_sealed: Mapped[bytes] = mapped_column("words")
    words = SealedJson[str]("words_sealed", subject="account_id")
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    outcome: Mapped[str | None] = mapped_column(String(16))
    answer_sealed: Mapped[bytes | None] = mapped_column("answer")
    answer = SealedJson[str | None]("answer_sealed", subject="account_id")
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))


class RestrictionRow(Base):
    """A contract whose customer has left: kept because it must be, open to those who answer for the keeping only."""

    __tablename__ = "privacy_restriction"

    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy_policy.id"), primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application_application.id"), unique=True)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"), index=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"), index=True)
    reason: Mapped[str] = mapped_column(String(16))
    covered_until: Mapped[date]
    kept_until: Mapped[date]
    restricted_at: Mapped[datetime]


class ErasureRow(Base):
    """That something was erased, when and why. Never changed, never deleted, and it names no person."""

    __tablename__ = "privacy_erasure"
    __table_args__ = (
        UniqueConstraint("subject", "subject_id", name="uq_privacy_erasure_subject"),
        CheckConstraint("subject IN ('account', 'application', 'journey')", name="subject"),
        CheckConstraint("reason IN ('retention', 'closing', 'withdrawal')", name="reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[UUID]
    reason: Mapped[str] = mapped_column(String(16))
    erased_at: Mapped[datetime]


class HoldRow(Base):
    """A dispute about a contract (T26-45). Closed once, never changed or taken out; its words are sealed with the
    contract's and go with them.
    """

    __tablename__ = "privacy_hold"
    __table_args__ = (
        CheckConstraint("kind IN ('complaint', 'lawsuit')", name="kind"),
        CheckConstraint(
            "(closed_at IS NULL) = (closed_on IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL) "
            "AND (closed_at IS NULL) = (outcome IS NULL)",
            name="closed_whole",
        ),
        Index("ix_privacy_hold_policy_id", "policy_id", "opened_at"),
        Index("ix_privacy_hold_open", "policy_id", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy_policy.id"))
    sealed_for: Mapped[UUID]
    kind: Mapped[str] = mapped_column(String(16))
    reference_sealed: Mapped[bytes] = mapped_column("reference")
    reason_sealed: Mapped[bytes] = mapped_column("reason")
    opened_at: Mapped[datetime]
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    closed_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    outcome_sealed: Mapped[bytes | None] = mapped_column("outcome")

    reference = SealedJson[str]("reference_sealed", subject="sealed_for", missing=str)
    reason = SealedJson[str]("reason_sealed", subject="sealed_for", missing=str)
    outcome = SealedJson[str | None]("outcome_sealed", subject="sealed_for", missing=lambda: None)


class NoticeRow(Base):
    """That the desk was told, on which day, that nothing asks any more to keep a contract which was kept until then. A
    dispute moves that day, and what was told before counts no more.
    """

    __tablename__ = "privacy_notice"

    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policy_policy.id"), primary_key=True)
    kept_until: Mapped[date] = mapped_column(primary_key=True)
    given_on: Mapped[date]


class RunRow(Base):
    """One run of the daily forgetting and what it found, also when it found nothing or did not come to its end."""

    __tablename__ = "privacy_run"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime] = mapped_column(index=True)
    business_at: Mapped[datetime]
    counts: Mapped[dict[str, Any]]


def locked_export(export_id: UUID) -> ExportRow:
    """The export, held until the end of the transaction. Raises ExportNotFound."""
    row = db.session.get(ExportRow, export_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise ExportNotFound
    return row


def locked_asked_export(account_id: UUID) -> ExportRow | None:
    """The copy that the person waits for, held until the end of the transaction: whoever makes it has ended by then."""
    return db.session.scalars(
        select(ExportRow)
        .where(ExportRow.account_id == account_id, ExportRow.state == ExportState.ASKED.value)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def locked_hold(hold_id: UUID) -> HoldRow:
    """The dispute, held until the end of the transaction. Raises HoldNotFound."""
    row = db.session.get(HoldRow, hold_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise HoldNotFound
    return row


def locked_request(request_id: UUID) -> RequestRow:
    """The request, held until the end of the transaction. Raises RequestNotFound."""
    row = db.session.scalars(
        select(RequestRow)
        .where(RequestRow.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise RequestNotFound
    return row
