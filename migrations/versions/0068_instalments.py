"""The premiums of a contract after the first one, with the day on which each falls due.

Contracts that were concluded before have none: nobody told their customers when anything would be due.
"""

import sqlalchemy as sa
from alembic import op

revision = "0068_instalments"
down_revision = "0067_screening"
branch_labels = None
depends_on = None

ALL = "(SELECT tenant_is_everybody())"
INSTALMENT = "policy_instalment"


def upgrade() -> None:
    op.create_table(
        INSTALMENT,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), sa.ForeignKey("policy_policy.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_instalment"),
        sa.UniqueConstraint("policy_id", "number", name="uq_policy_instalment_policy_id"),
        sa.CheckConstraint("number > 1", name=op.f("ck_policy_instalment_after_the_first")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_policy_instalment_amount_positive")),
    )
    op.create_index("ix_policy_instalment_due", INSTALMENT, ["due_on"])
    op.execute(f"ALTER TABLE {INSTALMENT} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {INSTALMENT} FORCE ROW LEVEL SECURITY")
    of_policy = "EXISTS (SELECT FROM policy_policy p WHERE p.id = policy_id)"
    op.execute(f"CREATE POLICY tenants ON {INSTALMENT} USING ({ALL} OR {of_policy})")
    # What was agreed is not changed.
    op.execute(f"REVOKE UPDATE, DELETE ON {INSTALMENT} FROM marketplace_app")


def downgrade() -> None:
    raise SystemExit("When which premium is due was agreed with customers: restore a backup of before instead.")
