"""Requests of persons about their own data."""

revision = "0019_privacy"
down_revision = "0018_subject_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
