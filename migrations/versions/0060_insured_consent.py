"""Questions to insured persons who have to agree to cover that pays on their death; checks of who they are."""

import sqlalchemy as sa
from alembic import op

revision = "0060_insured_consent"
down_revision = "0059_identity"
branch_labels = None
depends_on = None

CHECK, TABLE = "application_identity_check", "application_insured_consent"
OF_APPLICATION = "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)"


def upgrade() -> None:
    op.add_column(CHECK, sa.Column("whose", sa.String(16), server_default="applicant", nullable=False))
    op.create_check_constraint(op.f("ck_application_identity_check_whose"), CHECK, "whose IN ('applicant', 'insured')")
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("subject_sha256", sa.CHAR(64), nullable=False),
        sa.Column("token_hash", sa.CHAR(64), nullable=False),
        sa.Column("email", sa.LargeBinary()),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name="pk_application_insured_consent"),
        sa.UniqueConstraint("token_hash", name="uq_application_insured_consent_token_hash"),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application_application.id"], name="fk_application_insured_consent_application"
        ),
        sa.CheckConstraint("state IN ('asked', 'given', 'refused')", name=op.f("ck_application_insured_consent_state")),
        sa.CheckConstraint(
            "(state = 'asked') = (answered_at IS NULL)", name=op.f("ck_application_insured_consent_answered")
        ),
    )
    op.create_index("ix_application_insured_consent_application_id", TABLE, ["application_id", "asked_at"])
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {TABLE} USING ({OF_APPLICATION})")
    op.execute(f"REVOKE UPDATE, DELETE ON {TABLE} FROM marketplace_app")
    op.execute(f"GRANT UPDATE (state, answered_at, email) ON {TABLE} TO marketplace_app")


def downgrade() -> None:
    raise SystemExit("Who agreed to be insured is evidence and is not forgotten: restore a backup of before instead.")
