"""A release of pages is an entry of the log: which one, its row says. What was released before has none."""

import sqlalchemy as sa
from alembic import op

revision = "0044_released_in_the_log"
down_revision = "0043_visits"
branch_labels = None
depends_on = None

RELEASE = "traceability_release"


def upgrade() -> None:
    op.add_column(RELEASE, sa.Column("entry_id", sa.Uuid(), nullable=True))
    op.create_unique_constraint(f"uq_{RELEASE}_entry_id", RELEASE, ["entry_id"])


def downgrade() -> None:
    raise SystemExit("What is in the log is not taken out again: restore a backup of before instead.")
