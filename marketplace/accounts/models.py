"""Tables of accounts. No secret is readable here: passwords are argon2id, codes, links and counted subjects HMACs.

Tokens of sessions are SHA-256 (they are random). Addresses, names, what waits for a code, and the secrets of one-time
codes are sealed; an address is found by its blind index.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import CHAR, BigInteger, CheckConstraint, ForeignKey, Index, Numeric, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.infra.db import Base
from marketplace.infra.sealed import SealedJson

HMAC_HEX = 64
CHALLENGES = UUID("7b0e1d1c-2f0e-5d6b-9a54-1f6c5d1f9a10")  # whose key seals what is gone a day later anyway


class InsurerRow(Base):
    __tablename__ = "accounts_insurer"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    legal_name: Mapped[dict[str, Any]]
    short_name: Mapped[dict[str, Any]]
    licence_no: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(40))
    email: Mapped[str] = mapped_column(String(254))
    colour: Mapped[str] = mapped_column(String(7))
    mark: Mapped[str] = mapped_column(String(4))
    regions: Mapped[list[Any]]
    fictional: Mapped[bool]
    active: Mapped[bool]
    created_at: Mapped[datetime]

    # Numbers of policies are made of the code, and are looked for without their hyphens.
    __table_args__ = (Index("uq_accounts_insurer_compact_code", text("replace(code, '-', '')"), unique=True),)


class InsurerFactRow(Base):
    """What was said of an insurer on a day, by whom. Rows are only ever added; the latest of a kind is in force."""

    __tablename__ = "accounts_insurer_fact"
    __table_args__ = (
        CheckConstraint("figure IS NULL OR words IS NULL", name="figure_or_words"),
        Index("ix_accounts_insurer_fact_latest", "insurer_id", "kind", "entered_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    kind: Mapped[str] = mapped_column(String(24))
    figure: Mapped[Decimal | None] = mapped_column(Numeric(8, 3))
    words: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    source: Mapped[dict[str, Any]]
    as_of: Mapped[date]
    entered_at: Mapped[datetime]
    entered_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))


class SuspensionRow(Base):
    """Why an insurer's sales were stopped or have not begun, and which two people let them begin or go on. Where nobody
    stopped them, Stripe restricted its account.
    """

    __tablename__ = "accounts_suspension"
    __table_args__ = (
        CheckConstraint("(lifting_at IS NULL) = (lifting_by IS NULL)", name="asked_by_somebody"),
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lifted_by_somebody"),
        CheckConstraint("lifted_by IS NULL OR lifted_by <> lifting_by", name="lifted_by_two"),
        CheckConstraint("lifted_at IS NULL OR lifting_at IS NOT NULL", name="asked_before_lifted"),
        CheckConstraint("before_first_sale = (reason = '')", name="stopped_for_a_reason"),
        Index("uq_accounts_suspension_in_force", "insurer_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    before_first_sale: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(1000))
    suspended_at: Mapped[datetime]
    suspended_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    lifting_reason: Mapped[str | None] = mapped_column(String(1000))
    lifting_at: Mapped[datetime | None]
    lifting_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))


class CommissionTermRow(Base):
    """What the marketplace is paid for a line from a day on; in force once accepted, until later ones are."""

    __tablename__ = "accounts_commission_term"
    __table_args__ = (
        CheckConstraint("basis_points BETWEEN 0 AND 10000", name="share_of_the_premium"),
        CheckConstraint("(accepted_at IS NULL) = (accepted_by IS NULL)", name="accepted_by_somebody"),
        UniqueConstraint("insurer_id", "line", "effective_from"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    line: Mapped[str] = mapped_column(String(24))
    basis_points: Mapped[int]
    effective_from: Mapped[date]
    set_at: Mapped[datetime]
    set_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))


class ApiKeyRow(Base):
    """A key of an insurer's machine: found by its prefix, known by the SHA-256 of its token, which is random."""

    __tablename__ = "accounts_api_key"
    __table_args__ = (CheckConstraint("expires_at <= created_at + interval '366 days'", name="ends_within_a_year"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    token_sha256: Mapped[str] = mapped_column(CHAR(HMAC_HEX))
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))


class PayeeRow(Base):
    """An insurer's account at Stripe: what the call that opens it needs, and how Stripe said it stands (`seen_at`)."""

    __tablename__ = "accounts_payee"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"), unique=True)
    name: Mapped[str]
    country: Mapped[str] = mapped_column(CHAR(2))
    account_id: Mapped[str | None] = mapped_column(String(255), unique=True)
    charges_enabled: Mapped[bool] = mapped_column(server_default=text("false"))
    payouts_enabled: Mapped[bool] = mapped_column(server_default=text("false"))
    details_submitted: Mapped[bool] = mapped_column(server_default=text("false"))
    due: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    disabled_reason: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime]
    created_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    seen_at: Mapped[datetime | None]


