"""Tables of underwriting. A decision is added, never changed: a later one gets the next number."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base
from marketplace.infra.sealed import SealedJson


class DecisionRow(Base):
    """`application_id` has no foreign key: the application stands above underwriting and knows it, not the reverse."""

    __tablename__ = "underwriting_decision"
    __table_args__ = (
        UniqueConstraint("application_id", "number", name="uq_underwriting_decision_application_id"),
        CheckConstraint("outcome IN ('accept', 'refer', 'decline')", name="outcome"),
        CheckConstraint("number > 0", name="number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID]
    number: Mapped[int] = mapped_column(SmallInteger)
    outcome: Mapped[str] = mapped_column(String(8))
    reasons_sealed: Mapped[bytes] = mapped_column("reasons")
    rule_sha256: Mapped[str] = mapped_column(CHAR(64))
    decided_at: Mapped[datetime]
    business_decided_at: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(String(80))

    # They name the answers that decided, so they say as much of somebody's health as the answers do.
    reasons = SealedJson[list[Any]]("reasons_sealed", subject="application_id", missing=list)
