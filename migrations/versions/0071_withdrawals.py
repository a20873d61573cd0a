"""A refund of one contract from which its customer withdrew, once for each contract that a payment was for."""

import sqlalchemy as sa
from alembic import op

revision = "0071_withdrawals"
down_revision = "0070_premiums"
branch_labels = None
depends_on = None

REFUND, INDEX = "payment_refund", "uq_payment_refund_reason"


def upgrade() -> None:
    op.add_column(REFUND, sa.Column("contract_id", sa.Uuid()))
    op.drop_index(INDEX, REFUND)
    op.create_index(
        INDEX,
        REFUND,
        ["attempt_id", "reason", "contract_id"],
        unique=True,
        postgresql_where=sa.text("wish_id IS NULL"),
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    raise SystemExit("Which contract a refund is of is evidence: restore a backup of before instead.")
