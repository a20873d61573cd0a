"""The tariff of each product version."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009_rating"
down_revision = "0008_correspondence"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rating_tariff",
        sa.Column("product_version_id", sa.Uuid(), sa.ForeignKey("catalog_product_version.id"), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("product_version_id", name="pk_rating_tariff"),
    )
    op.execute("REVOKE UPDATE, DELETE ON rating_tariff FROM marketplace_app")


def downgrade() -> None:
    op.drop_table("rating_tariff")
