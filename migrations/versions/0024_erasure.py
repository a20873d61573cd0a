"""Rating factors can be erased, consent withdrawn, and a mail of farewell forgets to whom it went.

A need is still never changed but in one way: `quoting_erase_need` takes out what somebody told once what it was told
for is erased. It belongs to the owner, asks for the proof of that erasure (`privacy_erasure`, which nobody can take
back) and leaves alone what an application that is not erased rests on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024_erasure"
down_revision = "0023_reader_reads_evidence"
branch_labels = None
depends_on = None

ERASE_NEED = """
CREATE FUNCTION quoting_erase_need(wanted uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT tenant_is_everybody() THEN
        RAISE insufficient_privilege USING MESSAGE = 'an insurer erases no needs';
    END IF;
    IF EXISTS (SELECT FROM application_application a WHERE a.need_id = wanted AND a.erased_at IS NULL) THEN
        RETURN false;
    END IF;
    IF NOT EXISTS (
        SELECT FROM quoting_need n JOIN privacy_erasure e ON e.subject = 'journey' AND e.subject_id = n.journey_id
        WHERE n.id = wanted
    ) AND NOT EXISTS (
        SELECT FROM application_application a
        JOIN privacy_erasure e ON e.subject = 'application' AND e.subject_id = a.id
        WHERE a.need_id = wanted
    ) THEN
        RAISE insufficient_privilege USING MESSAGE = 'nothing that rests on this need was erased';
    END IF;
    UPDATE quoting_need
    SET risk = '{}', assumed = '[]', start_on = NULL, panel = jsonb_set(panel, '{not_offered}', '[]'), erased_at = now()
    WHERE id = wanted AND erased_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM quoting_offer o
    WHERE o.need_id = wanted
        AND NOT EXISTS (SELECT FROM application_application a WHERE a.offer_id = o.id)
        AND NOT EXISTS (SELECT FROM checkout_order_line l WHERE l.offer_id = o.id);
    -- What was applied for keeps its price; the lines name the cells of the tariff, and with them the factors.
    UPDATE quoting_offer
    SET breakdown = jsonb_build_object(
        'currency', currency,
        'total', premium_minor,
        'lines', jsonb_build_array(
            jsonb_build_object(
                'step', 'total',
                'kind', 'cover',
                'label', jsonb_build_object('en', 'Premium', 'zh', '保险费'),
                'amount', premium_minor,
                'cell', NULL
            )
        )
    )
    WHERE need_id = wanted;
    RETURN true;
END $$
"""

# Erased before, with their rating factors left behind.
ERASE_WHAT_SHOULD_BE = """
SELECT quoting_erase_need(n.id) FROM quoting_need n
WHERE EXISTS (SELECT FROM privacy_erasure e WHERE e.subject = 'journey' AND e.subject_id = n.journey_id)
    OR EXISTS (
        SELECT FROM application_application a
        JOIN privacy_erasure e ON e.subject = 'application' AND e.subject_id = a.id
        WHERE a.need_id = n.id
    )
"""

# The mail that an account is closed was kept with its address; the next account of that address found it.
FORGET_FAREWELLS = (
    """
    UPDATE infra_subject_key SET wrapped = NULL, destroyed_at = now()
    WHERE destroyed_at IS NULL AND id IN (
        SELECT id FROM correspondence_message
        WHERE kind = 'account_closed' AND state IN ('sent', 'failed') AND sealed_for = id
    )
    """,
    """
    UPDATE correspondence_message
    SET recipient = NULL, recipient_index = NULL, context = NULL, subject = NULL, eml = NULL
    WHERE kind = 'account_closed' AND state IN ('sent', 'failed')
    """,
)


def upgrade() -> None:
    op.execute("SET LOCAL marketplace.scope = 'all'")
    _widen("privacy_request", "kind", "'access', 'correction', 'restriction', 'objection', 'erasure', 'withdrawal'")
    _widen("privacy_erasure", "reason", "'retention', 'closing', 'withdrawal'")
    _let_needs_be_erased()
    for statement in FORGET_FAREWELLS:
        op.execute(statement)


def _widen(table: str, column: str, words: str) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table)
    op.create_check_constraint(name, table, f"{column} IN ({words})")


def _let_needs_be_erased() -> None:
    op.alter_column("quoting_need", "start_on", nullable=True)
    op.add_column("quoting_need", sa.Column("erased_at", sa.DateTime(timezone=True)))
    op.create_check_constraint(
        op.f("ck_quoting_need_start_or_erased"), "quoting_need", "start_on IS NOT NULL OR erased_at IS NOT NULL"
    )
    op.execute(ERASE_NEED)
    op.execute("REVOKE ALL ON FUNCTION quoting_erase_need(uuid) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION quoting_erase_need(uuid) TO marketplace_app")
    # Its comparison is kept in memory as a page for every visitor (0021). With the commit, not before: the daily
    # forgetting erases many, and nobody should wait for it at the one row of the revision.
    op.execute(
        "CREATE CONSTRAINT TRIGGER renew_public_revision AFTER UPDATE ON quoting_need DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION infra_renew_public_revision()"
    )
    op.execute(ERASE_WHAT_SHOULD_BE)


def downgrade() -> None:
    raise SystemExit("What was erased has no place in the tables of before: restore a backup instead.")
