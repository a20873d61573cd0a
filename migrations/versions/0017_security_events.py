"""What happened at the doors, append-only."""

revision = "0017_security_events"
down_revision = "0016_sessions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
