"""A data key per person or journey; personal data sealed with it."""

revision = "0018_subject_keys"
down_revision = "0017_security_events"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
