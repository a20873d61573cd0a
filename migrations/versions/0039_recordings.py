"""What is done on sales pages, as browsers record it: its parts while a page lives, then the whole of it."""

import sqlalchemy as sa
from alembic import op

revision = "0039_recordings"
down_revision = "0038_timestamps"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
CHUNK, RECORDING = "traceability_recording_chunk", "traceability_recording"
REFERENCE, VERSION = "traceability_recording_reference", "traceability_page_version"
OF_OWN = "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)"


def upgrade() -> None:
    _create_chunk()
    _create_recording()
    _create_reference()
    for table in (CHUNK, RECORDING):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ((SELECT tenant_is_everybody()) OR {OF_OWN})")
    op.execute(f"REVOKE UPDATE ON {CHUNK} FROM marketplace_app")
    for table in (RECORDING, REFERENCE):
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM marketplace_app")
        op.execute(f"GRANT SELECT ON {table} TO marketplace_reader")
        op.execute(
            f"CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION traceability_keep()"
        )


def _create_chunk() -> None:
    op.create_table(
        CHUNK,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("closes", sa.Boolean(), nullable=False),
        sa.Column("cut", sa.Boolean(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=f"pk_{CHUNK}"),
        sa.UniqueConstraint("view_id", "number", name=f"uq_{CHUNK}_view_id"),
    )
    op.create_index(f"ix_{CHUNK}_application_id", CHUNK, ["application_id"])


def _create_recording() -> None:
    op.create_table(
        RECORDING,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journey_id", sa.Uuid(), sa.ForeignKey("traceability_journey.id"), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("page_version_id", sa.CHAR(64), sa.ForeignKey(f"{VERSION}.id"), nullable=False),
        sa.Column("kept_at", INSTANT, nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("reference", sa.CHAR(64)),
        sa.Column("content", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=f"pk_{RECORDING}"),
    )
    op.create_index(f"ix_{RECORDING}_application_id", RECORDING, ["application_id"])
    op.create_index(f"ix_{RECORDING}_page_version_id", RECORDING, ["page_version_id"])


def _create_reference() -> None:
    op.create_table(
        REFERENCE,
        sa.Column("page_version_id", sa.CHAR(64), sa.ForeignKey(f"{VERSION}.id"), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("page_version_id", name=f"pk_{REFERENCE}"),
    )
    op.create_index(f"ix_{REFERENCE}_sha256", REFERENCE, ["sha256"])


def downgrade() -> None:
    raise SystemExit("What is evidence is not taken out again: restore a backup of before instead.")
