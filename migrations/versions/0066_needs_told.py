"""What an applicant tells of whether an insurance suits, and the statement of demands and needs that goes with it."""

import sqlalchemy as sa
from alembic import op

revision = "0066_needs_told"
down_revision = "0065_notices"
branch_labels = None
depends_on = None

APPLICATION = "application_application"
SEALED = ("circumstances", "statement")


def upgrade() -> None:
    for name in SEALED:
        op.add_column(APPLICATION, sa.Column(name, sa.LargeBinary()))


def downgrade() -> None:
    raise SystemExit("What was stated before a contract is evidence: restore a backup of before instead.")
