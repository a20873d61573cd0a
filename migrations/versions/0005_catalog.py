"""Products, their immutable versions, their documents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB

revision = "0005_catalog"
down_revision = "0004_disclosure"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # A range of uuid makes "the same product" a condition a gist index knows, without an extension.
    op.execute("CREATE TYPE catalog_uuid_range AS RANGE (subtype = uuid)")
    op.create_table(
        "catalog_product",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("line", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_product"),
        sa.UniqueConstraint("insurer_id", "code", name="uq_catalog_product_insurer_id"),
    )
    _create_version()
    op.create_table(
        "catalog_document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_version_id", sa.Uuid(), sa.ForeignKey("catalog_product_version.id"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_document"),
        sa.UniqueConstraint("product_version_id", "position", name="uq_catalog_document_product_version_id"),
    )
    op.execute("REVOKE UPDATE, DELETE ON catalog_document FROM marketplace_app")


def _create_version() -> None:
    op.create_table(
        "catalog_product_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), sa.ForeignKey("catalog_product.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.String(20), nullable=False),
        sa.Column("profile", sa.String(20), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("content_sha256", sa.CHAR(64), nullable=False),
        sa.Column("effective", DATERANGE(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=False),
        sa.Column("published_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("withdrawn_at", INSTANT),
        sa.CheckConstraint("NOT isempty(effective) AND NOT lower_inf(effective)", name="effective_begins"),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_product_version"),
        sa.UniqueConstraint("product_id", "number", name="uq_catalog_product_version_product_id"),
    )
    op.create_index("ix_catalog_product_version_line", "catalog_product_version", ["line"])
    op.create_index("ix_catalog_product_version_insurer", "catalog_product_version", ["insurer_id"])
    op.execute(
        """
        ALTER TABLE catalog_product_version ADD CONSTRAINT ex_catalog_product_version_effective
        EXCLUDE USING gist (catalog_uuid_range(product_id, product_id, '[]') WITH &&, effective WITH &&)
        WHERE (withdrawn_at IS NULL)
        """
    )
    op.execute("REVOKE UPDATE, DELETE ON catalog_product_version FROM marketplace_app")
    op.execute("GRANT UPDATE (effective, withdrawn_at) ON catalog_product_version TO marketplace_app")


def downgrade() -> None:
    for table in ("catalog_document", "catalog_product_version", "catalog_product"):
        op.drop_table(table)
    op.execute("DROP TYPE catalog_uuid_range")
