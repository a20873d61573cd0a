"""The refund desk: what staff ask to give back, and who agreed to it; what banks take back; how often a call failed.

Of what waits for a second person the database holds that it is another one. A refund that could not be delivered can be
asked for again under a new number, and one that staff asked for stands beside those that go back by themselves.
"""

import sqlalchemy as sa
from alembic import op

revision = "0050_refund_desk"
down_revision = "0048_hashes_in_bytes"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WISH, REFUND, ATTEMPT, DISPUTE = "payment_refund_wish", "payment_refund", "payment_attempt", "payment_dispute"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_wish()
    _create_dispute()
    for table in (WISH, DISPUTE):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ((SELECT tenant_is_everybody()))")
        op.execute(f"REVOKE DELETE ON {table} FROM marketplace_app")
    op.add_column(REFUND, sa.Column("wish_id", sa.Uuid(), sa.ForeignKey(f"{WISH}.id")))
    op.add_column(REFUND, sa.Column("number", sa.Integer(), nullable=False, server_default="1"))
    op.add_column(REFUND, sa.Column("asked_at", INSTANT))
    for table in (REFUND, ATTEMPT):
        op.add_column(table, sa.Column("failed_calls", sa.Integer(), nullable=False, server_default="0"))
        op.add_column(table, sa.Column("failed_as", sa.String(64)))
    op.create_unique_constraint("uq_payment_refund_wish_id", REFUND, ["wish_id"])
    op.drop_constraint("uq_payment_refund_reason", REFUND)
    op.create_index(
        "uq_payment_refund_reason", REFUND, ["attempt_id", "reason"], unique=True, postgresql_where="wish_id IS NULL"
    )


def _create_wish() -> None:
    op.create_table(
        WISH,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), sa.ForeignKey(f"{ATTEMPT}.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id")),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("sealed_for", sa.Uuid(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("needs_second", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("decided_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("decided_at", INSTANT),
        sa.Column("refusal", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=f"pk_{WISH}"),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{WISH}_amount_positive")),
        sa.CheckConstraint("decided_by <> asked_by", name=op.f(f"ck_{WISH}_another_person")),
        sa.CheckConstraint(
            "CASE state WHEN 'waiting' THEN needs_second AND decided_by IS NULL AND refusal IS NULL "
            "WHEN 'approved' THEN (decided_by IS NOT NULL) = needs_second AND refusal IS NULL "
            "WHEN 'refused' THEN needs_second AND decided_by IS NOT NULL AND refusal IS NOT NULL ELSE false END",
            name=op.f(f"ck_{WISH}_decided_by_another"),
        ),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name=op.f(f"ck_{WISH}_decided_whole")),
    )
    op.create_index(f"ix_{WISH}_attempt_id", WISH, ["attempt_id"])
    op.create_index(f"ix_{WISH}_waiting", WISH, ["asked_at"], postgresql_where="state = 'waiting'")


def _create_dispute() -> None:
    op.create_table(
        DISPUTE,
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), sa.ForeignKey(f"{ATTEMPT}.id"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT),
        sa.Column("closed_at", INSTANT),
        sa.Column("seen_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("seen_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{DISPUTE}"),
        sa.CheckConstraint("(seen_by IS NULL) = (seen_at IS NULL)", name=op.f(f"ck_{DISPUTE}_seen_whole")),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{DISPUTE}_amount_positive")),
    )
    op.create_index(f"ix_{DISPUTE}_attempt_id", DISPUTE, ["attempt_id"])


def downgrade() -> None:
    raise SystemExit("Who agreed to a refund is not thrown away: restore a backup of before instead.")
