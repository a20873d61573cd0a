"""Contracts that are drawn by lot each month and checked, and what people make of the report."""

import sqlalchemy as sa
from alembic import op

revision = "0064_samples"
down_revision = "0063_referrals"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SAMPLE, SAMPLED = "oversight_sample", "oversight_sampled"


def upgrade() -> None:
    op.create_table(
        SAMPLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("drawn_at", INSTANT, nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("seed", sa.CHAR(64), nullable=False),
        sa.Column("contracts", sa.Integer(), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.Column("read_by", sa.Uuid()),
        sa.Column("read_at", INSTANT),
        sa.Column("words", sa.String(), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name="pk_oversight_sample"),
        sa.ForeignKeyConstraint(
            ["read_by"], ["accounts_account.id"], name="fk_oversight_sample_read_by_accounts_account"
        ),
        sa.CheckConstraint("(read_by IS NULL) = (read_at IS NULL)", name=op.f("ck_oversight_sample_read_whole")),
        sa.CheckConstraint(
            "read_at IS NULL OR finished_at IS NOT NULL", name=op.f("ck_oversight_sample_read_when_finished")
        ),
    )
    op.create_index("ix_oversight_sample_drawn_at", SAMPLE, ["drawn_at"])
    op.create_table(
        SAMPLED,
        sa.Column("sample_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("verified", sa.Boolean()),
        sa.Column("failure", sa.String(80)),
        sa.Column("core_sha256", sa.CHAR(64)),
        sa.Column("checked_at", INSTANT),
        sa.PrimaryKeyConstraint("sample_id", "application_id", name="pk_oversight_sampled"),
        sa.ForeignKeyConstraint(
            ["sample_id"], [f"{SAMPLE}.id"], name="fk_oversight_sampled_sample_id_oversight_sample"
        ),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application_application.id"],
            name="fk_oversight_sampled_application_id_application_application",
        ),
        sa.CheckConstraint(
            "checked_at IS NULL OR (verified IS NULL) <> (failure IS NULL)",
            name=op.f("ck_oversight_sampled_verified_or_failed"),
        ),
        sa.CheckConstraint(
            "(verified IS NULL) = (core_sha256 IS NULL)", name=op.f("ck_oversight_sampled_verified_of_a_file")
        ),
    )
    for table in (SAMPLE, SAMPLED):
        op.execute(f"REVOKE DELETE ON {table} FROM marketplace_app")
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ((SELECT tenant_is_everybody()))")


def downgrade() -> None:
    op.drop_table(SAMPLED)
    op.drop_table(SAMPLE)
