"""Tables of checkout."""

import sqlalchemy as sa
from alembic import op

revision = "0014_checkout"
down_revision = "0013_listing"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "checkout_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id"), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("paid_at", INSTANT),
        sa.Column("attempt_id", sa.Uuid(), sa.ForeignKey("payment_attempt.id")),
        sa.Column("reason", sa.String(64)),
        sa.CheckConstraint("total_minor > 0", name="total_positive"),
        sa.CheckConstraint("(paid_at IS NULL) = (attempt_id IS NULL)", name="paid_by_an_attempt"),
        sa.PrimaryKeyConstraint("id", name="pk_checkout_order"),
        sa.UniqueConstraint("reference", name="uq_checkout_order_reference"),
    )
    op.create_index("ix_checkout_order_account", "checkout_order", ["account_id", "created_at"])
    op.create_index(
        "ix_checkout_order_unfinished",
        "checkout_order",
        ["created_at"],
        postgresql_where=sa.text("state IN ('open', 'paid')"),
    )
    op.create_table(
        "checkout_order_line",
        sa.Column("order_id", sa.Uuid(), sa.ForeignKey("checkout_order.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), sa.ForeignKey("application_application.id"), nullable=False),
        sa.Column("offer_id", sa.Uuid(), sa.ForeignKey("quoting_offer.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("product_version_id", sa.Uuid(), sa.ForeignKey("catalog_product_version.id"), nullable=False),
        sa.Column("premium_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "number", name="pk_checkout_order_line"),
    )
    op.create_index("ix_checkout_order_line_application_id", "checkout_order_line", ["application_id"])
    op.create_index(
        "uq_checkout_order_line_live",
        "checkout_order_line",
        ["application_id"],
        unique=True,
        postgresql_where=sa.text("live"),
    )


def downgrade() -> None:
    op.drop_table("checkout_order_line")
    op.drop_table("checkout_order")