class InsurerApplicationRow(Base):
    """An insurer that wants to come in. `approved_by` is the first of two people, `decided_by` the last."""

    __tablename__ = "accounts_insurer_application"
    __table_args__ = (
        CheckConstraint(
            "state IN ('unconfirmed', 'waiting', 'half_approved', 'approved', 'rejected')",
            name="state",
        ),
        CheckConstraint("(state = 'approved') = (insurer_id IS NOT NULL)", name="approved_exists"),
        CheckConstraint(
            "state <> 'approved' OR (approved_by IS NOT NULL AND decided_by IS NOT NULL AND approved_by <> decided_by)",
            name="approved_by_two",
        ),
        CheckConstraint("(state = 'rejected') = (reason IS NOT NULL)", name="rejected_for_a_reason"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    state: Mapped[str] = mapped_column(String(16))
    locale: Mapped[str] = mapped_column(String(16))
    details: Mapped[dict[str, Any]]
    documents: Mapped[list[Any]]
    admin_name_sealed: Mapped[bytes] = mapped_column("admin_name")
    admin_email_sealed: Mapped[bytes] = mapped_column("admin_email")
    submitted_at: Mapped[datetime] = mapped_column(index=True)
    confirmed_at: Mapped[datetime | None]
    approved_at: Mapped[datetime | None]
    approved_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    reason: Mapped[str | None] = mapped_column(String(1000))
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_insurer.id"))

    admin_name = SealedJson[str]("admin_name_sealed", missing=str)
    admin_email = SealedJson[str]("admin_email_sealed", missing=str)


class InvitationRow(Base):
    """Somebody is asked to work at an insurer's desk. Sealed with the key of the insurer, which its own scope may use.

    `secret_hash` is there once the link was made and mailed.
    """

    __tablename__ = "accounts_invitation"
    __table_args__ = (
        CheckConstraint("outcome IN ('accepted', 'withdrawn')", name="outcome"),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended_somehow"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    locale: Mapped[str] = mapped_column(String(16))
    name_sealed: Mapped[bytes] = mapped_column("name")
    email_sealed: Mapped[bytes] = mapped_column("email")
    email_index: Mapped[str] = mapped_column(CHAR(HMAC_HEX), index=True)
    secret_hash: Mapped[str | None] = mapped_column(CHAR(HMAC_HEX), unique=True)
    invited_at: Mapped[datetime]
    invited_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None] = mapped_column(String(16))

    name = SealedJson[str]("name_sealed", subject="insurer_id")
    email = SealedJson[str]("email_sealed", subject="insurer_id")


class AccountRow(Base):
    __tablename__ = "accounts_account"
    __table_args__ = (
        CheckConstraint("(role LIKE 'insurer%') = (insurer_id IS NOT NULL)", name="insurer_of_its_staff"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email_sealed: Mapped[bytes | None] = mapped_column("email")
    email_index: Mapped[str | None] = mapped_column(CHAR(HMAC_HEX), unique=True)
    name_sealed: Mapped[bytes | None] = mapped_column("name")
    role: Mapped[str] = mapped_column(String(40))
    insurer_id: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_insurer.id"), index=True)
    locale: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    confirmed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    email = SealedJson[str]("email_sealed", missing=str)
    name = SealedJson[str]("name_sealed", missing=str)


class PractitionerRow(Base):
    """A member of an insurer's staff who may advise customers, by the number of the practising certificate (O13-39).

    Name and number are public by law, and so not sealed. A row is checked once and ended once, nothing else changes.
    """

    __tablename__ = "accounts_practitioner"
    __table_args__ = (
        CheckConstraint("standing IN ('proposed', 'registered', 'refused', 'ended')", name="standing"),
        CheckConstraint("valid_from <= valid_to", name="period"),
        CheckConstraint("(standing = 'proposed') = (checked_at IS NULL)", name="checked"),
        CheckConstraint("(checked_at IS NULL) = (checked_by IS NULL)", name="checked_by_somebody"),
        CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name="ended_by_somebody"),
        CheckConstraint("standing <> 'registered' OR checked_by <> proposed_by", name="registered_by_two"),
        Index(
            "uq_accounts_practitioner_certificate",
            "insurer_id",
            "certificate_no",
            unique=True,
            postgresql_where=text("standing IN ('proposed', 'registered')"),
        ),
        Index(
            "uq_accounts_practitioner_registered",
            "certificate_no",
            unique=True,
            postgresql_where=text("standing = 'registered'"),
        ),
        Index("ix_accounts_practitioner_insurer_id", "insurer_id", "proposed_at"),
        Index("ix_accounts_practitioner_account_id", "account_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    insurer_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_insurer.id"))
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    name: Mapped[str] = mapped_column(String(80))
    certificate_no: Mapped[str] = mapped_column(String(40))
    lines: Mapped[list[Any]]
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    standing: Mapped[str] = mapped_column(String(16))
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"))
    checked_at: Mapped[datetime | None]
    checked_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey("accounts_account.id"))


class ChallengeRow(Base):
    """A code or link on its way to an address. A code works where its id was kept: in the browser that asked for it."""

    __tablename__ = "accounts_challenge"
    __table_args__ = (
        Index("ix_accounts_challenge_email_index_purpose", "email_index", "purpose", "created_at"),
        Index("ix_accounts_challenge_secret_hash", "secret_hash", postgresql_where=text("used_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(40))
    email_sealed: Mapped[bytes] = mapped_column("email")
    email_index: Mapped[str] = mapped_column(CHAR(HMAC_HEX))
    secret_hash: Mapped[str] = mapped_column(CHAR(HMAC_HEX))
    payload_sealed: Mapped[bytes] = mapped_column("payload")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]

    sealed_for: ClassVar[UUID] = CHALLENGES
    email = SealedJson[str]("email_sealed", subject="sealed_for")
    payload = SealedJson[dict[str, Any]]("payload_sealed", subject="sealed_for")


class LimitRow(Base):
    """How often something was tried since the window of its subject began."""

    __tablename__ = "accounts_limit"

    bucket: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject_hash: Mapped[str] = mapped_column(CHAR(HMAC_HEX), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(index=True)
    count: Mapped[int]


class SecurityEventRow(Base):
    """What happened at the doors. The site may insert and nothing else, not even read; `queries` asks as the reader.

    No foreign keys: an event outlives the session and, when an account is closed, the account it speaks of.
    """

    __tablename__ = "accounts_security_event"
    __table_args__ = (
        Index("ix_accounts_security_event_account_id", "account_id", "at"),
        Index("ix_accounts_security_event_type", "type", "at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    type: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[UUID | None]
    actor_label: Mapped[str] = mapped_column(String(40))
    session_id: Mapped[UUID | None]
    source_hash: Mapped[str] = mapped_column(CHAR(HMAC_HEX))
    endpoint: Mapped[str] = mapped_column(String(120))
    detail: Mapped[dict[str, Any]]


class SessionRow(Base):
    """Somebody signed in at one browser. For staff it opens nothing until `second_factor_at` is set."""

    __tablename__ = "accounts_session"
    __table_args__ = (CheckConstraint("(ended_at IS NULL) = (ended_reason IS NULL)", name="ended_for_a_reason"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(CHAR(HMAC_HEX), unique=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"), index=True)
    created_at: Mapped[datetime]
    authenticated_at: Mapped[datetime]
    second_factor_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    ended_reason: Mapped[str | None] = mapped_column(String(24))
    device: Mapped[str] = mapped_column(String(80))


class DeviceRow(Base):
    """A browser in which the account was signed in whole, known again by a cookie of its own."""

    __tablename__ = "accounts_device"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(CHAR(HMAC_HEX), primary_key=True)
    last_seen_at: Mapped[datetime] = mapped_column(index=True)


class PasskeyRow(Base):
    __tablename__ = "accounts_passkey"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    transports: Mapped[list[Any]]
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class OneTimeSecretRow(Base):
    """What an authenticator app shares with us. `last_step` is the 30 seconds whose code was used last."""

    __tablename__ = "accounts_one_time_secret"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"), index=True)
    secret_sealed: Mapped[bytes] = mapped_column("sealed_secret")
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]

    secret = SealedJson[str]("secret_sealed", subject="account_id")


class RecoveryCodeRow(Base):
    __tablename__ = "accounts_recovery_code"

    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts_account.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(CHAR(HMAC_HEX), primary_key=True)
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class CeremonyRow(Base):
    """A passkey's challenge on its way to a browser and back; read once."""

    __tablename__ = "accounts_ceremony"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    challenge: Mapped[bytes]
    session_id: Mapped[UUID | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)
