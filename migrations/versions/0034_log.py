"""The verifiable log: what is entered is moved by the sequencer from the intake into the log, and stays there.

What was recorded before has hashes without a salt, which an erasure would leave to be guessed, and not of all its
columns. It cannot be made good without the keeper of keys and is not called evidence of the new kind: a database that
holds any is refused.
"""

import sqlalchemy as sa
from alembic import op

revision = "0034_log"
down_revision = "0033_insurer_connect"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
INTAKE, ENTRY = "traceability_evidence_intake", "traceability_entry"
PUBLIC = ("traceability_log_tile", "traceability_log_checkpoint", "traceability_log_key")
SEQUENCER = "marketplace_sequencer"
OTHERS = "marketplace_owner, marketplace_app, marketplace_reader"
# As it is for the intake (0020).
WHOSE = (
    "(SELECT tenant_is_everybody()) OR insurer_id = (SELECT tenant_insurer()) "
    "OR EXISTS (SELECT FROM application_application a WHERE a.id = application_id)"
)


def upgrade() -> None:
    if op.get_bind().execute(sa.select(sa.exists().select_from(sa.table(INTAKE)))).scalar():
        raise SystemExit(
            f"{INTAKE} holds entries from before there was a log: begin with an empty database (docs/running.md)"
        )
    _lighten_the_intake()
    _create_entry()
    _create_what_is_public()
    _keep(ENTRY, *PUBLIC)
    _grant()


def _lighten_the_intake() -> None:
    """It holds the entries of a second; only the order in which they are taken out needs an index."""
    op.drop_constraint(f"pk_{INTAKE}", INTAKE)
    op.drop_index(f"ix_{INTAKE}_journey_id", INTAKE)
    op.create_index(f"ix_{INTAKE}_xid", INTAKE, ["xid"])
    op.execute(
        f"ALTER TABLE {INTAKE} ALTER COLUMN id SET NOT NULL, "
        "SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)"
    )


def _create_entry() -> None:
    op.create_table(
        ENTRY,
        sa.Column("log_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary()),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("application_id", sa.Uuid()),
        sa.Column("insurer_id", sa.Uuid()),
        sa.Column("page_version_id", sa.CHAR(64)),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("actor_role", sa.String(16), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("actor_label", sa.String(80), nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("business_at", INSTANT, nullable=False),
        sa.Column("body", sa.LargeBinary()),
        sa.Column("body_sha256", sa.CHAR(64), nullable=False),
        sa.Column("page_sha256", sa.CHAR(64)),
        sa.Column("page_bytes", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("log_index", name=f"pk_{ENTRY}"),
        sa.UniqueConstraint("id", name=f"uq_{ENTRY}_id"),
        sa.UniqueConstraint("journey_id", "number", name=f"uq_{ENTRY}_journey_id"),
    )
    op.create_index(f"ix_{ENTRY}_application_id", ENTRY, ["application_id"])


def _create_what_is_public() -> None:
    tile, checkpoint, key = PUBLIC
    op.create_table(
        tile,
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=f"pk_{tile}"),
    )
    op.create_table(
        checkpoint,
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("size", name=f"pk_{checkpoint}"),
    )
    op.create_table(
        key,
        sa.Column("vkey", sa.String(), nullable=False),
        sa.Column("first_size", sa.BigInteger(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("vkey", name=f"pk_{key}"),
    )


def _keep(*tables: str) -> None:
    """Nobody changes what is in the log, the owner of the tables included."""
    op.execute(
        """
        CREATE FUNCTION traceability_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE insufficient_privilege USING MESSAGE = 'what is in the log is never changed';
        END $$
        """
    )
    for table in tables:
        op.execute(
            f"CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION traceability_keep()"
        )


def _grant() -> None:
    """The sequencer moves entries and adds to the log. Whose they are is not its business."""
    for table in (ENTRY, *PUBLIC):
        op.execute(f"REVOKE ALL ON {table} FROM marketplace_app")
        op.execute(f"GRANT SELECT ON {table} TO marketplace_reader")
    op.execute(f"GRANT SELECT, DELETE ON {INTAKE} TO {SEQUENCER}")
    op.execute(f"GRANT INSERT, SELECT (log_index, journey_id, number, leaf_hash) ON {ENTRY} TO {SEQUENCER}")
    op.execute(f"GRANT SELECT, INSERT ON {', '.join(PUBLIC)} TO {SEQUENCER}")
    op.execute(f"ALTER TABLE {ENTRY} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {ENTRY} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {ENTRY} TO {OTHERS} USING ({WHOSE})")
    op.execute(f"ALTER POLICY tenants ON {INTAKE} TO {OTHERS}")
    for table in (INTAKE, ENTRY):
        op.execute(f"CREATE POLICY sequencing ON {table} TO {SEQUENCER} USING (true)")


def downgrade() -> None:
    raise SystemExit("What is in the log is not taken out again: restore a backup of before instead.")
