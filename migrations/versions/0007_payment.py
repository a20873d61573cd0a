"""Tables of payment."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007_payment"
down_revision = "0006_policy"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_attempt()
    op.create_table(
        "payment_provider_event",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("type", sa.String(128), nullable=False),
        sa.Column("livemode", sa.Boolean(), nullable=False),
        sa.Column("payload", JSONB(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("handled_at", INSTANT),
        sa.Column("outcome", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_payment_provider_event"),
    )
    op.create_table(
        "payment_refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), sa.ForeignKey("payment_attempt.id"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("provider_id", sa.String(255)),
        sa.Column("failure", sa.String()),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("settled_at", INSTANT),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.PrimaryKeyConstraint("id", name="pk_payment_refund"),
        sa.UniqueConstraint("provider_id", name="uq_payment_refund_provider_id"),
        sa.UniqueConstraint("attempt_id", "reason", name="uq_payment_refund_reason"),
    )
    op.create_index(
        "ix_payment_refund_unsettled",
        "payment_refund",
        ["requested_at"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def _create_attempt() -> None:
    op.create_table(
        "payment_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(32), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("success_url", sa.String(), nullable=False),
        sa.Column("cancel_url", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id"), nullable=False),
        sa.Column("application_id", sa.Uuid()),
        sa.Column("insurer_id", sa.Uuid()),
        sa.Column("session_id", sa.String(255)),
        sa.Column("payment_intent_id", sa.String(255)),
        sa.Column("url", sa.String()),
        sa.Column("received_minor", sa.BigInteger()),
        sa.Column("received_currency", sa.String(3)),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("succeeded_at", INSTANT),
        sa.Column("settled_at", INSTANT),
        sa.CheckConstraint("amount_minor > 0", name="amount_positive"),
        sa.CheckConstraint("(received_minor IS NULL) = (received_currency IS NULL)", name="received_whole"),
        sa.PrimaryKeyConstraint("id", name="pk_payment_attempt"),
        sa.UniqueConstraint("idempotency_key", name="uq_payment_attempt_idempotency_key"),
        sa.UniqueConstraint("session_id", name="uq_payment_attempt_session_id"),
        sa.UniqueConstraint("purpose", "subject_id", "number", name="uq_payment_attempt_number"),
    )
    for name, condition in {
        "uq_payment_attempt_in_use": "state IN ('created', 'open', 'processing')",
        "uq_payment_attempt_paid_once": "succeeded_at IS NOT NULL",
    }.items():
        op.create_index(
            name, "payment_attempt", ["purpose", "subject_id"], unique=True, postgresql_where=sa.text(condition)
        )
    op.create_index(
        "ix_payment_attempt_unsettled",
        "payment_attempt",
        ["created_at"],
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("payment_refund")
    op.drop_table("payment_provider_event")
    op.drop_table("payment_attempt")
