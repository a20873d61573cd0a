"""A need keeps what somebody stated the product should do and which need it was made from; an offer, what it meets.

What was compared before had no needs to state. Erasing a need takes them out with the rating factors.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0029_stated_needs"
down_revision = "0028_listing_rate_cards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("quoting_need", sa.Column("stated", JSONB(), nullable=False, server_default="[]"))
    op.alter_column("quoting_need", "stated", server_default=None)
    op.add_column("quoting_need", sa.Column("follows_id", sa.Uuid()))
    op.create_foreign_key(
        "fk_quoting_need_follows_id_quoting_need", "quoting_need", "quoting_need", ["follows_id"], ["id"]
    )
    op.add_column("quoting_offer", sa.Column("fits", JSONB(), nullable=False, server_default="{}"))
    op.alter_column("quoting_offer", "fits", server_default=None)
    _rewrite_erasing(
        "SET risk = '{}', assumed = '[]', start_on = NULL,",
        "SET risk = '{}', assumed = '[]', stated = '[]', start_on = NULL,",
    )
    _rewrite_erasing("SET breakdown = jsonb_build_object(", "SET fits = '{}', breakdown = jsonb_build_object(")


def downgrade() -> None:
    _rewrite_erasing(
        "SET risk = '{}', assumed = '[]', stated = '[]', start_on = NULL,",
        "SET risk = '{}', assumed = '[]', start_on = NULL,",
    )
    _rewrite_erasing("SET fits = '{}', breakdown = jsonb_build_object(", "SET breakdown = jsonb_build_object(")
    op.drop_column("quoting_offer", "fits")
    op.drop_column("quoting_need", "follows_id")
    op.drop_column("quoting_need", "stated")


def _rewrite_erasing(before: str, after: str) -> None:
    """Put other words into `quoting_erase_need` (0024); its owner and grants stay."""
    bind = op.get_bind()
    body = bind.scalar(sa.text("SELECT pg_get_functiondef('quoting_erase_need(uuid)'::regprocedure)"))
    if body is None or body.count(before) != 1:
        raise AssertionError("the function is not the one of 0024")
    bind.exec_driver_sql(body.replace(before, after))
