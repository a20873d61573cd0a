"""How an insurer is paid: its account at Stripe. Its first sale is allowed by two people, as a suspension is lifted.

Its own administrators invite colleagues.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0033_insurer_connect"
down_revision = "0032_payment_frequencies"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
OWN = "(SELECT tenant_insurer())"


def upgrade() -> None:
    _create_payees()
    _hold_back_until_the_first_sale()
    _create_invitations()


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


def _hold_back_until_the_first_sale() -> None:
    """Those that were admitted and do not sell yet wait for two people from now on."""
    op.add_column(
        "accounts_suspension",
        sa.Column("before_first_sale", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.alter_column("accounts_suspension", "before_first_sale", server_default=None)
    op.create_check_constraint(
        op.f("ck_accounts_suspension_stopped_for_a_reason"), "accounts_suspension", "before_first_sale = (reason = '')"
    )
    op.execute(
        "INSERT INTO accounts_suspension (id, insurer_id, before_first_sale, reason, suspended_at, suspended_by) "
        "SELECT gen_random_uuid(), a.insurer_id, true, '', a.decided_at, a.decided_by "
        "FROM accounts_insurer_application a JOIN accounts_insurer i ON i.id = a.insurer_id "
        "WHERE NOT i.active AND NOT EXISTS "
        "(SELECT FROM accounts_suspension s WHERE s.insurer_id = i.id AND s.lifted_at IS NULL)"
    )


def _create_invitations() -> None:
    """An insurer's own rows, sealed with its own key. Links that were mailed before open nothing any more."""
    op.create_table(
        "accounts_invitation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.LargeBinary(), nullable=False),
        sa.Column("email_index", sa.CHAR(64), nullable=False),
        sa.Column("secret_hash", sa.CHAR(64)),
        sa.Column("invited_at", INSTANT, nullable=False),
        sa.Column("invited_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("outcome", sa.String(16)),
        sa.CheckConstraint("outcome IN ('accepted', 'withdrawn')", name=op.f("ck_accounts_invitation_outcome")),
        sa.CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name=op.f("ck_accounts_invitation_ended_somehow")),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_invitation"),
        sa.UniqueConstraint("secret_hash", name="uq_accounts_invitation_secret_hash"),
    )
    for column in ("insurer_id", "email_index", "expires_at"):
        op.create_index(f"ix_accounts_invitation_{column}", "accounts_invitation", [column])
    _secure("accounts_invitation", f"{ALL} OR insurer_id = {OWN}")
    op.execute(f"CREATE POLICY of_an_insurer ON infra_subject_key USING (id = {OWN})")
    op.execute("DELETE FROM accounts_challenge WHERE purpose = 'join_insurer'")


def _secure(table: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {table} USING ({condition})")


def downgrade() -> None:
    raise SystemExit("To which account an insurer's money goes is evidence: restore a backup.")
