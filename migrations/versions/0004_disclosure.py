"""The marketplace's own wordings: written once, never changed."""

import sqlalchemy as sa
from alembic import op

revision = "0004_disclosure"
down_revision = "0003_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "disclosure_wording",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version > 0", name=op.f("ck_disclosure_wording_version_from_one")),
        sa.PrimaryKeyConstraint("id", name="pk_disclosure_wording"),
        sa.UniqueConstraint("key", "locale", "version", name="uq_disclosure_wording_version"),
    )
    op.execute("REVOKE UPDATE, DELETE ON disclosure_wording FROM marketplace_app")


def downgrade() -> None:
    raise SystemExit("What customers agreed to is not undone: the table is dropped with the database only.")
