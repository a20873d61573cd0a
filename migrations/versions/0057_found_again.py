"""Of a refund, how much a bank took before it was sent, which may be a part; and when the provider last said how it
stands, so that it is not asked each minute for days. Of an insurer's share, for which application it is: a contract
that is concluded again after a restore has another id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0057_found_again"
down_revision = "0056_transfers"
branch_labels = None
depends_on = None

REFUND, TRANSFER = "payment_refund", "payment_transfer"
WHOSE = f"UPDATE {TRANSFER} t SET application_id = p.application_id FROM policy_policy p WHERE p.id = t.contract_id"  # noqa: S608  a name of ours


def upgrade() -> None:
    op.add_column(REFUND, sa.Column("overtaken_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column(REFUND, sa.Column("looked_at", sa.DateTime(timezone=True)))
    op.execute(f"UPDATE {REFUND} SET overtaken_minor = amount_minor WHERE state = 'overtaken'")  # noqa: S608  a name of ours
    op.create_check_constraint(
        op.f("ck_payment_refund_overtaken_of_it"), REFUND, "overtaken_minor BETWEEN 0 AND amount_minor"
    )
    op.create_check_constraint(
        op.f("ck_payment_refund_overtaken_whole"), REFUND, "(state = 'overtaken') = (overtaken_minor = amount_minor)"
    )
    op.add_column(TRANSFER, sa.Column("application_id", sa.Uuid()))
    op.execute(WHOSE)
    op.alter_column(TRANSFER, "application_id", nullable=False)


def downgrade() -> None:
    raise SystemExit("What banks took of a refund is not forgotten: restore a backup of before instead.")
