"""The read model of the sales log, on which nothing rests: it can be emptied and built again. Evidence that was asked
for, and the pictures of pages, which are made once.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedBytes, SealedJson

SHA256_HEX = 64


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


class BundleRow(Base):
    """Evidence of a contract that somebody asked for. `content` is the sealed ZIP for a week.

    `sealed_for` is the application it is of, or the row itself where the application was erased.
    """

    __tablename__ = "oversight_bundle"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application_application.id"))
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    actor_role: Mapped[str] = mapped_column(String(16))
    actor_label: Mapped[str] = mapped_column(String(80))
    sealed_for: Mapped[UUID]
    reason_sealed: Mapped[bytes | None] = mapped_column("reason")
    locale: Mapped[str] = mapped_column(String(16))
    asked_at: Mapped[datetime]
    made_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    failure: Mapped[str | None] = mapped_column(String(80))
    core_sha256: Mapped[str | None] = mapped_column(CHAR(SHA256_HEX))
    sha256: Mapped[str | None] = mapped_column(CHAR(SHA256_HEX))
    size: Mapped[int | None] = mapped_column(BigInteger)
    verified: Mapped[bool | None]
    findings: Mapped[list[Any]]
    content_sealed: Mapped[bytes | None] = mapped_column("content", deferred=True)

    reason = SealedJson[str]("reason_sealed", subject="sealed_for", missing=str)
    content = SealedBytes[bytes | None]("content_sealed", subject="sealed_for")

    __table_args__ = (
        CheckConstraint("state IN ('asked', 'ready', 'refused', 'dropped')", name="state"),
        CheckConstraint("(state = 'ready') = (content IS NOT NULL)", name="ready_has_content"),
        CheckConstraint("(state = 'refused') = (failure IS NOT NULL)", name="refused_with_its_cause"),
        Index("ix_oversight_bundle_application", "application_id", "asked_at"),
        Index("ix_oversight_bundle_account", "account_id", "asked_at"),
        Index("ix_oversight_bundle_expires", "expires_at", postgresql_where=text("state = 'ready'")),
    )


class PictureRow(Base):
    """A picture (`png`) or paper (`pdf`) of a page of the trail; its bytes lie sealed in the store. Made once."""

    __tablename__ = "oversight_picture"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application_application.id"))
    log_index: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(8))
    sha256: Mapped[str] = mapped_column(CHAR(SHA256_HEX))
    browser: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("kind IN ('png', 'pdf')", name="kind"),
        UniqueConstraint("application_id", "log_index", "kind"),
    )


class SampleRow(Base):
    """Contracts drawn by lot to be checked; what a person says of the report is written once."""

    __tablename__ = "oversight_sample"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    drawn_at: Mapped[datetime] = mapped_column(index=True)
    since: Mapped[datetime]
    seed: Mapped[str] = mapped_column(CHAR(SHA256_HEX))
    contracts: Mapped[int]
    finished_at: Mapped[datetime | None]
    read_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    read_at: Mapped[datetime | None]
    words: Mapped[str] = mapped_column(server_default=text("''"))

    __table_args__ = (
        CheckConstraint("(read_by IS NULL) = (read_at IS NULL)", name="read_whole"),
        CheckConstraint("read_at IS NULL OR finished_at IS NOT NULL", name="read_when_finished"),
    )


class SampledRow(Base):
    """A contract of a sample, and what the verifier said of its file. `failure`: why no file could be made."""

    __tablename__ = "oversight_sampled"

    sample_id: Mapped[UUID] = mapped_column(ForeignKey("oversight_sample.id"), primary_key=True)
    application_id: Mapped[UUID] = mapped_column(ForeignKey("application_application.id"), primary_key=True)
    verified: Mapped[bool | None]
    failure: Mapped[str | None] = mapped_column(String(80))
    core_sha256: Mapped[str | None] = mapped_column(CHAR(SHA256_HEX))
    checked_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("checked_at IS NULL OR (verified IS NULL) <> (failure IS NULL)", name="verified_or_failed"),
        CheckConstraint("(verified IS NULL) = (core_sha256 IS NULL)", name="verified_of_a_file"),
    )


def locked_sample(sample_id: UUID) -> SampleRow | None:
    """The row, locked until the end of the transaction and read afresh."""
    wanted = select(SampleRow).where(SampleRow.id == sample_id).with_for_update()
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()


def lock_drawing() -> None:
    """One at a time draws."""
    _one_at_a_time("oversight.samples")


def locked_bundle(bundle_id: UUID) -> BundleRow | None:
    """The row, which one at a time makes, read afresh."""
    _one_at_a_time(f"oversight.bundle:{bundle_id}")
    return db.session.get(BundleRow, bundle_id, populate_existing=True)


def locked_sampled(sample_id: UUID, application_id: UUID) -> SampledRow | None:
    """A contract of a sample, which one at a time checks, read afresh."""
    _one_at_a_time(f"oversight.sampled:{sample_id}:{application_id}")
    return db.session.get(SampledRow, (sample_id, application_id), populate_existing=True)


def lock_pictures(application_id: UUID) -> None:
    """One at a time makes the pictures of a contract."""
    _one_at_a_time(f"oversight.pictures:{application_id}")


def _one_at_a_time(what: str) -> None:
    """Until the end of the transaction, without the id that a locked row would give it: what takes a minute to make
    would keep the log waiting for so long, which takes in nothing behind a transaction that may still write.
    """
    db.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))


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
