"""Insurers, accounts, codes and links, limits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003_accounts"
down_revision = "0002_traceability"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "accounts_insurer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("legal_name", JSONB(), nullable=False),
        sa.Column("short_name", JSONB(), nullable=False),
        sa.Column("licence_no", sa.String(60), nullable=False),
        sa.Column("phone", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("colour", sa.String(7), nullable=False),
        sa.Column("mark", sa.String(4), nullable=False),
        sa.Column("regions", JSONB(), nullable=False),
        sa.Column("fictional", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_insurer"),
        sa.UniqueConstraint("code", name="uq_accounts_insurer_code"),
    )
    _create_account()
    _create_challenge()
    op.create_table(
        "accounts_limit",
        sa.Column("bucket", sa.String(40), nullable=False),
        sa.Column("subject_hash", sa.CHAR(64), nullable=False),
        sa.Column("window_start", INSTANT, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "subject_hash", name="pk_accounts_limit"),
    )
    op.create_index("ix_accounts_limit_window_start", "accounts_limit", ["window_start"])


def _create_account() -> None:
    op.create_table(
        "accounts_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("insurer_id", sa.Uuid()),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.String(200)),
        sa.Column("session_epoch", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_accounts_account_email_lower_case")),
        sa.CheckConstraint(
            "(role LIKE 'insurer%') = (insurer_id IS NOT NULL)",
            name=op.f("ck_accounts_account_insurer_of_its_staff"),
        ),
        sa.ForeignKeyConstraint(
            ["insurer_id"], ["accounts_insurer.id"], name="fk_accounts_account_insurer_id_accounts_insurer"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_account"),
        sa.UniqueConstraint("email", name="uq_accounts_account_email"),
    )
    op.create_index("ix_accounts_account_insurer_id", "accounts_account", ["insurer_id"])


def _create_challenge() -> None:
    op.create_table(
        "accounts_challenge",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("secret_hash", sa.CHAR(64), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_challenge"),
    )
    op.create_index("ix_accounts_challenge_email_purpose", "accounts_challenge", ["email", "purpose", "created_at"])
    op.create_index(
        "ix_accounts_challenge_secret_hash",
        "accounts_challenge",
        ["secret_hash"],
        postgresql_where=sa.text("used_at IS NULL"),
    )
    op.create_index("ix_accounts_challenge_expires_at", "accounts_challenge", ["expires_at"])


def downgrade() -> None:
    op.drop_table("accounts_limit")
    op.drop_table("accounts_challenge")
    op.drop_table("accounts_account")
    op.drop_table("accounts_insurer")
