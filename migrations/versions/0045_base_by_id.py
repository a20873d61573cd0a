"""The view that another one is kept against is found in the log by its id, whatever else is asked of it.

Left the choice, the database may go through all entries of the journey instead: the longer a journey, the slower its
pages.
"""

from alembic import op

revision = "0045_base_by_id"
down_revision = "0044_released_in_the_log"
branch_labels = None
depends_on = None

FITS = """base.journey_id = NEW.journey_id AND base.application_id IS NOT DISTINCT FROM NEW.application_id
                  AND base.page_bytes IS NOT NULL AND base.page_base IS NULL"""
FUNCTION = f"""
    CREATE OR REPLACE FUNCTION traceability_base_is_there() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    BEGIN
        IF NOT EXISTS (
            WITH base AS MATERIALIZED (SELECT * FROM traceability_entry WHERE id = NEW.page_base)
            SELECT FROM base WHERE {FITS}
        ) AND NOT EXISTS (
            SELECT FROM traceability_evidence_intake AS base WHERE base.id = NEW.page_base
                  AND {FITS}
        ) THEN
            RAISE foreign_key_violation USING MESSAGE = 'the view that this one is kept against is not there';
        END IF;
        RETURN NEW;
    END $$
"""  # noqa: S608  a sentence of our own, twice


def upgrade() -> None:
    """The log first: most are there, and what is not yet in it has no index."""
    op.execute(FUNCTION)


def downgrade() -> None:
    raise SystemExit("What is evidence is not taken out again: restore a backup of before instead.")
