"""How contracts end, disputes that hold them, notice before they are erased, and the last guards of all that.

What is said of a contract's end is written once. A dispute is closed once. Nobody, the owner of the tables included,
destroys the key of a contract that is in force or in dispute, or of the journey to it: the triggers look at all rows,
whatever the scope of the connection.
"""

import sqlalchemy as sa
from alembic import op

revision = "0040_retention"
down_revision = "0039_recordings"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
POLICY, HOLD, NOTICE = "policy_policy", "privacy_hold", "privacy_notice"

AS_OWNER = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"

# Of the contract itself, its application or its journey. It looks at everybody's rows and leaves the scope as it was.
KEEPS = """
CREATE FUNCTION privacy_keeps(subject uuid) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    scope text := coalesce(current_setting('marketplace.scope', true), '');
    kept boolean;
BEGIN
    PERFORM set_config('marketplace.scope', 'all', true);
    SELECT EXISTS (
        SELECT FROM policy_policy p
        WHERE (p.id = subject OR p.application_id = subject OR p.journey_id = subject) AND (
            p.ended_on IS NULL
            OR EXISTS (SELECT FROM privacy_hold h WHERE h.policy_id = p.id AND h.closed_at IS NULL)
        )
    ) INTO kept;
    PERFORM set_config('marketplace.scope', scope, true);
    RETURN kept;
END $$;
REVOKE ALL ON FUNCTION privacy_keeps(uuid) FROM PUBLIC
"""

KEEP_KEYS = f"""
CREATE FUNCTION privacy_keep_keys() RETURNS trigger {AS_OWNER} AS $$
BEGIN
    IF privacy_keeps(NEW.id) THEN
        RAISE insufficient_privilege USING MESSAGE = 'a contract in force or in dispute is kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_keys BEFORE INSERT OR UPDATE ON infra_subject_key
FOR EACH ROW WHEN (NEW.destroyed_at IS NOT NULL) EXECUTE FUNCTION privacy_keep_keys()
"""

KEEP_ENDING = f"""
CREATE FUNCTION policy_keep_ending() RETURNS trigger {AS_OWNER} AS $$
BEGIN
    IF OLD.ended_on IS NOT NULL
        AND (NEW.ended_on, NEW.ending, NEW.ended_at) IS DISTINCT FROM (OLD.ended_on, OLD.ending, OLD.ended_at)
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'how a contract ended is written once';
    END IF;
    IF OLD.erased_at IS NOT NULL AND NEW.erased_at IS DISTINCT FROM OLD.erased_at THEN
        RAISE insufficient_privilege USING MESSAGE = 'what is erased stays so';
    END IF;
    IF NEW.erased_at IS NOT NULL AND OLD.erased_at IS NULL AND privacy_keeps(NEW.id) THEN
        RAISE insufficient_privilege USING MESSAGE = 'a contract in force or in dispute is kept';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_ending BEFORE UPDATE ON policy_policy FOR EACH ROW EXECUTE FUNCTION policy_keep_ending()
"""

KEEP_HOLD = """
CREATE FUNCTION privacy_keep_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.closed_at IS NULL
            AND (NEW.id, NEW.policy_id, NEW.sealed_for, NEW.kind, NEW.reference, NEW.reason)
                IS NOT DISTINCT FROM (OLD.id, OLD.policy_id, OLD.sealed_for, OLD.kind, OLD.reference, OLD.reason)
            AND (NEW.opened_at, NEW.opened_by) IS NOT DISTINCT FROM (OLD.opened_at, OLD.opened_by)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE insufficient_privilege USING MESSAGE = 'a dispute is closed once and nothing else of it changes';
END $$;
CREATE TRIGGER keep_hold BEFORE UPDATE OR DELETE ON privacy_hold FOR EACH ROW EXECUTE FUNCTION privacy_keep_hold()
"""


def upgrade() -> None:
    _let_contracts_end()
    _create_hold()
    _create_notice()
    for guard in (KEEPS, KEEP_KEYS, KEEP_ENDING, KEEP_HOLD):
        op.execute(guard)
    _apart()


def _let_contracts_end() -> None:
    op.add_column(POLICY, sa.Column("ended_on", sa.Date()))
    op.add_column(POLICY, sa.Column("ending", sa.String(16)))
    op.add_column(POLICY, sa.Column("ended_at", INSTANT))
    op.add_column(POLICY, sa.Column("erased_at", INSTANT))
    checks = {
        "ending": "ending IN ('expired', 'withdrawn', 'surrendered', 'void', 'claim_paid', 'cancelled')",
        "ended_whole": "(state = 'ended') = (ended_on IS NOT NULL) AND (ended_on IS NULL) = (ending IS NULL) "
        "AND (ended_on IS NULL) = (ended_at IS NULL)",
        "ended_within": "ended_on <= end_on",
        "erased_after_its_end": "erased_at IS NULL OR ended_on IS NOT NULL",
    }
    for name, condition in checks.items():
        op.create_check_constraint(op.f(f"ck_{POLICY}_{name}"), POLICY, condition)
    op.create_index(f"ix_{POLICY}_running", POLICY, ["end_on"], postgresql_where=sa.text("ended_on IS NULL"))
    op.create_index(f"ix_{POLICY}_ended", POLICY, ["ended_on"], postgresql_where=sa.text("erased_at IS NULL"))


def _create_hold() -> None:
    op.create_table(
        HOLD,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), sa.ForeignKey(f"{POLICY}.id"), nullable=False),
        sa.Column("sealed_for", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("opened_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("closed_on", sa.Date()),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("outcome", sa.LargeBinary()),
        sa.CheckConstraint("kind IN ('complaint', 'lawsuit')", name=op.f(f"ck_{HOLD}_kind")),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (closed_on IS NULL) AND (closed_at IS NULL) = (closed_by IS NULL) "
            "AND (closed_at IS NULL) = (outcome IS NULL)",
            name=op.f(f"ck_{HOLD}_closed_whole"),
        ),
        sa.PrimaryKeyConstraint("id", name=f"pk_{HOLD}"),
    )
    op.create_index(f"ix_{HOLD}_policy_id", HOLD, ["policy_id", "opened_at"])
    op.create_index(f"ix_{HOLD}_open", HOLD, ["policy_id"], postgresql_where=sa.text("closed_at IS NULL"))


def _create_notice() -> None:
    op.create_table(
        NOTICE,
        sa.Column("policy_id", sa.Uuid(), sa.ForeignKey(f"{POLICY}.id"), nullable=False),
        sa.Column("kept_until", sa.Date(), nullable=False),
        sa.Column("given_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", "kept_until", name=f"pk_{NOTICE}"),
    )


def _apart() -> None:
    """An insurer sees which of its contracts are in dispute; notices are the marketplace's own."""
    op.execute(f"REVOKE DELETE ON {HOLD} FROM marketplace_app")
    op.execute(f"REVOKE UPDATE, DELETE ON {NOTICE} FROM marketplace_app")
    own = {HOLD: f"EXISTS (SELECT FROM {POLICY} p WHERE p.id = policy_id)", NOTICE: "false"}
    for table, condition in own.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ((SELECT tenant_is_everybody()) OR {condition})")


def downgrade() -> None:
    raise SystemExit("How contracts ended and what holds them is not taken out again: restore a backup instead.")
