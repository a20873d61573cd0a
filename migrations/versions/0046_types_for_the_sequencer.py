"""The sequencer sees of what type an entry of the log is: by that it knows whether its key has changed.

What an entry says stays out of its sight.
"""

from alembic import op

revision = "0046_types_for_the_sequencer"
down_revision = "0045_base_by_id"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT SELECT (type) ON traceability_entry TO marketplace_sequencer")


def downgrade() -> None:
    op.execute("REVOKE SELECT (type) ON traceability_entry FROM marketplace_sequencer")
