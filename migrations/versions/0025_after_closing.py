"""What must hold after an account is closed.

A revision of the keys: one row that every commit which destroys a key renews, so that each process forgets it at once.
A trigger at the end of the transaction does it, when the transaction waits for nothing any more but this row: two who
erase cannot wait for one another. A random id, not a count, as in 0021; the row comes with the first destroyed key.

Entries of the trail and events of the payment provider without their content, for what happens after an erasure; and
copies of one's data that could not be made.
"""

from alembic import op

revision = "0025_after_closing"
down_revision = "0024_erasure"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE infra_key_revision (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            revision uuid NOT NULL
        );
        REVOKE INSERT, UPDATE, DELETE ON infra_key_revision FROM marketplace_app;
        CREATE FUNCTION infra_renew_key_revision() RETURNS trigger
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            INSERT INTO infra_key_revision (revision) VALUES (gen_random_uuid())
            ON CONFLICT (only_row) DO UPDATE SET revision = excluded.revision;
            RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER renew_key_revision AFTER INSERT OR UPDATE ON infra_subject_key
        DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.destroyed_at IS NOT NULL) EXECUTE FUNCTION infra_renew_key_revision()
        """
    )
    op.alter_column("traceability_evidence_intake", "body", nullable=True)
    op.alter_column("payment_provider_event", "payload", nullable=True)
    op.drop_constraint("ck_privacy_export_state", "privacy_export")
    op.create_check_constraint(
        op.f("ck_privacy_export_state"), "privacy_export", "state IN ('asked', 'ready', 'expired', 'failed')"
    )


def downgrade() -> None:
    raise SystemExit("What was entered after an erasure has no content and needs its room: restore a backup instead.")
