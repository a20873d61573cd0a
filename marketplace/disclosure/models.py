"""Tables of wordings, announcements and reports. The site changes no word of the first two: an announcement is released
or dropped once and stays as it was written.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedJson


class WordingRow(Base):
    __tablename__ = "disclosure_wording"
    __table_args__ = (
        UniqueConstraint("key", "locale", "version", name="uq_disclosure_wording_version"),
        CheckConstraint("version > 0", name="version_from_one"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    locale: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(CHAR(64))
    published_at: Mapped[datetime]


class AnnouncementRow(Base):
    """What staff announce. `business_released_at` is by the clock of contracts, as `starts_at` and `ends_at` are;
    `entry_id` is the entry of the log that says it was released.
    """

    __tablename__ = "disclosure_announcement"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('closing', 'interruption', 'scope', 'sale', 'terms', 'cooperation', 'other', 'revocation')",
            name="kind",
        ),
        CheckConstraint(
            "(released_at IS NULL) = (released_by IS NULL) AND (released_at IS NULL) = (business_released_at IS NULL) "
            "AND (released_at IS NULL) = (entry_id IS NULL) AND (released_at IS NULL OR starts_at IS NOT NULL)",
            name="released_whole",
        ),
        CheckConstraint("released_by IS NULL OR released_by <> drafted_by", name="released_by_two"),
        CheckConstraint("released_at IS NULL OR dropped_at IS NULL", name="released_or_dropped"),
        CheckConstraint("(dropped_at IS NULL) = (dropped_by IS NULL)", name="dropped_by_somebody"),
        CheckConstraint("ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at", name="ends_after_it_begins"),
        CheckConstraint(
            "released_at IS NULL OR kind = 'interruption' OR starts_at >= business_released_at", name="not_backdated"
        ),
        CheckConstraint("(kind = 'revocation') = (revokes_id IS NOT NULL)", name="revokes_something"),
        CheckConstraint("kind NOT IN ('closing', 'interruption') OR handling IS NOT NULL", name="handled"),
        CheckConstraint("kind <> 'cooperation' OR insurer_id IS NOT NULL", name="cooperation_with_somebody"),
        Index(
            "uq_disclosure_announcement_revokes_id",
            "revokes_id",
            unique=True,
            postgresql_where=text("released_at IS NOT NULL"),
        ),
        Index("ix_disclosure_announcement_released_at", "released_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_insurer.id"))
    title: Mapped[dict[str, Any]]
    text: Mapped[dict[str, Any]]
    handling: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    revokes_id: Mapped[UUID | None] = mapped_column(ForeignKey("disclosure_announcement.id"))
    sha256: Mapped[str] = mapped_column(CHAR(64))
    drafted_at: Mapped[datetime]
    drafted_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    released_at: Mapped[datetime | None]
    released_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    business_released_at: Mapped[datetime | None]
    entry_id: Mapped[UUID | None]
    dropped_at: Mapped[datetime | None]
    dropped_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))


class SiteReportRow(Base):
    """A report of a false site or material. What somebody told and where they are reached are sealed with a key of
    their own, and go with it a year after the answer.
    """

    __tablename__ = "disclosure_site_report"
    __table_args__ = (
        CheckConstraint("outcome IN ('false', 'ours', 'unclear')", name="outcome"),
        CheckConstraint(
            "(answered_at IS NULL) = (outcome IS NULL) AND (answered_at IS NULL) = (answered_by IS NULL) "
            "AND (answered_at IS NULL) = (answer IS NULL)",
            name="answered_whole",
        ),
        Index("ix_disclosure_site_report_received_at", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    place_sealed: Mapped[bytes | None] = mapped_column("place")
    words_sealed: Mapped[bytes | None] = mapped_column("words")
    email_sealed: Mapped[bytes | None] = mapped_column("email")
    locale: Mapped[str] = mapped_column(String(16))
    received_at: Mapped[datetime]
    outcome: Mapped[str | None] = mapped_column(String(16))
    answer: Mapped[str | None] = mapped_column(String(2000))
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    forgotten_at: Mapped[datetime | None]

    place = SealedJson[str]("place_sealed", missing=str)
    words = SealedJson[str]("words_sealed", missing=str)
    email = SealedJson[str]("email_sealed", missing=str)


def locked_report(report_id: UUID) -> SiteReportRow | None:
    """The report, locked until the end of the transaction."""
    return db.session.get(SiteReportRow, report_id, with_for_update=True, populate_existing=True)


def locked_announcement(announcement_id: UUID) -> AnnouncementRow | None:
    """The announcement, locked until the end of the transaction."""
    return db.session.get(AnnouncementRow, announcement_id, with_for_update=True, populate_existing=True)
