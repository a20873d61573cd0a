"""The table of schemes. A scheme never changes; a change makes another one that follows it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base
from marketplace.infra.keeper import KeyClass
from marketplace.infra.sealed import SealedJson


class SchemeRow(Base):
    """`plan` holds incomes and debts: it is sealed with the key of the journey, and unreadable once that is erased."""

    __tablename__ = "needs_scheme"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"), index=True)
    follows_id: Mapped[UUID | None] = mapped_column(ForeignKey("needs_scheme.id"))
    plan_sealed: Mapped[bytes] = mapped_column("plan")
    sha256: Mapped[str] = mapped_column(CHAR(64))
    made_at: Mapped[datetime]
    business_made_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    plan = SealedJson[dict[str, Any] | None](
        "plan_sealed", subject="journey_id", key_class=KeyClass.JOURNEY, missing=lambda: None
    )
