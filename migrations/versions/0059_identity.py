"""Attempts to prove who an applicant is. What was shown is sealed; of the rest nothing is changed."""

import sqlalchemy as sa
from alembic import op

revision = "0059_identity"
down_revision = "0058_allotted_numbers"
branch_labels = None
depends_on = None

TABLE = "application_identity_check"
OF_APPLICATION = "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("flaw", sa.String(32)),
        sa.Column("shown", sa.LargeBinary()),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_application_identity_check"),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application_application.id"], name="fk_application_identity_check_application"
        ),
        sa.CheckConstraint("outcome IN ('verified', 'refused')", name=op.f("ck_application_identity_check_outcome")),
        sa.CheckConstraint(
            "(outcome = 'refused') = (flaw IS NOT NULL)", name=op.f("ck_application_identity_check_refused_with_flaw")
        ),
    )
    op.create_index("ix_application_identity_check_application_id", TABLE, ["application_id", "checked_at"])
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {TABLE} USING ({OF_APPLICATION})")
    op.execute(f"REVOKE UPDATE, DELETE ON {TABLE} FROM marketplace_app")
    op.execute(f"GRANT UPDATE (shown) ON {TABLE} TO marketplace_app")


def downgrade() -> None:
    raise SystemExit("Proofs of identity are evidence and are not forgotten: restore a backup of before instead.")
