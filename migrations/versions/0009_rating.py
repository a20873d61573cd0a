"""Tables of rating."""

revision = "0009_rating"
down_revision = "0008_correspondence"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
