"""Tables of underwriting."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010_underwriting"
down_revision = "0009_rating"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "underwriting_decision",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("outcome", sa.String(8), nullable=False),
        sa.Column("reasons", JSONB(), nullable=False),
        sa.Column("rule_sha256", sa.CHAR(64), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_underwriting_decision"),
        sa.UniqueConstraint("application_id", "number", name="uq_underwriting_decision_application_id"),
        sa.CheckConstraint("outcome IN ('accept', 'refer', 'decline')", name=op.f("ck_underwriting_decision_outcome")),
        sa.CheckConstraint("number > 0", name=op.f("ck_underwriting_decision_number")),
    )
    # What an insurer decided and why is evidence: it is added to, never rewritten.
    op.execute("REVOKE UPDATE, DELETE ON underwriting_decision FROM marketplace_app")


def downgrade() -> None:
    op.drop_table("underwriting_decision")
