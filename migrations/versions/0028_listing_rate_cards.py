"""Named ways of reading an insurer's wide rate cards."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0028_listing_rate_cards"
down_revision = "0027_listing_review"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listing_rate_card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("line", sa.String(20), nullable=False),
        sa.Column("grid_sha256", sa.CHAR(64), nullable=False),
        sa.Column("plan", JSONB(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.PrimaryKeyConstraint("id", name="pk_listing_rate_card"),
        sa.UniqueConstraint("insurer_id", "name", name="uq_listing_rate_card_insurer_id"),
    )
    op.execute("ALTER TABLE listing_rate_card ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE listing_rate_card FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY tenants ON listing_rate_card "
        "USING ((SELECT tenant_is_everybody()) OR insurer_id = (SELECT tenant_insurer()))"
    )


def downgrade() -> None:
    op.drop_table("listing_rate_card")
