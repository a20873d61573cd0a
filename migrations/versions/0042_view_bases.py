"""A view is kept only against one that is there.

A process may remember a view whose commit the database lost with the power: what would rest on it is refused.
"""

from alembic import op

revision = "0042_view_bases"
down_revision = "0041_views"
branch_labels = None
depends_on = None

INTAKE, ENTRY = "traceability_evidence_intake", "traceability_entry"


def upgrade() -> None:
    """The application may not read the log: the function asks as the owner. The log is asked first, by its index."""
    found = " UNION ALL ".join(
        f"SELECT FROM {table} AS base WHERE base.id = NEW.page_base AND base.journey_id = NEW.journey_id "  # noqa: S608  our own names
        "AND base.application_id IS NOT DISTINCT FROM NEW.application_id "
        "AND base.page_bytes IS NOT NULL AND base.page_base IS NULL"
        for table in (ENTRY, INTAKE)
    )
    op.execute(
        f"""
        CREATE FUNCTION traceability_base_is_there() RETURNS trigger LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            IF NOT EXISTS ({found}) THEN
                RAISE foreign_key_violation USING MESSAGE = 'the view that this one is kept against is not there';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        f"CREATE TRIGGER base_is_there BEFORE INSERT ON {INTAKE} "
        "FOR EACH ROW WHEN (NEW.page_base IS NOT NULL) EXECUTE FUNCTION traceability_base_is_there()"
    )


def downgrade() -> None:
    raise SystemExit("What is evidence is not taken out again: restore a backup of before instead.")
