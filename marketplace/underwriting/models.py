"""Tables of underwriting. A decision is added, never changed: a later one gets the next number."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base
from marketplace.infra.sealed import SealedJson


class DecisionRow(Base):
    """`application_id` has no foreign key: the application stands above underwriting and knows it, not the reverse."""

    __tablename__ = "underwriting_decision"
    __table_args__ = (
        UniqueConstraint("application_id", "number", name="uq_underwriting_decision_application_id"),
        CheckConstraint("outcome IN ('accept', 'load', 'exclude', 'refer', 'postpone', 'decline')", name="outcome"),
        CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    outcome: Mapped[str] = mapped_column(String(8))
    reasons_sealed: Mapped[bytes] = mapped_column("reasons")
    terms_sealed: Mapped[bytes | None] = mapped_column("terms")
    rule_sha256: Mapped[str] = mapped_column(CHAR(64))
    sha256: Mapped[str | None] = mapped_column(CHAR(64))
    decided_at: Mapped[datetime]
    business_decided_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(80))

    # They name the answers that decided, so they say as much of somebody's health as the answers do.
    reasons = SealedJson[list[Any]]("reasons_sealed", subject="application_id", missing=list)
    terms = SealedJson[dict[str, Any]]("terms_sealed", subject="application_id", missing=dict)


class InquiryRow(Base):
    """A question to the applicant. It is answered once, on the page version it was read on; one at a time is open."""

    __tablename__ = "underwriting_inquiry"
    __table_args__ = (
        UniqueConstraint("application_id", "number", name="uq_underwriting_inquiry_application_id"),
        CheckConstraint("number > 0", name="number"),
        CheckConstraint(
            "(answered_at IS NULL) = (business_answered_at IS NULL) AND (answered_at IS NULL) = (answer IS NULL)",
            name="answered_whole",
        ),
        Index(
            "uq_underwriting_inquiry_open",
            "application_id",
            unique=True,
            postgresql_where=text("answered_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    question_sealed: Mapped[bytes] = mapped_column("question")
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime]
    business_asked_at: Mapped[datetime]
    answer_sealed: Mapped[bytes | None] = mapped_column("answer")
    answered_at: Mapped[datetime | None]
    business_answered_at: Mapped[datetime | None]

    question = SealedJson[str]("question_sealed", subject="application_id", missing=str)
    answer = SealedJson[str | None]("answer_sealed", subject="application_id", missing=lambda: None)
