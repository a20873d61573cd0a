"""What happened at the doors, append-only: the site may insert, the reader may read, nobody may change."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0017_security_events"
down_revision = "0016_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts_security_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("actor_label", sa.String(40), nullable=False),
        sa.Column("session_id", sa.Uuid()),
        sa.Column("source_hash", sa.CHAR(64), nullable=False),
        sa.Column("endpoint", sa.String(120), nullable=False),
        sa.Column("detail", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_security_event"),
    )
    op.create_index("ix_accounts_security_event_at", "accounts_security_event", ["at"])
    op.create_index("ix_accounts_security_event_account_id", "accounts_security_event", ["account_id", "at"])
    op.create_index("ix_accounts_security_event_type", "accounts_security_event", ["type", "at"])
    op.execute("REVOKE SELECT, UPDATE, DELETE ON accounts_security_event FROM marketplace_app")


def downgrade() -> None:
    raise SystemExit("What happened at the doors is not undone: drop the database instead.")
