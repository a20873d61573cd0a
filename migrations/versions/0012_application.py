"""Tables of application."""

revision = "0012_application"
down_revision = "0011_quoting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
