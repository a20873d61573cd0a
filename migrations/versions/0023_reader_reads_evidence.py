"""The role that reads evidence reads nothing else: no hashes of passwords and sessions, no sales, no jobs."""

from alembic import op

revision = "0023_reader_reads_evidence"
down_revision = "0022_key_classes"
branch_labels = None
depends_on = None

READ = (
    "traceability_journey", "traceability_page_version", "traceability_evidence_intake", "accounts_security_event",
    "alembic_version",
)  # fmt: skip
# What the policies of those tables ask (0020): whose an application is, and whose staff somebody is.
ASKED = {"application_application": "id, journey_id, insurer_id", "accounts_account": "id, insurer_id"}


def upgrade() -> None:
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM marketplace_reader")
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM marketplace_reader")
    op.execute(f"GRANT SELECT ON {', '.join(READ)} TO marketplace_reader")
    for table, columns in ASKED.items():
        op.execute(f"GRANT SELECT ({columns}) ON {table} TO marketplace_reader")


def downgrade() -> None:
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO marketplace_reader")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO marketplace_reader")
    op.execute("REVOKE ALL ON infra_subject_key FROM marketplace_reader")
