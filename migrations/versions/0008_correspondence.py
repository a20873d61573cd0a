"""Tables of correspondence."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008_correspondence"
down_revision = "0007_payment"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "correspondence_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject_key", sa.String(120), nullable=False),
        sa.Column("recipient", sa.String(254), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("context", JSONB(), nullable=False),
        sa.Column("attachments", JSONB(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id")),
        sa.Column("application_id", sa.Uuid()),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id")),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("subject", sa.String()),
        sa.Column("message_id", sa.String(254), nullable=False),
        sa.Column("eml", sa.LargeBinary()),
        sa.Column("eml_sha256", sa.String(64)),
        sa.Column("queued_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_failure", sa.String()),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_has_instant"),
        sa.PrimaryKeyConstraint("id", name="pk_correspondence_message"),
        sa.UniqueConstraint("kind", "subject_key", name="uq_correspondence_message_kind"),
        sa.UniqueConstraint("message_id", name="uq_correspondence_message_message_id"),
    )
    op.create_index("ix_correspondence_message_queued_at", "correspondence_message", ["queued_at"])
    op.create_index(
        "ix_correspondence_message_unsent",
        "correspondence_message",
        ["state"],
        postgresql_where=sa.text("state <> 'sent'"),
    )


def downgrade() -> None:
    op.drop_table("correspondence_message")
