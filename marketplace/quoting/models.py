"""Tables of quoting. A need and the price of an offer never change; an offer can only be voided.

The rating factors of a need are taken out once what they were told for is erased: by the function `quoting_erase_need`
(migration 0024), which asks for the proof of that erasure first.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base


class NeedRow(Base):
    """`erased_at`: of an erased need are kept its number, line, times and how many products were compared."""

    __tablename__ = "quoting_need"
    __table_args__ = (CheckConstraint("start_on IS NOT NULL OR erased_at IS NOT NULL", name="start_or_erased"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    line: Mapped[str] = mapped_column(String(24))
    risk: Mapped[dict[str, Any]]
    assumed: Mapped[list[Any]]
    stated: Mapped[list[Any]]
    start_on: Mapped[date | None]
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"), index=True)
    follows_id: Mapped[UUID | None] = mapped_column(ForeignKey("quoting_need.id"))
    ranking_rule: Mapped[str] = mapped_column(String(24))
    panel: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    business_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class OfferRow(Base):
    """`terms` are those that a decision of underwriting changed, of an offer that took the place of another."""

    __tablename__ = "quoting_offer"
    __table_args__ = (
        UniqueConstraint("need_id", "place"),
        CheckConstraint("premium_minor >= 0 AND payments > 0", name="price"),
        CheckConstraint("total_minor = premium_minor * payments", name="total"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    need_id: Mapped[UUID] = mapped_column(ForeignKey("quoting_need.id"))
    place: Mapped[int] = mapped_column(SmallInteger)
    product_version_id: Mapped[UUID] = mapped_column(ForeignKey("catalog_product_version.id"), index=True)
    insurer_id: Mapped[UUID]
    premium_minor: Mapped[int] = mapped_column(BigInteger)
    payments: Mapped[int] = mapped_column(SmallInteger)
    total_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(CHAR(3))
    breakdown: Mapped[dict[str, Any]]
    fits: Mapped[dict[str, Any]]
    tariff_root: Mapped[str] = mapped_column(CHAR(64))
    content_sha256: Mapped[str] = mapped_column(CHAR(64))
    expires_at: Mapped[datetime]
    voided_at: Mapped[datetime | None]
    terms: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
