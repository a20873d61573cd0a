"""A data key per person or journey; personal data sealed with it.

What was kept in the clear before cannot be sealed here (the keeper is not part of a migration) and is not taken along
in the clear: a database that holds any is refused.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_subject_keys"
down_revision = "0017_security_events"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_keys()


def _create_keys() -> None:
    op.create_table(
        "infra_subject_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary()),
        sa.Column("keeper_key_id", sa.String(40), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("destroyed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_infra_subject_key"),
        sa.CheckConstraint(
            "(wrapped IS NULL) = (destroyed_at IS NOT NULL)", name="ck_infra_subject_key_wrapped_or_destroyed"
        ),
    )
    # Keys are destroyed by overwriting, never dropped; only the site's own role sees them.
    op.execute("REVOKE DELETE ON infra_subject_key FROM marketplace_app")
    op.execute("REVOKE ALL ON infra_subject_key FROM marketplace_reader")


def downgrade() -> None:
    op.drop_table("infra_subject_key")
