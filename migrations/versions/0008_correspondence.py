"""Tables of correspondence."""

revision = "0008_correspondence"
down_revision = "0007_payment"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
