"""Insurers apply to be here, two people of the marketplace decide; commission terms by version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0031_insurer_applications"
down_revision = "0030_insurer_onboarding"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_applications()
    _create_terms()


def _create_terms() -> None:
    """In force are the accepted ones of a line that began last, so no two overlap."""
    op.create_table(
        "accounts_commission_term",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("line", sa.String(24), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("set_at", INSTANT, nullable=False),
        sa.Column("set_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("accepted_at", INSTANT),
        sa.Column("accepted_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.CheckConstraint(
            "basis_points BETWEEN 0 AND 10000", name=op.f("ck_accounts_commission_term_share_of_the_premium")
        ),
        sa.CheckConstraint(
            "(accepted_at IS NULL) = (accepted_by IS NULL)",
            name=op.f("ck_accounts_commission_term_accepted_by_somebody"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_commission_term"),
        sa.UniqueConstraint("insurer_id", "line", "effective_from", name="uq_accounts_commission_term_insurer_id"),
    )
    op.execute("REVOKE DELETE ON accounts_commission_term FROM marketplace_app")
    op.execute("ALTER TABLE accounts_commission_term ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE accounts_commission_term FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenants ON accounts_commission_term "
        "USING ((SELECT tenant_is_everybody()) OR insurer_id = (SELECT tenant_insurer()))"
    )


def _create_applications() -> None:
    op.create_table(
        "accounts_insurer_application",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("details", JSONB(), nullable=False),
        sa.Column("documents", JSONB(), nullable=False),
        sa.Column("admin_name", sa.LargeBinary(), nullable=False),
        sa.Column("admin_email", sa.LargeBinary(), nullable=False),
        sa.Column("submitted_at", INSTANT, nullable=False),
        sa.Column("confirmed_at", INSTANT),
        sa.Column("approved_at", INSTANT),
        sa.Column("approved_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("decided_at", INSTANT),
        sa.Column("decided_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("reason", sa.String(1000)),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id")),
        sa.CheckConstraint(
            "state IN ('unconfirmed', 'waiting', 'half_approved', 'approved', 'rejected')",
            name=op.f("ck_accounts_insurer_application_state"),
        ),
        sa.CheckConstraint(
            "(state = 'approved') = (insurer_id IS NOT NULL)",
            name=op.f("ck_accounts_insurer_application_approved_exists"),
        ),
        sa.CheckConstraint(
            "state <> 'approved' OR (approved_by IS NOT NULL AND decided_by IS NOT NULL AND approved_by <> decided_by)",
            name=op.f("ck_accounts_insurer_application_approved_by_two"),
        ),
        sa.CheckConstraint(
            "(state = 'rejected') = (reason IS NOT NULL)",
            name=op.f("ck_accounts_insurer_application_rejected_for_a_reason"),
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_insurer_application"),
        sa.UniqueConstraint("reference", name="uq_accounts_insurer_application_reference"),
    )
    op.create_index("ix_accounts_insurer_application_submitted_at", "accounts_insurer_application", ["submitted_at"])
    op.execute("ALTER TABLE accounts_insurer_application ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE accounts_insurer_application FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY tenants ON accounts_insurer_application USING ((SELECT tenant_is_everybody()))")


def downgrade() -> None:
    raise SystemExit("Who admitted an insurer is evidence: restore a backup.")
