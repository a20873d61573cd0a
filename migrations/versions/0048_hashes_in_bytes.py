"""Evidence keeps its hashes as their bytes, which take half of what their hex digits take.

The rows say the same before and after: what is hashed into the log is the hex digits still. The tables are written
anew, for which each is locked: ten million entries take some minutes.
"""

from alembic import op

revision = "0048_hashes_in_bytes"
down_revision = "0047_ledger"
branch_labels = None
depends_on = None

VERSION = "traceability_page_version"
# Table -> its foreign key, whose name was cut to what PostgreSQL takes.
REFERRING = {
    "traceability_page_online": "fk_traceability_page_online_page_version_id_traceabilit_b8c5",
    "traceability_page_reference": "fk_traceability_page_reference_page_version_id_traceabi_9428",
    "traceability_recording": "fk_traceability_recording_page_version_id_traceability__eb33",
    "traceability_recording_reference": "fk_traceability_recording_reference_page_version_id_tra_d37a",
}
HASHES = ("page_version_id", "body_sha256", "page_sha256", "page_reference")


def upgrade() -> None:
    for table, refers in REFERRING.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {refers}")
    _in_bytes(VERSION, "id")
    for table, refers in REFERRING.items():
        _in_bytes(table, "page_version_id")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {refers} FOREIGN KEY (page_version_id) REFERENCES {VERSION}")
    for table in ("traceability_evidence_intake", "traceability_entry"):
        _in_bytes(table, *HASHES)


def _in_bytes(table: str, *columns: str) -> None:
    """In one go: each change of a type writes the table anew."""
    changes = ", ".join(f"ALTER COLUMN {name} TYPE bytea USING decode({name}, 'hex')" for name in columns)
    op.execute(f"ALTER TABLE {table} {changes}")


def downgrade() -> None:
    raise SystemExit("What is evidence is not taken out again: restore a backup of before instead.")
