"""Tables of listing."""

revision = "0013_listing"
down_revision = "0012_application"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
