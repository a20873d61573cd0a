"""Uploads of insurers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013_listing"
down_revision = "0012_application"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "listing_upload",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("products", JSONB(), nullable=False),
        sa.Column("findings", JSONB(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("received_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("published_at", INSTANT),
        sa.Column("published_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("version_ids", JSONB(), nullable=False),
        sa.CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published_has_instant"),
        sa.PrimaryKeyConstraint("id", name="pk_listing_upload"),
        sa.UniqueConstraint("insurer_id", "sha256", name="uq_listing_upload_insurer_id"),
    )
    op.create_index("ix_listing_upload_received", "listing_upload", ["insurer_id", "received_at"])


def downgrade() -> None:
    op.drop_table("listing_upload")
