"""Tables of applications."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012_application"
down_revision = "0011_quoting"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_application()
    op.create_table(
        "application_confirmation",
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject_sha256", sa.CHAR(64), nullable=False),
        sa.Column("page_version_id", sa.CHAR(64), nullable=False),
        sa.Column("confirmed_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("application_id", "kind", "subject_sha256", name="pk_application_confirmation"),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["application_application.id"],
            name="fk_application_confirmation_application",
        ),
    )
    # A confirmation is evidence of what a person read and agreed to.
    op.execute("REVOKE UPDATE, DELETE ON application_confirmation FROM marketplace_app")
    op.execute("REVOKE DELETE ON application_application FROM marketplace_app")


def _create_application() -> None:
    op.create_table(
        "application_application",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("email", sa.String(254)),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("need_id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), nullable=False),
        sa.Column("product_version_id", sa.Uuid(), nullable=False),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("persons", JSONB(none_as_null=True)),
        sa.Column("answers", JSONB(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("business_created_at", INSTANT, nullable=False),
        sa.Column("submitted_at", INSTANT),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_application_application"),
        sa.UniqueConstraint("reference", name="uq_application_application_reference"),
        sa.UniqueConstraint("journey_id", "offer_id", name="uq_application_application_journey_id"),
        *_foreign_keys(
            journey_id="traceability_journey",
            account_id="accounts_account",
            offer_id="quoting_offer",
            need_id="quoting_need",
        ),
        sa.CheckConstraint(
            "state IN ('started', 'submitted', 'accepted', 'referred', 'declined', 'lapsed', 'contracted')",
            name=op.f("ck_application_application_state"),
        ),
        sa.CheckConstraint(
            "account_id IS NULL OR email IS NOT NULL", name=op.f("ck_application_application_proven_address")
        ),
        sa.CheckConstraint(
            "state IN ('started', 'lapsed') OR submitted_at IS NOT NULL",
            name=op.f("ck_application_application_submitted"),
        ),
    )
    op.create_index("ix_application_application_account_id", "application_application", ["account_id", "created_at"])
    op.create_index("ix_application_application_offer_id", "application_application", ["offer_id"])
    op.create_index(
        "ix_application_application_expires_at",
        "application_application",
        ["expires_at"],
        postgresql_where=sa.text("state IN ('started', 'accepted')"),
    )


def _foreign_keys(**targets: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_application_application_{column}_{table}")
        for column, table in targets.items()
    ]


def downgrade() -> None:
    op.drop_table("application_confirmation")
    op.drop_table("application_application")
