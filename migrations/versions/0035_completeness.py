"""How whole the trail of each finished sale is. The log is built again from the features, so nothing is filled in here:
`python -m marketplace.cli rebuild-sales-log` does.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0035_completeness"
down_revision = "0034_log"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("oversight_sale", sa.Column("trail_wanted", sa.SmallInteger()))
    op.add_column("oversight_sale", sa.Column("trail_gaps", JSONB(), server_default=sa.text("'[]'"), nullable=False))
    op.create_index(
        "ix_oversight_sale_gaps", "oversight_sale", ["id"], postgresql_where=sa.text("trail_gaps <> '[]'::jsonb")
    )


def downgrade() -> None:
    op.drop_column("oversight_sale", "trail_gaps")
    op.drop_column("oversight_sale", "trail_wanted")
