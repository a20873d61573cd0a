"""Data keys of journeys are of a class of their own, which the keeper counts apart from those of persons.

The class is bound into the wrapped key, so what was wrapped before stays what it was bound as: a person's. The default
is for the old code, which goes on making keys while a new version is brought up.
"""

import sqlalchemy as sa
from alembic import op

revision = "0022_key_classes"
down_revision = "0021_public_revision"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("infra_subject_key", sa.Column("key_class", sa.String(8), nullable=False, server_default="person"))
    op.create_check_constraint(
        op.f("ck_infra_subject_key_key_class"), "infra_subject_key", "key_class IN ('person', 'journey')"
    )


def downgrade() -> None:
    raise SystemExit("The keys of journeys would open no more: restore a backup of before instead.")
