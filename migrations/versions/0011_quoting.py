"""Tables of quoting."""

revision = "0011_quoting"
down_revision = "0010_underwriting"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
