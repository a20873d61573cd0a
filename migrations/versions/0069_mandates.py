"""Cards that customers let us keep, and attempts that charge them; a contract has a share for each of its premiums."""

import sqlalchemy as sa
from alembic import op

revision = "0069_mandates"
down_revision = "0068_instalments"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
MANDATE, ATTEMPT, TRANSFER = "payment_mandate", "payment_attempt", "payment_transfer"
CHECKS = {
    "state": "state IN ('asked', 'kept', 'stopped', 'lapsed')",
    "kept_whole": "state <> 'kept' OR kept_at IS NOT NULL AND method_id IS NOT NULL AND customer_id IS NOT NULL",
    "ended_whole": "(state IN ('stopped', 'lapsed')) = (ended_at IS NOT NULL)",
}


def upgrade() -> None:
    provider_ids = ("customer_id", "session_id", "method_id")
    op.create_table(
        MANDATE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("wording_sha256", sa.CHAR(64), nullable=False),
        sa.Column("sealed_for", sa.Uuid(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("card", sa.LargeBinary()),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("success_url", sa.String(), nullable=False),
        sa.Column("cancel_url", sa.String(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id"), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.String(255)) for name in provider_ids),
        sa.Column("url", sa.String()),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("kept_at", INSTANT),
        sa.Column("ended_at", INSTANT),
        sa.Column("detached_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_payment_mandate"),
        *(sa.UniqueConstraint(name, name=f"uq_payment_mandate_{name}") for name in provider_ids),
        *(sa.CheckConstraint(text, name=op.f(f"ck_payment_mandate_{name}")) for name, text in CHECKS.items()),
    )
    standing, asked = sa.text("state IN ('asked', 'kept')"), sa.text("state = 'asked'")
    op.create_index("uq_payment_mandate_standing", MANDATE, ["contract_id"], unique=True, postgresql_where=standing)
    op.create_index("ix_payment_mandate_contract", MANDATE, ["contract_id", "asked_at"])
    op.create_index("ix_payment_mandate_asked", MANDATE, ["asked_at"], postgresql_where=asked)
    op.execute(f"ALTER TABLE {MANDATE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {MANDATE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {MANDATE} USING ({ALL})")
    op.add_column(ATTEMPT, sa.Column("mandate_id", sa.Uuid(), sa.ForeignKey("payment_mandate.id")))
    op.add_column(ATTEMPT, sa.Column("failure", sa.String(64)))
    op.drop_constraint("uq_payment_transfer_contract_id", TRANSFER, type_="unique")
    op.create_unique_constraint("uq_payment_transfer_contract_id", TRANSFER, ["contract_id", "attempt_id"])


def downgrade() -> None:
    raise SystemExit("What customers agreed to, and what was charged by it, is evidence: restore a backup instead.")
