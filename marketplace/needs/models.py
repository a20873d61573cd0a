"""Tables of needs. A scheme never changes: a change makes another one that follows it. A basket keeps its lines;
one that is taken out says since when.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint
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


class BasketRow(Base):
    """A scheme that is applied for. It holds nothing of what the household told."""

    __tablename__ = "needs_basket"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scheme_id: Mapped[UUID] = mapped_column(ForeignKey("needs_scheme.id"), unique=True)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    filled_at: Mapped[datetime]


class BasketLineRow(Base):
    """One offer of a basket, and whom it insures: their role and place in the household; neither for the home. The
    offer has no foreign key: it goes with the visit, and of what was not applied for nothing is left.
    """

    __tablename__ = "needs_basket_line"
    __table_args__ = (
        UniqueConstraint("basket_id", "offer_id", name="uq_needs_basket_line_basket_id"),
        CheckConstraint("(role IS NULL) = (member IS NULL) AND role IN ('self', 'partner', 'child')", name="whose"),
    )

    basket_id: Mapped[UUID] = mapped_column(ForeignKey("needs_basket.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    offer_id: Mapped[UUID] = mapped_column(index=True)
    role: Mapped[str | None] = mapped_column(String(8))
    member: Mapped[int | None] = mapped_column(SmallInteger)
    taken_out_at: Mapped[datetime | None]
