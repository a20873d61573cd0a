"""A paper has a kind and a subject: beside the policy its certificate, the receipt of a payment, a refund's letter.

The two last belong to an order, have numbers of their own, and keep what they say. By what was paid is noted.
"""

import sqlalchemy as sa
from alembic import op

revision = "0053_paper_kinds"
down_revision = "0052_papers"
branch_labels = None
depends_on = None

PAPER, RANGE = "policy_document", "policy_paper_range"
INSTANT = sa.DateTime(timezone=True)
NEEDED = {
    "id": sa.Uuid(),
    "kind": sa.String(16),
    "subject_id": sa.Uuid(),
    "sealed_for": sa.Uuid(),
    "locale": sa.String(16),
    "issued_at": INSTANT,
}


def upgrade() -> None:
    for name, kind in NEEDED.items():
        op.add_column(PAPER, sa.Column(name, kind))
    op.add_column(PAPER, sa.Column("order_id", sa.Uuid()))
    op.add_column(PAPER, sa.Column("number", sa.String(32)))
    op.add_column(PAPER, sa.Column("content", sa.LargeBinary()))
    op.execute(
        "UPDATE policy_document d SET id = gen_random_uuid(), kind = 'policy', subject_id = v.id, "
        "sealed_for = v.sealed_for, locale = p.locale, issued_at = p.concluded_at "
        "FROM policy_version v JOIN policy_policy p ON p.id = v.policy_id WHERE v.id = d.version_id"
    )
    for name in NEEDED:
        op.alter_column(PAPER, name, nullable=False)
    op.drop_constraint(f"pk_{PAPER}", PAPER)
    op.create_primary_key(f"pk_{PAPER}", PAPER, ["id"])
    op.alter_column(PAPER, "version_id", nullable=True)
    op.create_unique_constraint(f"uq_{PAPER}_subject", PAPER, ["kind", "subject_id"])
    op.create_unique_constraint(f"uq_{PAPER}_number", PAPER, ["number"])
    for name, rule in {
        "kind": "kind IN ('policy', 'certificate', 'receipt', 'refund_letter')",
        "of_a_version": "(kind IN ('policy', 'certificate')) = (version_id IS NOT NULL)",
        "of_an_order": "(version_id IS NULL) = (order_id IS NOT NULL) AND (order_id IS NULL) = (number IS NULL)"
        " AND (order_id IS NULL) = (content IS NULL)",
    }.items():
        op.create_check_constraint(op.f(f"ck_{PAPER}_{name}"), PAPER, rule)
    op.create_index(f"ix_{PAPER}_version", PAPER, ["version_id"])
    op.create_index(f"ix_{PAPER}_order", PAPER, ["order_id"])
    op.create_table(
        RANGE,
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("next", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("next > 0", name=op.f(f"ck_{RANGE}_next_positive")),
        sa.PrimaryKeyConstraint("kind", "year", name=f"pk_{RANGE}"),
    )
    op.execute(f"ALTER TABLE {RANGE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {RANGE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {RANGE} USING ((SELECT tenant_is_everybody()))")
    op.add_column("payment_attempt", sa.Column("method", sa.String(32)))


def downgrade() -> None:
    raise SystemExit("Papers that were issued are not taken back: restore a backup of before instead.")
