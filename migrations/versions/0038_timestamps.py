"""Time-stamps of the log: who stamped which checkpoint when, and to which certificates the tokens lead."""

import sqlalchemy as sa
from alembic import op

revision = "0038_timestamps"
down_revision = "0037_page_versions"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
AUTHORITY, TIMESTAMP, CHECKPOINT = (
    "traceability_time_authority",
    "traceability_timestamp",
    "traceability_log_checkpoint",
)


def upgrade() -> None:
    op.create_table(
        AUTHORITY,
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("root_sha256", sa.CHAR(64), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", "root_sha256", name=f"pk_{AUTHORITY}"),
    )
    op.create_table(
        TIMESTAMP,
        sa.Column("authority", sa.String(120), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("stamped_at", INSTANT, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("authority", "size", name=f"pk_{TIMESTAMP}"),
        sa.ForeignKeyConstraint(["size"], [f"{CHECKPOINT}.size"], name=f"fk_{TIMESTAMP}_size_{CHECKPOINT}"),
        sa.UniqueConstraint("entry_id", name=f"uq_{TIMESTAMP}_entry_id"),
    )
    for table in (AUTHORITY, TIMESTAMP):
        op.execute(
            f"CREATE TRIGGER keep BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION traceability_keep()"
        )
        op.execute(f"REVOKE ALL ON {table} FROM marketplace_app")
        op.execute(f"GRANT INSERT ON {table} TO marketplace_app")
        op.execute(f"GRANT SELECT ON {table} TO marketplace_reader")


def downgrade() -> None:
    raise SystemExit("What is in the log is not taken out again: restore a backup of before instead.")
