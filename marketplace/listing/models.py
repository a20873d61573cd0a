"""Tables of listing: every upload that came, with what was found; how an insurer's rate cards are read."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db


class UploadRow(Base):
    """`sha256` names the container in the store of files; the same one is kept once for each insurer."""

    __tablename__ = "listing_upload"
    __table_args__ = (
        UniqueConstraint("insurer_id", "sha256"),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published_has_instant"),
        Index("ix_listing_upload_received", "insurer_id", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    sha256: Mapped[str] = mapped_column(CHAR(64))
    state: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200))
    products: Mapped[list[Any]]
    findings: Mapped[list[Any]]
    received_at: Mapped[datetime]
    received_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    published_at: Mapped[datetime | None]
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    version_ids: Mapped[list[Any]]


def locked_upload(upload_id: UUID) -> UploadRow | None:
    """The upload, locked until the end of the transaction: it is published once."""
    return db.session.execute(
        select(UploadRow).where(UploadRow.id == upload_id).with_for_update().execution_options(populate_existing=True)
    ).scalar_one_or_none()


class RateCardRow(Base):
    """`grid_sha256` names the cells of the newest card in the store of files."""

    __tablename__ = "listing_rate_card"
    __table_args__ = (UniqueConstraint("insurer_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    name: Mapped[str] = mapped_column(String(80))
    line: Mapped[str] = mapped_column(String(20))
    grid_sha256: Mapped[str] = mapped_column(CHAR(64))
    plan: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
