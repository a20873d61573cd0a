"""Releases of pages, when each version of a page was online, and what views of it are kept against."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from marketplace.kernel.canonical import digest

revision = "0037_page_versions"
down_revision = "0036_pictures"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
INTAKE, ENTRY, VERSION = "traceability_evidence_intake", "traceability_entry", "traceability_page_version"
RELEASE, ONLINE, REFERENCE = "traceability_release", "traceability_page_online", "traceability_page_reference"


def upgrade() -> None:
    _number_versions()
    _create_release()
    _create_online()
    _create_reference()
    for table in (INTAKE, ENTRY):
        op.add_column(table, sa.Column("page_reference", sa.CHAR(64)))
    op.create_index(
        f"ix_{ENTRY}_without_reference",
        ENTRY,
        ["page_version_id"],
        postgresql_where=sa.text("page_bytes IS NOT NULL AND page_reference IS NULL"),
    )
    _keep(VERSION, RELEASE, ONLINE, REFERENCE)
    for table in (RELEASE, ONLINE, REFERENCE):
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM marketplace_app")
        op.execute(f"GRANT SELECT ON {table} TO marketplace_reader")


def _number_versions() -> None:
    """What is there already gets its series and its number in it, in the order of first serving."""
    op.add_column(VERSION, sa.Column("series", sa.CHAR(64)))
    op.add_column(VERSION, sa.Column("number", sa.Integer()))
    version = sa.table(
        VERSION,
        *(sa.column(name) for name in ("id", "manifest", "first_served_at", "series", "number")),
    )
    connection = op.get_bind()
    known = sa.select(version.c.id, version.c.manifest).order_by(version.c.first_served_at, version.c.id)
    numbers: dict[str, int] = {}
    for version_id, manifest in connection.execute(known).all():
        series = _series(manifest)
        numbers[series] = numbers.get(series, 0) + 1
        connection.execute(
            sa.update(version).where(version.c.id == version_id).values(series=series, number=numbers[series])
        )
    op.alter_column(VERSION, "series", nullable=False)
    op.alter_column(VERSION, "number", nullable=False)
    op.create_unique_constraint(f"uq_{VERSION}_series", VERSION, ["series", "number"])
    op.create_index(f"ix_{VERSION}_product_version_id", VERSION, ["product_version_id"])


def _series(manifest: dict[str, Any]) -> str:
    """As `PageManifest.series` was when this was written."""
    same = {name: manifest[name] for name in ("page", "locale", "product_version_id", "documents")}
    return digest({**same, "wordings": sorted(manifest["wordings"])})


def _create_release() -> None:
    op.create_table(
        RELEASE,
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content_sha256", sa.CHAR(64), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("author", sa.String(120), nullable=False),
        sa.Column("reviewer", sa.String(120), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("build", sa.String(80), nullable=False),
        sa.Column("released_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("number", name=f"pk_{RELEASE}"),
        sa.CheckConstraint("lower(btrim(author)) <> lower(btrim(reviewer))", name=op.f(f"ck_{RELEASE}_two_persons")),
    )
    op.create_index(f"ix_{RELEASE}_content_sha256", RELEASE, ["content_sha256"])


def _create_online() -> None:
    op.create_table(
        ONLINE,
        sa.Column("series", sa.CHAR(64), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("page_version_id", sa.CHAR(64), nullable=False),
        sa.Column("release_number", sa.Integer(), nullable=False),
        sa.Column("online_at", INSTANT, nullable=False),
        sa.Column("business_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("series", "number", name=f"pk_{ONLINE}"),
        sa.ForeignKeyConstraint(["page_version_id"], [f"{VERSION}.id"]),
        sa.ForeignKeyConstraint(["release_number"], [f"{RELEASE}.number"]),
    )
    op.create_index(f"ix_{ONLINE}_page_version_id", ONLINE, ["page_version_id"])


def _create_reference() -> None:
    op.create_table(
        REFERENCE,
        sa.Column("page_version_id", sa.CHAR(64), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("page_version_id", name=f"pk_{REFERENCE}"),
        sa.ForeignKeyConstraint(["page_version_id"], [f"{VERSION}.id"]),
    )
    op.create_index(f"ix_{REFERENCE}_sha256", REFERENCE, ["sha256"])


def _keep(*tables: str) -> None:
    """Nobody changes what was released and shown, the owner of the tables included."""
    op.execute(
        """
        CREATE OR REPLACE FUNCTION traceability_keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE insufficient_privilege USING MESSAGE = 'what is evidence is never changed';
        END $$
        """
    )
    for table in tables:
        op.execute(
            f"CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION traceability_keep()"
        )


def downgrade() -> None:
    raise SystemExit("What is evidence is not taken out again: restore a backup of before instead.")
