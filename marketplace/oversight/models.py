"""The read model of the sales log. Nothing rests on it: it can be emptied and built again."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, SmallInteger, String, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedJson


class SaleRow(Base):
    __tablename__ = "oversight_sale"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    line: Mapped[str] = mapped_column(String(24))
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"), index=True)
    journey_reference: Mapped[str] = mapped_column(String(16), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    application_id: Mapped[UUID | None] = mapped_column(ForeignKey("application_application.id"), unique=True)
    application_reference: Mapped[str | None] = mapped_column(String(16), index=True)
    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("checkout_order.id"))
    order_reference: Mapped[str | None] = mapped_column(String(32), index=True)
    policy_id: Mapped[UUID | None] = mapped_column(ForeignKey("policy_policy.id"))
    policy_number: Mapped[str | None] = mapped_column(String(64))
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_insurer.id"))
    product_version_id: Mapped[UUID | None]
    product_name: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    premium_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    customer_sealed: Mapped[bytes | None] = mapped_column("customer")
    started_at: Mapped[datetime]
    concluded_at: Mapped[datetime | None]
    last_at: Mapped[datetime]
    trail_wanted: Mapped[int | None] = mapped_column(SmallInteger)
    trail_gaps: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))

    customer = SealedJson[str | None]("customer_sealed", subject="application_id", missing=lambda: None)

    __table_args__ = (
        Index("ix_oversight_sale_started_at", "started_at", "id"),
        Index("ix_oversight_sale_insurer", "insurer_id", "started_at"),
        Index("ix_oversight_sale_state", "state", "started_at"),
        Index(
            "ix_oversight_sale_policy_number",
            "policy_number",
            postgresql_ops={"policy_number": "varchar_pattern_ops"},
        ),
        Index("ix_oversight_sale_gaps", "id", postgresql_where=text("trail_gaps <> '[]'::jsonb")),
        # A journey that only compared has one row until it becomes an application.
        Index(
            "uq_oversight_sale_compared",
            "journey_id",
            unique=True,
            postgresql_where=text("application_id IS NULL"),
        ),
    )


def lock_journey(journey_id: UUID) -> None:
    """One refresh of a journey at a time: whoever reads second also writes second, so what was read before the lock is
    read again.
    """
    key = func.hashtextextended(f"oversight:{journey_id}", 0)
    db.session.execute(select(func.pg_advisory_xact_lock(key)))
    db.session.expire_all()


def lock_log() -> None:
    """Keep every other writer out until this transaction ends; readers go on."""
    db.session.execute(text("LOCK TABLE oversight_sale IN SHARE ROW EXCLUSIVE MODE"))
