"""A revision of what is public: one row that every commit to insurers, products, versions or documents renews.

So does an offer that is voided.

A random id, not a count: it is never the same again, also after the tables were emptied. The function belongs to the
owner, so that nobody else may touch the row.
"""

from alembic import op

revision = "0021_public_revision"
down_revision = "0020_tenants"
branch_labels = None
depends_on = None

PUBLIC = ("accounts_insurer", "catalog_product", "catalog_product_version", "catalog_document")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE infra_public_revision (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            revision uuid NOT NULL
        );
        INSERT INTO infra_public_revision (revision) VALUES (gen_random_uuid());
        REVOKE INSERT, UPDATE, DELETE ON infra_public_revision FROM marketplace_app;
        CREATE FUNCTION infra_renew_public_revision() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            INSERT INTO infra_public_revision (revision) VALUES (gen_random_uuid())
            ON CONFLICT (only_row) DO UPDATE SET revision = excluded.revision;
            RETURN NULL;
        END $$
        """
    )
    for table in PUBLIC:
        op.execute(
            f"CREATE TRIGGER renew_public_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION infra_renew_public_revision()"
        )
    # All that ever changes of an offer, and seldom: asking each time would cost every look at a product a statement.
    op.execute(
        "CREATE TRIGGER renew_public_revision AFTER UPDATE OF voided_at ON quoting_offer "
        "FOR EACH STATEMENT EXECUTE FUNCTION infra_renew_public_revision()"
    )


def downgrade() -> None:
    for table in (*PUBLIC, "quoting_offer"):
        op.execute(f"DROP TRIGGER renew_public_revision ON {table}")
    op.execute("DROP FUNCTION infra_renew_public_revision()")
    op.execute("DROP TABLE infra_public_revision")
