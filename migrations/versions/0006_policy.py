"""Tables of policy. A version of a contract is written once: the application's role may not change it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006_policy"
down_revision = "0005_catalog"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "policy_number_range",
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("next", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint("next > 0", name="next_positive"),
        sa.PrimaryKeyConstraint("insurer_id", "year", name="pk_policy_number_range"),
    )
    _create_policy()
    op.create_table(
        "policy_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), sa.ForeignKey("policy_policy.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("body_sha256", sa.String(64), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_version"),
        sa.UniqueConstraint("policy_id", "number", name="uq_policy_version_policy_id"),
    )
    op.execute("REVOKE UPDATE, DELETE ON policy_version FROM marketplace_app")
    op.create_table(
        "policy_document",
        sa.Column("version_id", sa.Uuid(), sa.ForeignKey("policy_version.id"), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("unsigned_sha256", sa.String(64)),
        sa.Column("rendered_at", INSTANT),
        sa.Column("document_sha256", sa.String(64)),
        sa.Column("sealed_at", INSTANT),
        sa.Column("failure", sa.String()),
        sa.CheckConstraint(
            "(state = 'sealed') = (document_sha256 IS NOT NULL AND sealed_at IS NOT NULL)", name="sealed_has_bytes"
        ),
        sa.PrimaryKeyConstraint("version_id", name="pk_policy_document"),
    )
    op.create_index(
        "ix_policy_document_unfinished", "policy_document", ["state"], postgresql_where=sa.text("state <> 'sealed'")
    )


def _create_policy() -> None:
    op.create_table(
        "policy_policy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("product_version_id", sa.Uuid(), sa.ForeignKey("catalog_product_version.id"), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id"), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("check_code", sa.String(16), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("end_on", sa.Date(), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("premium_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("concluded_at", INSTANT, nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.CheckConstraint("premium_minor >= 0", name="premium_not_negative"),
        sa.CheckConstraint("end_on >= start_on", name="period_forward"),
        sa.PrimaryKeyConstraint("id", name="pk_policy_policy"),
        sa.UniqueConstraint("number", name="uq_policy_policy_number"),
        sa.UniqueConstraint("application_id", name="uq_policy_policy_application_id"),
    )
    op.create_index("ix_policy_policy_order_id", "policy_policy", ["order_id"])
    op.create_index("ix_policy_policy_account", "policy_policy", ["account_id", "concluded_at"])
    op.create_index("ix_policy_policy_insurer", "policy_policy", ["insurer_id", "concluded_at"])
    op.create_index("ix_policy_policy_journey", "policy_policy", ["journey_id"])


def downgrade() -> None:
    for table in ("policy_document", "policy_version", "policy_policy", "policy_number_range"):
        op.drop_table(table)
