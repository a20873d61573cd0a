"""The read model of the sales log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015_oversight"
down_revision = "0014_checkout"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "oversight_sale",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("line", sa.String(24), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id"), nullable=False),
        sa.Column("journey_reference", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("application_id", sa.Uuid(), sa.ForeignKey("application_application.id")),
        sa.Column("application_reference", sa.String(16)),
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("checkout_order.id")),
        sa.Column("order_reference", sa.String(32)),
        sa.Column("policy_id", sa.Uuid(), sa.ForeignKey("policy_policy.id")),
        sa.Column("policy_number", sa.String(64)),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id")),
        sa.Column("product_version_id", sa.Uuid()),
        sa.Column("product_name", JSONB()),
        sa.Column("premium_minor", sa.BigInteger()),
        sa.Column("currency", sa.String(3)),
        sa.Column("customer", sa.String(254)),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("concluded_at", INSTANT),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_oversight_sale"),
        sa.UniqueConstraint("application_id", name="uq_oversight_sale_application_id"),
    )
    _create_indexes()


def _create_indexes() -> None:
    for column in ("journey_id", "journey_reference", "application_reference", "order_reference"):
        op.create_index(f"ix_oversight_sale_{column}", "oversight_sale", [column])
    op.create_index("ix_oversight_sale_started_at", "oversight_sale", ["started_at", "id"])
    op.create_index("ix_oversight_sale_insurer", "oversight_sale", ["insurer_id", "started_at"])
    op.create_index("ix_oversight_sale_state", "oversight_sale", ["state", "started_at"])
    op.create_index(
        "ix_oversight_sale_policy_number",
        "oversight_sale",
        ["policy_number"],
        postgresql_ops={"policy_number": "varchar_pattern_ops"},
    )
    op.create_index(
        "uq_oversight_sale_compared",
        "oversight_sale",
        ["journey_id"],
        unique=True,
        postgresql_where=sa.text("application_id IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("oversight_sale")
