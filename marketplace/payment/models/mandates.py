"""The table of cards that customers let us keep."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, String, func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedJson
from marketplace.payment.values import MandateNotFound

_STANDING = text("state IN ('asked', 'kept')")


class MandateRow(Base):
    """A card that a customer lets us keep for one contract, by a wording that stands in the record of the sale. What is
    known of the card is sealed for the application of the contract; its number never reaches us.
    """

    __tablename__ = "payment_mandate"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    contract_id: Mapped[UUID]
    state: Mapped[str] = mapped_column(String(16))
    wording_sha256: Mapped[str] = mapped_column(CHAR(64))
    sealed_for: Mapped[UUID]
    email_sealed: Mapped[bytes] = mapped_column("email")
    card_sealed: Mapped[bytes | None] = mapped_column("card")
    locale: Mapped[str] = mapped_column(String(16))
    success_url: Mapped[str]
    cancel_url: Mapped[str]
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    application_id: Mapped[UUID]
    insurer_id: Mapped[UUID]
    customer_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    session_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    method_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    url: Mapped[str | None]
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    kept_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    detached_at: Mapped[datetime | None]

    email = SealedJson[str]("email_sealed", subject="sealed_for")
    card = SealedJson[dict[str, Any] | None]("card_sealed", subject="sealed_for", missing=lambda: None)

    __table_args__ = (
        Index("uq_payment_mandate_standing", "contract_id", unique=True, postgresql_where=_STANDING),
        CheckConstraint("state IN ('asked', 'kept', 'stopped', 'lapsed')", name="state"),
        CheckConstraint(
            "state <> 'kept' OR kept_at IS NOT NULL AND method_id IS NOT NULL AND customer_id IS NOT NULL",
            name="kept_whole",
        ),
        CheckConstraint("(state IN ('stopped', 'lapsed')) = (ended_at IS NOT NULL)", name="ended_whole"),
        Index("ix_payment_mandate_contract", "contract_id", "asked_at"),
        Index("ix_payment_mandate_asked", "asked_at", postgresql_where=text("state = 'asked'")),
    )


def locked_mandates(contract_id: UUID) -> list[MandateRow]:
    """Every card of a contract, the first asked for first, as it is now; whoever else keeps or stops one waits."""
    key = func.hashtextextended(f"mandate:{contract_id}", 0)
    db.session.execute(select(func.pg_advisory_xact_lock(key)))
    query = select(MandateRow).where(MandateRow.contract_id == contract_id).order_by(MandateRow.asked_at, MandateRow.id)
    return list(db.session.scalars(query.execution_options(populate_existing=True)))


def mandate_row(mandate_id: UUID) -> MandateRow:
    """As it is now. Raises MandateNotFound."""
    row = db.session.get(MandateRow, mandate_id, populate_existing=True)
    if row is None:
        raise MandateNotFound
    return row


def locked_mandate(mandate_id: UUID) -> MandateRow:
    """The same, and whoever else keeps or stops a card of its contract waits."""
    known = mandate_row(mandate_id)
    locked_mandates(known.contract_id)
    return known
