"""How an insurer is paid: its account at Stripe."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033_insurer_connect"
down_revision = "0031_insurer_applications"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
OWN = "(SELECT tenant_insurer())"


def upgrade() -> None:
    _create_payees()


def _create_payees() -> None:
    op.create_table(
        "accounts_payee",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("account_id", sa.String(255)),
        sa.Column("charges_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("payouts_enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("details_submitted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("due", JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("disabled_reason", sa.String(255)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("seen_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_payee"),
        sa.UniqueConstraint("insurer_id", name="uq_accounts_payee_insurer_id"),
        sa.UniqueConstraint("account_id", name="uq_accounts_payee_account_id"),
    )
    op.execute("REVOKE DELETE ON accounts_payee FROM marketplace_app")
    _secure("accounts_payee", f"{ALL} OR insurer_id = {OWN}")


def _secure(table: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {table} USING ({condition})")


def downgrade() -> None:
    raise SystemExit("To which account an insurer's money goes is evidence: restore a backup.")
