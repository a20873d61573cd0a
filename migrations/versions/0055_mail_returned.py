"""Mails that come back: when, and with which code."""

import sqlalchemy as sa
from alembic import op

revision = "0055_mail_returned"
down_revision = "0054_mail"
branch_labels = None
depends_on = None

MESSAGE = "correspondence_message"
SENT, BOUNCED = f"ck_{MESSAGE}_sent_has_instant", f"ck_{MESSAGE}_bounced_has_instant"


def upgrade() -> None:
    op.add_column(MESSAGE, sa.Column("bounced_at", sa.DateTime(timezone=True)))
    op.add_column(MESSAGE, sa.Column("bounce_status", sa.String(16)))
    op.drop_constraint(op.f(SENT), MESSAGE)
    op.create_check_constraint(op.f(SENT), MESSAGE, "state NOT IN ('sent', 'bounced') OR sent_at IS NOT NULL")
    op.create_check_constraint(
        op.f(BOUNCED),
        MESSAGE,
        "(bounced_at IS NULL) = (bounce_status IS NULL) AND (state <> 'bounced' OR bounced_at IS NOT NULL)",
    )


def downgrade() -> None:
    raise SystemExit("That a mail came back is not taken out again: restore a backup of before instead.")
