"""Default privileges of the roles, the job queue, the business clock of the demonstration."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0001_foundation"
down_revision = None
branch_labels = None
depends_on = None

ROLES = ("marketplace_owner", "marketplace_app", "marketplace_sequencer", "marketplace_reader")


def upgrade() -> None:
    bind = op.get_bind()
    present = {row[0] for row in bind.exec_driver_sql("SELECT rolname FROM pg_roles")}
    missing = [role for role in ROLES if role not in present]
    if missing:
        raise SystemExit(f"The database has no role {', '.join(missing)}; see docs/running.md.")
    op.execute("GRANT USAGE ON SCHEMA public TO marketplace_app, marketplace_sequencer, marketplace_reader")
    op.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO marketplace_app"
    )
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO marketplace_app")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO marketplace_reader")
    # Through the driver: the script holds several statements and percent signs.
    bind.connection.driver_connection.execute(SchemaManager.get_schema())
    op.execute(
        """
        CREATE TABLE infra_business_clock (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            offset_seconds bigint NOT NULL
        )
        """
    )
    op.execute("GRANT SELECT ON alembic_version TO marketplace_app, marketplace_reader")


def downgrade() -> None:
    raise SystemExit("The first migration is not undone: drop the database instead.")
