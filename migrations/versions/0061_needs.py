"""Schemes: what a household told of its needs, and how they are covered; and the baskets in which they are applied for.
Nobody's but the visit's: no insurer reads them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0061_needs"
down_revision = "0060_insured_consent"
branch_labels = None
depends_on = None

TABLE, BASKET, LINE = "needs_scheme", "needs_basket", "needs_basket_line"
APPLICATION = "application_application"
ALL = "(SELECT tenant_is_everybody())"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("follows_id", sa.Uuid()),
        sa.Column("plan", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("business_made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_needs_scheme"),
        sa.UniqueConstraint("reference", name="uq_needs_scheme_reference"),
        sa.ForeignKeyConstraint(
            ["journey_id"], ["traceability_journey.id"], name="fk_needs_scheme_journey_id_traceability_journey"
        ),
        sa.ForeignKeyConstraint(["follows_id"], ["needs_scheme.id"], name="fk_needs_scheme_follows_id_needs_scheme"),
    )
    op.create_index("ix_needs_scheme_journey_id", TABLE, ["journey_id"])
    op.create_table(
        BASKET,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scheme_id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_needs_basket"),
        sa.UniqueConstraint("scheme_id", name="uq_needs_basket_scheme_id"),
        sa.ForeignKeyConstraint(["scheme_id"], ["needs_scheme.id"], name="fk_needs_basket_scheme_id_needs_scheme"),
        sa.ForeignKeyConstraint(
            ["journey_id"], ["traceability_journey.id"], name="fk_needs_basket_journey_id_traceability_journey"
        ),
    )
    op.create_table(
        LINE,
        sa.Column("basket_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(8)),
        sa.Column("member", sa.SmallInteger()),
        sa.Column("taken_out_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("basket_id", "number", name="pk_needs_basket_line"),
        sa.UniqueConstraint("basket_id", "offer_id", name="uq_needs_basket_line_basket_id"),
        sa.ForeignKeyConstraint(["basket_id"], ["needs_basket.id"], name="fk_needs_basket_line_basket_id_needs_basket"),
        sa.CheckConstraint(
            "(role IS NULL) = (member IS NULL) AND role IN ('self', 'partner', 'child')",
            name=op.f("ck_needs_basket_line_whose"),
        ),
    )
    op.create_index("ix_needs_basket_line_offer_id", LINE, ["offer_id"])
    op.execute(f"REVOKE UPDATE, DELETE ON {TABLE}, {BASKET} FROM marketplace_app")
    op.execute(f"REVOKE DELETE ON {LINE} FROM marketplace_app")
    for table in (TABLE, BASKET, LINE):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ({ALL})")
    op.add_column(APPLICATION, sa.Column("basket_id", sa.Uuid()))
    op.add_column(APPLICATION, sa.Column("basket_line", sa.SmallInteger()))
    op.create_foreign_key(
        "fk_application_application_basket_line", APPLICATION, LINE,
        ["basket_id", "basket_line"], ["basket_id", "number"],
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_application_application_basket"), APPLICATION, "(basket_id IS NULL) = (basket_line IS NULL)"
    )
    op.create_index(
        "uq_application_application_basket_line", APPLICATION, ["basket_id", "basket_line"], unique=True,
        postgresql_where=sa.text("basket_id IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("uq_application_application_basket_line", APPLICATION)
    op.drop_constraint(op.f("ck_application_application_basket"), APPLICATION)
    op.drop_constraint("fk_application_application_basket_line", APPLICATION)
    op.drop_column(APPLICATION, "basket_line")
    op.drop_column(APPLICATION, "basket_id")
    for table in (LINE, BASKET, TABLE):
        op.drop_table(table)
