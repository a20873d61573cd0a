"""Tables of catalog."""

revision = "0005_catalog"
down_revision = "0004_disclosure"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
