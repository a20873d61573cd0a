"""Journeys, page versions and the intake of evidence: written once, never changed (T26-34, T26-41)."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002_traceability"
down_revision = "0001_foundation"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "traceability_journey",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("channel", sa.String(16), nullable=False),
        sa.Column("attribution", JSONB(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("business_started_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_traceability_journey"),
        sa.UniqueConstraint("reference", name="uq_traceability_journey_reference"),
    )
    op.create_table(
        "traceability_page_version",
        sa.Column("id", sa.CHAR(64), nullable=False),
        sa.Column("page", sa.String(120), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("product_version_id", sa.Uuid()),
        sa.Column("manifest", JSONB(), nullable=False),
        sa.Column("first_served_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_traceability_page_version"),
    )
    _create_intake()
    op.execute("REVOKE UPDATE, DELETE ON traceability_journey, traceability_page_version FROM marketplace_app")
    op.execute("REVOKE SELECT, UPDATE, DELETE ON traceability_evidence_intake FROM marketplace_app")


def _create_intake() -> None:
    op.create_table(
        "traceability_evidence_intake",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid()),
        sa.Column("insurer_id", sa.Uuid()),
        sa.Column("page_version_id", sa.CHAR(64)),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("actor_role", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("actor_label", sa.String(80), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("business_at", INSTANT, nullable=False),
        sa.Column("body", JSONB(), nullable=False),
        sa.Column("body_sha256", sa.CHAR(64), nullable=False),
        sa.Column("page_sha256", sa.CHAR(64)),
        sa.Column("page_bytes", sa.LargeBinary()),
        sa.CheckConstraint(
            "(page_sha256 IS NULL) = (page_bytes IS NULL)",
            name=op.f("ck_traceability_evidence_intake_page_with_its_hash"),
        ),
        sa.CheckConstraint(
            "page_bytes IS NULL OR page_version_id IS NOT NULL",
            name=op.f("ck_traceability_evidence_intake_page_of_a_version"),
        ),
        sa.ForeignKeyConstraint(
            ["journey_id"],
            ["traceability_journey.id"],
            name="fk_traceability_evidence_intake_journey_id_traceability_journey",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_traceability_evidence_intake"),
    )
    # The type is PostgreSQL's own and unknown to SQLAlchemy.
    op.execute("ALTER TABLE traceability_evidence_intake ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id()")
    op.create_index("ix_traceability_evidence_intake_journey_id", "traceability_evidence_intake", ["journey_id"])


def downgrade() -> None:
    raise SystemExit("Evidence is not undone: its tables are dropped with the database only.")
