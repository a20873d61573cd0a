"""An upload's road to sale: drafts as they were read, each step with who took it, and how a sale ends.

Drafts that lie there were never kept as they were read; they are closed, and the same file can be uploaded anew.
`declared_to` is the end that an insurer gave a version: a newer one cuts `effective`, and gives it back when it is
withdrawn before it began. Of versions that were cut before, the old end is not known: what is cut stays cut.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027_listing_review"
down_revision = "0026_tariff_roots"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
EVERYBODYS = "(SELECT tenant_is_everybody())"
DECLARED = "(SELECT tenant_is_declared())"
OWN = "(SELECT tenant_insurer())"
OPEN = "state IN ('received', 'draft', 'submitted', 'approved')"
STATES = "state IN ('received', 'refused', 'draft', 'submitted', 'approved', 'published', 'rejected', 'withdrawn')"
SECOND_PERSON = "approved_by IS NULL OR coalesce(approved_by <> submitted_by AND approved_by <> received_by, false)"


def upgrade() -> None:
    _uploads()
    _drafts()
    _events()
    _sale_ends()
    for table in ("listing_draft", "listing_event", "catalog_sale_end"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ({EVERYBODYS} OR insurer_id = {OWN})")
    op.execute(f"CREATE POLICY readers ON catalog_sale_end FOR SELECT USING ({DECLARED})")


def _uploads() -> None:
    op.add_column("listing_upload", sa.Column("file_name", sa.String(200), nullable=False, server_default=""))
    for name in ("submitted_by", "approved_by"):
        op.add_column(
            "listing_upload",
            sa.Column(name, sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        )
    op.execute("UPDATE listing_upload SET state = 'withdrawn' WHERE state = 'draft'")
    op.drop_constraint("uq_listing_upload_insurer_id", "listing_upload")
    op.create_index(
        "ix_listing_upload_open", "listing_upload", ["insurer_id", "sha256"], unique=True,
        postgresql_where=sa.text(OPEN),
    )  # fmt: skip
    op.create_check_constraint(op.f("ck_listing_upload_state"), "listing_upload", STATES)
    op.create_check_constraint(op.f("ck_listing_upload_second_person"), "listing_upload", SECOND_PERSON)


def _drafts() -> None:
    op.create_table(
        "listing_draft",
        sa.Column("upload_id", sa.Uuid(), sa.ForeignKey("listing_upload.id"), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("tariff", JSONB(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("effective_to", sa.Date()),
        sa.Column("difference", JSONB(), nullable=False),
        sa.Column("impact", JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "place", name="pk_listing_draft"),
    )
    op.execute("REVOKE UPDATE, DELETE ON listing_draft FROM marketplace_app")
    op.execute("GRANT UPDATE (difference, impact) ON listing_draft TO marketplace_app")


def _events() -> None:
    op.create_table(
        "listing_event",
        sa.Column("upload_id", sa.Uuid(), sa.ForeignKey("listing_upload.id"), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("business_at", INSTANT, nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("actor", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("upload_id", "number", name="pk_listing_event"),
    )
    op.execute("REVOKE UPDATE, DELETE ON listing_event FROM marketplace_app")


def _sale_ends() -> None:
    op.add_column("catalog_product_version", sa.Column("declared_to", sa.Date()))
    op.add_column("catalog_product_version", sa.Column("sale_stops_at", INSTANT))
    op.execute("UPDATE catalog_product_version SET declared_to = upper(effective)")
    op.execute("GRANT UPDATE (sale_stops_at) ON catalog_product_version TO marketplace_app")
    op.create_table(
        "catalog_sale_end",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_version_id", sa.Uuid(), sa.ForeignKey("catalog_product_version.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("business_at", INSTANT, nullable=False),
        sa.Column("reason", JSONB(), nullable=False),
        sa.Column("noted_at", INSTANT, nullable=False),
        sa.Column("noted_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.CheckConstraint("kind IN ('stop_sale', 'recall', 'withdrawal')", name="kind"),
        sa.PrimaryKeyConstraint("id", name="pk_catalog_sale_end"),
    )
    op.create_index("ix_catalog_sale_end_version", "catalog_sale_end", ["product_version_id", "noted_at"])
    op.execute("REVOKE UPDATE, DELETE ON catalog_sale_end FROM marketplace_app")
    op.execute(
        "CREATE TRIGGER renew_public_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON catalog_sale_end "
        "FOR EACH STATEMENT EXECUTE FUNCTION infra_renew_public_revision()"
    )


def downgrade() -> None:
    raise SystemExit("Who approved what would be lost: restore a backup.")
