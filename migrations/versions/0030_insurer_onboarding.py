"""Insurers as parties: facts with source and day, suspensions that two people lift, keys of machines."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0030_insurer_onboarding"
down_revision = "0029_stated_needs"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
OWN = "insurer_id = (SELECT tenant_insurer())"


def upgrade() -> None:
    _create_facts()
    _create_suspensions()
    _create_keys()


def _create_facts() -> None:
    op.create_table(
        "accounts_insurer_fact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("figure", sa.Numeric(8, 3)),
        sa.Column("words", JSONB()),
        sa.Column("source", JSONB(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.Column("entered_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.CheckConstraint("figure IS NULL OR words IS NULL", name=op.f("ck_accounts_insurer_fact_figure_or_words")),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_insurer_fact"),
    )
    op.create_index("ix_accounts_insurer_fact_latest", "accounts_insurer_fact", ["insurer_id", "kind", "entered_at"])
    op.execute("REVOKE UPDATE, DELETE ON accounts_insurer_fact FROM marketplace_app")
    _secure("accounts_insurer_fact", ALL)
    op.execute("CREATE POLICY readers ON accounts_insurer_fact FOR SELECT USING (true)")  # printed on public pages
    op.execute(
        "CREATE TRIGGER renew_public_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON accounts_insurer_fact "
        "FOR EACH STATEMENT EXECUTE FUNCTION infra_renew_public_revision()"
    )


def _create_suspensions() -> None:
    op.create_table(
        "accounts_suspension",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("reason", sa.String(1000), nullable=False),
        sa.Column("suspended_at", INSTANT, nullable=False),
        sa.Column("suspended_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("lifting_reason", sa.String(1000)),
        sa.Column("lifting_at", INSTANT),
        sa.Column("lifting_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("lifted_at", INSTANT),
        sa.Column("lifted_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.CheckConstraint(
            "(lifting_at IS NULL) = (lifting_by IS NULL)", name=op.f("ck_accounts_suspension_asked_by_somebody")
        ),
        sa.CheckConstraint(
            "(lifted_at IS NULL) = (lifted_by IS NULL)", name=op.f("ck_accounts_suspension_lifted_by_somebody")
        ),
        sa.CheckConstraint(
            "lifted_by IS NULL OR lifted_by <> lifting_by", name=op.f("ck_accounts_suspension_lifted_by_two")
        ),
        sa.CheckConstraint(
            "lifted_at IS NULL OR lifting_at IS NOT NULL", name=op.f("ck_accounts_suspension_asked_before_lifted")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_suspension"),
    )
    op.create_index(
        "uq_accounts_suspension_in_force",
        "accounts_suspension",
        ["insurer_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at IS NULL"),
    )
    op.execute("REVOKE DELETE ON accounts_suspension FROM marketplace_app")
    _secure("accounts_suspension", f"{ALL} OR {OWN}")


def _create_keys() -> None:
    op.create_table(
        "accounts_api_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("token_sha256", sa.CHAR(64), nullable=False),
        sa.Column("scopes", JSONB(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("created_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("revoked_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.CheckConstraint(
            "expires_at <= created_at + interval '366 days'", name=op.f("ck_accounts_api_key_ends_within_a_year")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_accounts_api_key"),
        sa.UniqueConstraint("prefix", name="uq_accounts_api_key_prefix"),
    )
    op.create_index("ix_accounts_api_key_insurer_id", "accounts_api_key", ["insurer_id"])
    op.execute("REVOKE DELETE ON accounts_api_key FROM marketplace_app")
    _secure("accounts_api_key", f"{ALL} OR {OWN}")


def _secure(table: str, condition: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {table} USING ({condition})")


def downgrade() -> None:
    raise SystemExit("Who stopped an insurer's sales, and who let them go on, is evidence: restore a backup.")
