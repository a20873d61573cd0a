"""Tables of payment."""

revision = "0007_payment"
down_revision = "0006_policy"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
