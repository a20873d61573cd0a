"""Ranges of policy numbers that insurers set aside for contracts concluded here. Numbers are looked for without their
hyphens and the like, and none may be another one spaced otherwise: so no code of an insurer may be, either.
"""

import sqlalchemy as sa
from alembic import op

revision = "0058_allotted_numbers"
down_revision = "0057_found_again"
branch_labels = None
depends_on = None

TABLE = "policy_allotted_range"
ALL = "(SELECT tenant_is_everybody())"
COMPACT = "upper(regexp_replace(number, '[^0-9A-Za-z]', '', 'g'))"
OWN = "(SELECT tenant_insurer())"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("prefix", sa.String(24), nullable=False),
        sa.Column("digits", sa.Integer(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.Column("allotted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy_allotted_range"),
        sa.CheckConstraint("0 <= first AND first <= last", name=op.f("ck_policy_allotted_range_first_to_last")),
        sa.CheckConstraint("next BETWEEN first AND last + 1", name=op.f("ck_policy_allotted_range_next_of_it")),
        sa.CheckConstraint(
            "digits BETWEEN 3 AND 12 AND length(last::text) <= digits",
            name=op.f("ck_policy_allotted_range_last_has_room"),
        ),
    )
    op.create_index("ix_policy_allotted_range_insurer_id", TABLE, ["insurer_id"])
    op.execute(f"ALTER TABLE {TABLE} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {TABLE} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {TABLE} USING ({ALL} OR insurer_id = {OWN})")
    op.execute(f"REVOKE DELETE ON {TABLE} FROM marketplace_app")
    op.add_column("policy_policy", sa.Column("compact_number", sa.String(64), sa.Computed(COMPACT, persisted=True)))
    op.create_unique_constraint("uq_policy_policy_compact_number", "policy_policy", ["compact_number"])
    op.alter_column("policy_policy", "compact_number", nullable=False)
    op.create_index(
        "uq_accounts_insurer_compact_code", "accounts_insurer", [sa.text("replace(code, '-', '')")], unique=True
    )


def downgrade() -> None:
    raise SystemExit("Numbers that were given are not forgotten: restore a backup of before instead.")
