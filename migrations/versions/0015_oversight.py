"""Tables of oversight."""

revision = "0015_oversight"
down_revision = "0014_checkout"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
