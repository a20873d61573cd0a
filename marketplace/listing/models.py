"""Tables of listing: uploads with what was found, drafts as they were read, each step with who took it; rate cards."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, SmallInteger, String, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db

_OPEN = "state IN ('received', 'draft', 'submitted', 'approved')"
_STATES = "state IN ('received', 'refused', 'draft', 'submitted', 'approved', 'published', 'rejected', 'withdrawn')"


class UploadRow(Base):
    """`sha256` names the container in the store of files; the same one is on its road once for each insurer.

    That whoever approves is neither who uploaded nor who submitted is held here as well.
    """

    __tablename__ = "listing_upload"
    __table_args__ = (
        Index("ix_listing_upload_open", "insurer_id", "sha256", unique=True, postgresql_where=text(_OPEN)),
        CheckConstraint(_STATES, name="state"),
        CheckConstraint(
            "approved_by IS NULL OR coalesce(approved_by <> submitted_by AND approved_by <> received_by, false)",
            name="second_person",
        ),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published_has_instant"),
        Index("ix_listing_upload_received", "insurer_id", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    sha256: Mapped[str] = mapped_column(CHAR(64))
    state: Mapped[str] = mapped_column(String(20))
    file_name: Mapped[str] = mapped_column(String(200), server_default="")
    label: Mapped[str] = mapped_column(String(200))
    products: Mapped[list[Any]]
    findings: Mapped[list[Any]]
    received_at: Mapped[datetime]
    received_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    submitted_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    published_at: Mapped[datetime | None]
    published_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    version_ids: Mapped[list[Any]]


class DraftRow(Base):
    """A product as it was read from the upload: this is what reviewers see and what is published."""

    __tablename__ = "listing_draft"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("listing_upload.id"), primary_key=True)
    place: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    content: Mapped[dict[str, Any]]
    tariff: Mapped[dict[str, Any]]
    effective_from: Mapped[date]
    effective_to: Mapped[date | None]
    difference: Mapped[dict[str, Any]]
    impact: Mapped[dict[str, Any]]


class EventRow(Base):
    """The `number`-th step of the road; added, never changed. `actor` is a role or a part of the system."""

    __tablename__ = "listing_event"

    upload_id: Mapped[UUID] = mapped_column(ForeignKey("listing_upload.id"), primary_key=True)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    event: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(2000))
    at: Mapped[datetime]
    business_at: Mapped[datetime]
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    actor: Mapped[str] = mapped_column(String(40))


def locked_upload(upload_id: UUID) -> UploadRow | None:
    """The upload, locked until the end of the transaction: one step after the other."""
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
