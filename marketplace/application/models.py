"""Tables of applications. Confirmations are added, never changed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CHAR,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.application.values import ApplicationNotFound
from marketplace.infra.db import Base, db
from marketplace.infra.sealed import SealedJson

UNPAID = "('started', 'accepted', 'countered')"


class ApplicationRow(Base):
    """`expires_at` is the offer's. `persons` and `answers` are what was last given; the trail holds every change.

    The application is its own subject: its key also seals what follows from it (contract, messages, payments).
    """

    __tablename__ = "application_application"
    __table_args__ = (
        UniqueConstraint("journey_id", "offer_id"),
        CheckConstraint(
            "state IN ('started', 'submitted', 'accepted', 'referred', 'countered', 'declined', 'postponed', "
            "'refused', 'lapsed', 'contracted')",
            name="state",
        ),
        CheckConstraint("account_id IS NULL OR email IS NOT NULL OR erased_at IS NOT NULL", name="proven_address"),
        CheckConstraint("state IN ('started', 'lapsed') OR submitted_at IS NOT NULL", name="submitted"),
        CheckConstraint("(basket_id IS NULL) = (basket_line IS NULL)", name="basket"),
        ForeignKeyConstraint(
            ["basket_id", "basket_line"],
            ["needs_basket_line.basket_id", "needs_basket_line.number"],
            name="fk_application_application_basket_line",
        ),
        Index(
            "uq_application_application_basket_line",
            "basket_id",
            "basket_line",
            unique=True,
            postgresql_where=text("basket_id IS NOT NULL"),
        ),
        Index("ix_application_application_account_id", "account_id", "created_at"),
        Index("ix_application_application_offer_id", "offer_id"),
        Index("ix_application_application_expires_at", "expires_at", postgresql_where=text(f"state IN {UNPAID}")),
        Index(
            "ix_application_application_referred",
            "insurer_id",
            "submitted_at",
            postgresql_where=text("state = 'referred'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    journey_id: Mapped[UUID] = mapped_column(ForeignKey("traceability_journey.id"))
    account_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    email_sealed: Mapped[bytes | None] = mapped_column("email")
    offer_id: Mapped[UUID] = mapped_column(ForeignKey("quoting_offer.id"))
    need_id: Mapped[UUID] = mapped_column(ForeignKey("quoting_need.id"))
    insurer_id: Mapped[UUID]
    product_version_id: Mapped[UUID]
    locale: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    persons_sealed: Mapped[bytes | None] = mapped_column("persons")
    answers_sealed: Mapped[bytes | None] = mapped_column("answers")
    circumstances_sealed: Mapped[bytes | None] = mapped_column("circumstances")
    statement_sealed: Mapped[bytes | None] = mapped_column("statement")
    created_at: Mapped[datetime]
    business_created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    basket_id: Mapped[UUID | None]
    basket_line: Mapped[int | None] = mapped_column(SmallInteger)

    email = SealedJson[str | None]("email_sealed", missing=lambda: None)
    persons = SealedJson[dict[str, Any] | None]("persons_sealed", missing=lambda: None)
    answers = SealedJson[dict[str, Any]]("answers_sealed", missing=dict)
    circumstances = SealedJson[dict[str, bool] | None]("circumstances_sealed", missing=lambda: None)
    statement = SealedJson[dict[str, Any] | None]("statement_sealed", missing=lambda: None)


class ConfirmationRow(Base):
    """`page_version_id` has no foreign key, as in the trail: that row is shared by every visitor."""

    __tablename__ = "application_confirmation"

    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("application_application.id", name="fk_application_confirmation_application"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_sha256: Mapped[str] = mapped_column(CHAR(64), primary_key=True)
    page_version_id: Mapped[str] = mapped_column(CHAR(64))
    confirmed_at: Mapped[datetime]


class IdentityCheckRow(Base):
    """An attempt to prove who the applicant or the insured is; added, and emptied when the application is erased.
    `shown` is the document with its number, and whom it was to prove; `follows_id` the check in another application of
    the same basket that counts here too.
    """

    __tablename__ = "application_identity_check"
    __table_args__ = (
        CheckConstraint("outcome IN ('verified', 'refused')", name="outcome"),
        CheckConstraint("whose IN ('applicant', 'insured')", name="whose"),
        CheckConstraint("(outcome = 'refused') = (flaw IS NOT NULL)", name="refused_with_flaw"),
        Index("ix_application_identity_check_application_id", "application_id", "checked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("application_application.id", name="fk_application_identity_check_application")
    )
    whose: Mapped[str] = mapped_column(String(16), server_default="applicant")
    method: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str] = mapped_column(String(255))
    outcome: Mapped[str] = mapped_column(String(16))
    flaw: Mapped[str | None] = mapped_column(String(32))
    shown_sealed: Mapped[bytes | None] = mapped_column("shown")
    checked_at: Mapped[datetime]
    follows_id: Mapped[UUID | None]

    shown = SealedJson[dict[str, Any] | None]("shown_sealed", subject="application_id", missing=lambda: None)


class IdentitySessionRow(Base):
    """A check that is made on a page of the verifier's own: ours first, its name there (`reference`) once it answered.

    `person` is whom it is to prove, as they were told when it was begun; `seen` names what of its outcomes was kept
    last, so that nothing is kept twice; at `look_at` it is asked after, if nobody did before.
    """

    __tablename__ = "application_identity_session"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'processing', 'verified', 'ended')", name="state"),
        CheckConstraint("(state IN ('verified', 'ended')) = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("whose IN ('applicant', 'insured')", name="whose"),
        UniqueConstraint("reference"),
        Index("ix_application_identity_session_application_id", "application_id", "opened_at"),
        Index("ix_application_identity_session_look_at", "look_at", postgresql_where=text("closed_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("application_application.id", name="fk_application_identity_session_application")
    )
    whose: Mapped[str] = mapped_column(String(16))
    method: Mapped[str] = mapped_column(String(16))
    reference: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(16))
    person_sealed: Mapped[bytes | None] = mapped_column("person")
    seen: Mapped[str | None] = mapped_column(String(255))
    page_version_id: Mapped[str] = mapped_column(CHAR(64))
    opened_at: Mapped[datetime]
    look_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    person = SealedJson[dict[str, Any] | None]("person_sealed", subject="application_id", missing=lambda: None)


class InsuredConsentRow(Base):
    """A question to the insured. `subject_sha256` is what would be agreed to; the link's token is kept as its HMAC."""

    __tablename__ = "application_insured_consent"
    __table_args__ = (
        CheckConstraint("state IN ('asked', 'given', 'refused')", name="state"),
        CheckConstraint("(state = 'asked') = (answered_at IS NULL)", name="answered"),
        UniqueConstraint("token_hash"),
        Index("ix_application_insured_consent_application_id", "application_id", "asked_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    application_id: Mapped[UUID] = mapped_column(
        ForeignKey("application_application.id", name="fk_application_insured_consent_application")
    )
    state: Mapped[str] = mapped_column(String(16))
    subject_sha256: Mapped[str] = mapped_column(CHAR(64))
    token_hash: Mapped[str] = mapped_column(CHAR(64))
    email_sealed: Mapped[bytes | None] = mapped_column("email")
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    email = SealedJson[str | None]("email_sealed", subject="application_id", missing=lambda: None)


def locked(application_id: UUID) -> ApplicationRow:
    """The row, held until the end of the transaction: two tabs and double clicks wait for one another here."""
    row = db.session.scalars(
        select(ApplicationRow)
        .where(ApplicationRow.id == application_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise ApplicationNotFound
    return row
