"""A view may be kept against an earlier one of its journey."""

import sqlalchemy as sa
from alembic import op

revision = "0041_views"
down_revision = "0040_retention"
branch_labels = None
depends_on = None

INTAKE, ENTRY = "traceability_evidence_intake", "traceability_entry"


def upgrade() -> None:
    for table in (INTAKE, ENTRY):
        op.add_column(table, sa.Column("page_base", sa.Uuid()))
    op.create_check_constraint(op.f(f"ck_{INTAKE}_against_one"), INTAKE, "page_reference IS NULL OR page_base IS NULL")
    op.drop_index(f"ix_{ENTRY}_without_reference", ENTRY)
    op.create_index(
        f"ix_{ENTRY}_without_reference",
        ENTRY,
        ["page_version_id"],
        postgresql_where=sa.text("page_bytes IS NOT NULL AND page_reference IS NULL AND page_base IS NULL"),
    )


def downgrade() -> None:
    raise SystemExit("What is evidence is not taken out again: restore a backup of before instead.")
