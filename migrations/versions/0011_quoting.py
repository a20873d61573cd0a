"""Tables of quoting."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011_quoting"
down_revision = "0010_underwriting"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "quoting_need",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("line", sa.String(24), nullable=False),
        sa.Column("risk", JSONB(), nullable=False),
        sa.Column("assumed", JSONB(), nullable=False),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("ranking_rule", sa.String(24), nullable=False),
        sa.Column("panel", JSONB(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("business_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quoting_need"),
        sa.UniqueConstraint("reference", name="uq_quoting_need_reference"),
        sa.ForeignKeyConstraint(
            ["journey_id"], ["traceability_journey.id"], name="fk_quoting_need_journey_id_traceability_journey"
        ),
    )
    op.create_index("ix_quoting_need_journey_id", "quoting_need", ["journey_id"])
    _create_offer()
    # The price shown is the price paid: of an offer only `voided_at` can be written again, of a need nothing.
    op.execute("REVOKE UPDATE, DELETE ON quoting_need, quoting_offer FROM marketplace_app")
    op.execute("GRANT UPDATE (voided_at) ON quoting_offer TO marketplace_app")


def _create_offer() -> None:
    op.create_table(
        "quoting_offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("product_version_id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), nullable=False),
        sa.Column("premium_minor", sa.BigInteger(), nullable=False),
        sa.Column("payments", sa.SmallInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("breakdown", JSONB(), nullable=False),
        sa.Column("tariff_sha256", sa.CHAR(64), nullable=False),
        sa.Column("content_sha256", sa.CHAR(64), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("voided_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_quoting_offer"),
        sa.UniqueConstraint("need_id", "place", name="uq_quoting_offer_need_id"),
        sa.ForeignKeyConstraint(["need_id"], ["quoting_need.id"], name="fk_quoting_offer_need_id_quoting_need"),
        sa.ForeignKeyConstraint(
            ["product_version_id"],
            ["catalog_product_version.id"],
            name="fk_quoting_offer_product_version_id_catalog_product_version",
        ),
        sa.CheckConstraint("premium_minor >= 0 AND payments > 0", name=op.f("ck_quoting_offer_price")),
        sa.CheckConstraint("total_minor = premium_minor * payments", name=op.f("ck_quoting_offer_total")),
    )
    op.create_index("ix_quoting_offer_product_version_id", "quoting_offer", ["product_version_id"])


def downgrade() -> None:
    op.drop_table("quoting_offer")
    op.drop_table("quoting_need")
