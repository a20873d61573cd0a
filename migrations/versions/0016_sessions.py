"""Sessions in the database; passkeys, one-time codes and recovery codes of staff."""

revision = "0016_sessions"
down_revision = "0015_oversight"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
