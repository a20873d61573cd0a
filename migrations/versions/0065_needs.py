"""Schemes: what a household told of its needs, and how they are covered. Nobody's but the visit's: no insurer reads
them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0065_needs"
down_revision = "0058_allotted_numbers"
branch_labels = None
depends_on = None

TABLE = "needs_scheme"
ALL = "(SELECT tenant_is_everybody())"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("follows_id", sa.Uuid()),
        sa.Column("plan", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_needs_scheme"),
        sa.UniqueConstraint("reference", name="uq_needs_scheme_reference"),
        sa.ForeignKeyConstraint(
            ["journey_id"], ["traceability_journey.id"], name="fk_needs_scheme_journey_id_traceability_journey"
        ),
        sa.ForeignKeyConstraint(
            ["follows_id"], ["needs_scheme.id"], name="fk_needs_scheme_follows_id_needs_scheme"
        ),
    )
    op.create_index("ix_needs_scheme_journey_id", TABLE, ["journey_id"])
    op.execute(f"REVOKE UPDATE, DELETE ON {TABLE} FROM marketplace_app")
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {TABLE} USING ({ALL})")


def downgrade() -> None:
    op.drop_table(TABLE)
