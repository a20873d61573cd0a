"""An attempt to pay keeps by which methods it may be paid."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0032_payment_frequencies"
down_revision = "0031_insurer_applications"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Pages opened before offered everything that takes their currency, which the provider decided."""
    op.add_column("payment_attempt", sa.Column("methods", JSONB()))
    op.execute("""UPDATE payment_attempt SET methods = '["card", "alipay", "wechat_pay"]'""")
    op.alter_column("payment_attempt", "methods", nullable=False)


def downgrade() -> None:
    op.drop_column("payment_attempt", "methods")
