"""Tables of checkout."""

revision = "0014_checkout"
down_revision = "0013_listing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
