"""Sessions in the database; passkeys, one-time codes and recovery codes of staff; browsers an account has used.

Everybody who was signed in by the old cookie signs in again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016_sessions"
down_revision = "0015_oversight"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = (
    "accounts_ceremony",
    "accounts_recovery_code",
    "accounts_one_time_secret",
    "accounts_passkey",
    "accounts_device",
    "accounts_session",
)


def upgrade() -> None:
    op.drop_column("accounts_account", "session_epoch")
    op.add_column("accounts_account", sa.Column("disabled_at", INSTANT))
    _create_session()
    _create_device()
    _create_passkey()
    _create_codes()
    op.create_table(
        "accounts_ceremony",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_ceremony"),
    )
    op.create_index("ix_accounts_ceremony_expires_at", "accounts_ceremony", ["expires_at"])


def _create_session() -> None:
    op.create_table(
        "accounts_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_sha256", sa.CHAR(64), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("authenticated_at", INSTANT, nullable=False),
        sa.Column("second_factor_at", INSTANT),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_reason", sa.String(24)),
        sa.Column("device", sa.String(80), nullable=False),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_reason IS NULL)", name=op.f("ck_accounts_session_ended_for_a_reason")
        ),
        _of_account("accounts_session"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_session"),
        sa.UniqueConstraint("token_sha256", name="uq_accounts_session_token_sha256"),
    )
    op.create_index("ix_accounts_session_account_id", "accounts_session", ["account_id"])
    op.create_index("ix_accounts_session_expires_at", "accounts_session", ["expires_at"])


def _create_device() -> None:
    op.create_table(
        "accounts_device",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.CHAR(64), nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        _of_account("accounts_device"),
        sa.PrimaryKeyConstraint("account_id", "token_hash", name="pk_accounts_device"),
    )
    op.create_index("ix_accounts_device_last_seen_at", "accounts_device", ["last_seen_at"])


def _create_passkey() -> None:
    op.create_table(
        "accounts_passkey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", JSONB(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT),
        _of_account("accounts_passkey"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_passkey"),
        sa.UniqueConstraint("credential_id", name="uq_accounts_passkey_credential_id"),
    )
    op.create_index("ix_accounts_passkey_account_id", "accounts_passkey", ["account_id"])


def _create_codes() -> None:
    op.create_table(
        "accounts_one_time_secret",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger()),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("last_used_at", INSTANT),
        _of_account("accounts_one_time_secret"),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_one_time_secret"),
    )
    op.create_index("ix_accounts_one_time_secret_account_id", "accounts_one_time_secret", ["account_id"])
    op.create_table(
        "accounts_recovery_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.CHAR(64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT),
        _of_account("accounts_recovery_code"),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name="pk_accounts_recovery_code"),
    )


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_account_id_accounts_account"
    return sa.ForeignKeyConstraint(["account_id"], ["accounts_account.id"], name=name)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    op.drop_column("accounts_account", "disabled_at")
    op.add_column("accounts_account", sa.Column("session_epoch", sa.Integer(), nullable=False, server_default="1"))
    op.alter_column("accounts_account", "session_epoch", server_default=None)
