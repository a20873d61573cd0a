"""Copies of one's data, requests, restrictions, and the proof of what was erased."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0019_privacy"
down_revision = "0018_subject_keys"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_export()
    _create_request()
    _create_restriction()
    _create_erasure()
    op.create_table(
        "privacy_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ran_at", INSTANT, nullable=False),
        sa.Column("business_at", INSTANT, nullable=False),
        sa.Column("counts", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_run"),
    )
    op.create_index("ix_privacy_run_ran_at", "privacy_run", ["ran_at"])
    op.execute("REVOKE UPDATE, DELETE ON privacy_erasure, privacy_run, privacy_restriction FROM marketplace_app")
    op.execute("REVOKE DELETE ON privacy_request, privacy_export FROM marketplace_app")
    _make_room_for_erasure()


def _make_room_for_erasure() -> None:
    """Whoever was here is not known any more; the rows stay, because others name them."""
    op.alter_column("accounts_account", "email", nullable=True)
    op.add_column("application_application", sa.Column("erased_at", INSTANT))
    op.drop_constraint("ck_application_application_proven_address", "application_application")
    op.create_check_constraint(
        op.f("ck_application_application_proven_address"),
        "application_application",
        "account_id IS NULL OR email IS NOT NULL OR erased_at IS NOT NULL",
    )


def _create_export() -> None:
    op.create_table(
        "privacy_export",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("ready_at", INSTANT),
        sa.Column("expires_at", INSTANT),
        sa.Column("size", sa.Integer()),
        sa.Column("sha256", sa.CHAR(64)),
        sa.Column("content", sa.LargeBinary()),
        sa.CheckConstraint("state IN ('asked', 'ready', 'expired')", name=op.f("ck_privacy_export_state")),
        sa.CheckConstraint(
            "(state = 'ready') = (content IS NOT NULL)", name=op.f("ck_privacy_export_ready_has_content")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_export"),
    )
    op.create_index("ix_privacy_export_account", "privacy_export", ["account_id", "asked_at"])
    op.create_index(
        "uq_privacy_export_asked",
        "privacy_export",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("state = 'asked'"),
    )


def _create_request() -> None:
    op.create_table(
        "privacy_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("answered_at", INSTANT),
        sa.Column("answered_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.CheckConstraint(
            "kind IN ('access', 'correction', 'restriction', 'objection', 'erasure')",
            name=op.f("ck_privacy_request_kind"),
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answer IS NULL)", name=op.f("ck_privacy_request_answered_with_words")
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (answered_by IS NULL)", name=op.f("ck_privacy_request_answered_by_somebody")
        ),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (outcome IS NULL)", name=op.f("ck_privacy_request_answered_with_outcome")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_request"),
        sa.UniqueConstraint("reference", name="uq_privacy_request_reference"),
    )
    op.create_index(
        "ix_privacy_request_open", "privacy_request", ["due_on"], postgresql_where=sa.text("answered_at IS NULL")
    )
    op.create_index("ix_privacy_request_account", "privacy_request", ["account_id", "asked_at"])


def _create_restriction() -> None:
    op.create_table(
        "privacy_restriction",
        sa.Column("policy_id", sa.Uuid(), sa.ForeignKey("policy_policy.id"), nullable=False),
        sa.Column("application_id", sa.Uuid(), sa.ForeignKey("application_application.id"), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id"), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("covered_until", sa.Date(), nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=False),
        sa.Column("restricted_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name="pk_privacy_restriction"),
        sa.UniqueConstraint("application_id", name="uq_privacy_restriction_application_id"),
    )
    for column in ("journey_id", "account_id"):
        op.create_index(f"ix_privacy_restriction_{column}", "privacy_restriction", [column])


def _create_erasure() -> None:
    op.create_table(
        "privacy_erasure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(16), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("erased_at", INSTANT, nullable=False),
        sa.CheckConstraint("subject IN ('account', 'application', 'journey')", name=op.f("ck_privacy_erasure_subject")),
        sa.CheckConstraint("reason IN ('retention', 'closing')", name=op.f("ck_privacy_erasure_reason")),
        sa.PrimaryKeyConstraint("id", name="pk_privacy_erasure"),
        sa.UniqueConstraint("subject", "subject_id", name="uq_privacy_erasure_subject"),
    )


def downgrade() -> None:
    raise SystemExit("The proof of what was erased is not dropped: restore a backup instead.")
