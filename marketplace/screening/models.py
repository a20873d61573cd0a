"""Tables of screening. Traces hold indexes and no person; a case is its own subject: its key seals facts, reasons."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedJson
from marketplace.screening.values import CaseNotFound


class TraceRow(Base):
    """What happened once; `cause_id` is the application, payment or refund. Taken out with the application."""

    __tablename__ = "screening_trace"
    __table_args__ = (
        CheckConstraint("kind IN ('applied', 'paid', 'refunded')", name="kind"),
        UniqueConstraint("kind", "cause_id", "application_id"),
        Index("ix_screening_trace_person", "person", "at"),
        Index("ix_screening_trace_insured", "insured", "at"),
        Index("ix_screening_trace_instrument", "instrument", "at", postgresql_where=text("instrument IS NOT NULL")),
        Index("ix_screening_trace_application_id", "application_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    cause_id: Mapped[UUID]
    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("application_application.id", name="fk_screening_trace_application")
    )
    insurer_id: Mapped[UUID]
    person: Mapped[str] = mapped_column(CHAR(64))
    insured: Mapped[str] = mapped_column(CHAR(64))
    instrument: Mapped[str | None] = mapped_column(CHAR(64))
    payer_fits: Mapped[bool | None] = mapped_column(Boolean)
    currency: Mapped[str] = mapped_column(String(3))
    death_minor: Mapped[int] = mapped_column(BigInteger)
    premium_minor: Mapped[int] = mapped_column(BigInteger)
    sum_minor: Mapped[int] = mapped_column(BigInteger)
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime]


class CaseRow(Base):
    """`subject` is whom or what it is about, as an index or an id; `facts_sha256` of rule, subject and applications."""

    __tablename__ = "screening_case"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'proposed', 'closed')", name="state"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(state = 'open') = (decision IS NULL)", name="decided"),
        CheckConstraint("decision IN ('cleared', 'reported', 'refused')", name="decision"),
        UniqueConstraint("reference"),
        Index("uq_screening_case_open", "rule", "subject", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_screening_case_opened_at", "opened_at"),
        Index("ix_screening_case_due_at", "due_at", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16))
    rule: Mapped[str] = mapped_column(String(32))
    rule_version: Mapped[int]
    subject: Mapped[str] = mapped_column(String(64))
    holds: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(16))
    decision: Mapped[str | None] = mapped_column(String(16))
    opened_at: Mapped[datetime]
    due_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class CaseFactRow(Base):
    """Facts that came to a case together; the same ones come to one case once."""

    __tablename__ = "screening_fact"
    __table_args__ = (UniqueConstraint("rule", "facts_sha256"), Index("ix_screening_fact_case_id", "case_id"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("screening_case.id"))
    rule: Mapped[str] = mapped_column(String(32))
    facts_sha256: Mapped[str] = mapped_column(CHAR(64))
    facts_sealed: Mapped[bytes | None] = mapped_column("facts")
    found_at: Mapped[datetime]

    facts = SealedJson[list[dict[str, Any]]]("facts_sealed", subject="case_id", missing=list)


class CaseEventRow(Base):
    """Who looked at a case and who decided what, and why; added, never changed."""

    __tablename__ = "screening_event"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('opened', 'added', 'looked', 'proposed', 'agreed', 'disagreed', 'decided')", name="kind"
        ),
        Index("ix_screening_event_case_id", "case_id", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    case_id: Mapped[UUID] = mapped_column(ForeignKey("screening_case.id"))
    kind: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    decision: Mapped[str | None] = mapped_column(String(16))
    reason_sealed: Mapped[bytes | None] = mapped_column("reason")
    at: Mapped[datetime]

    reason = SealedJson[str | None]("reason_sealed", subject="case_id", missing=lambda: None)


def locked_case(case_id: UUID) -> CaseRow:
    """The case, decided on by one person at a time. Raises CaseNotFound."""
    row = db.session.scalars(
        select(CaseRow).where(CaseRow.id == case_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise CaseNotFound
    return row
