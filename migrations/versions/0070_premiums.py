"""How each later premium of a contract stands."""

import sqlalchemy as sa
from alembic import op

revision = "0070_premiums"
down_revision = "0069_mandates"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
PREMIUM = "servicing_premium"
CHECKS = {
    "state": "state IN ('planned', 'announced', 'due', 'overdue', 'paid', 'dropped')",
    "paid_whole": "(state = 'paid') = (paid_at IS NOT NULL) AND (state = 'paid') = (attempt_id IS NOT NULL)",
    "due_whole": "state NOT IN ('due', 'overdue') OR grace_until IS NOT NULL",
}


def upgrade() -> None:
    op.create_table(
        PREMIUM,
        sa.Column("id", sa.Uuid(), sa.ForeignKey("policy_instalment.id"), nullable=False),
        sa.Column("policy_id", sa.Uuid(), sa.ForeignKey("policy_policy.id"), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("act_on", sa.Date()),
        sa.Column("collect_on", sa.Date(), nullable=False),
        sa.Column("grace_until", sa.Date()),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_failed_on", sa.Date()),
        sa.Column("failure", sa.String(64)),
        sa.Column("failed_id", sa.Uuid()),
        sa.Column("attempt_id", sa.Uuid(), sa.ForeignKey("payment_attempt.id")),
        sa.Column("paid_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_servicing_premium"),
        *(sa.CheckConstraint(text, name=op.f(f"ck_servicing_premium_{name}")) for name, text in CHECKS.items()),
    )
    op.create_index("ix_servicing_premium_policy", PREMIUM, ["policy_id"])
    op.create_index("ix_servicing_premium_act", PREMIUM, ["act_on"], postgresql_where=sa.text("act_on IS NOT NULL"))
    op.create_index(
        "ix_servicing_premium_overdue", PREMIUM, ["policy_id"], postgresql_where=sa.text("state = 'overdue'")
    )
    op.execute(f"ALTER TABLE {PREMIUM} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {PREMIUM} FORCE ROW LEVEL SECURITY")
    of_policy = "EXISTS (SELECT FROM policy_policy p WHERE p.id = policy_id)"
    op.execute(f"CREATE POLICY tenants ON {PREMIUM} USING ({ALL} OR {of_policy})")


def downgrade() -> None:
    raise SystemExit("What was collected for which premium is evidence: restore a backup of before instead.")
