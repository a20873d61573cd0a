"""By when each contract's paper has to have been mailed to its holder, and when it was."""

import sqlalchemy as sa
from alembic import op

revision = "0054_mail"
down_revision = "0053_paper_kinds"
branch_labels = None
depends_on = None

DELIVERY = "checkout_delivery"
INSTANT = sa.DateTime(timezone=True)

# Nobody counted working days for these. Two plain days are never more, and what was mailed in time was in time.
WHAT_WAS = """
    INSERT INTO checkout_delivery (policy_id, warn_at, due_at, presumed, copies, mailed_at)
    SELECT p.id, p.concluded_at + interval '1 day', p.concluded_at + interval '2 days', true, 0,
        CASE WHEN m.sent_at IS NOT NULL THEN greatest(m.sent_at - p.recorded_at, interval '0') + p.concluded_at END
    FROM (SELECT p.id, p.concluded_at, v.recorded_at FROM policy_policy p
          JOIN policy_version v ON v.policy_id = p.id AND v.number = 1) p
    LEFT JOIN correspondence_message m ON m.kind = 'policy_issued' AND m.subject_key = p.id::text
"""


def upgrade() -> None:
    op.create_table(
        DELIVERY,
        sa.Column("policy_id", sa.Uuid(), sa.ForeignKey("policy_policy.id"), nullable=False),
        sa.Column("warn_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("presumed", sa.Boolean(), nullable=False),
        sa.Column("copies", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("mailed_at", INSTANT),
        sa.Column("fetched_at", INSTANT),
        sa.Column("warned_at", INSTANT),
        sa.Column("overdue_at", INSTANT),
        sa.CheckConstraint("warn_at < due_at", name=op.f("ck_checkout_delivery_warned_before")),
        sa.CheckConstraint("copies >= 0", name=op.f("ck_checkout_delivery_copies_counted")),
        sa.PrimaryKeyConstraint("policy_id", name="pk_checkout_delivery"),
    )
    op.create_index(
        "ix_checkout_delivery_waiting", DELIVERY, ["warn_at"], postgresql_where=sa.text("mailed_at IS NULL")
    )
    op.execute(f"ALTER TABLE {DELIVERY} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {DELIVERY} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {DELIVERY} USING ((SELECT tenant_is_everybody()))")
    op.execute(WHAT_WAS)


def downgrade() -> None:
    op.drop_table(DELIVERY)
