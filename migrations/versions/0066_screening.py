"""Checks of who somebody is on a page of the verifier's own, and proofs that count in a basket."""

import sqlalchemy as sa
from alembic import op

revision = "0066_screening"
down_revision = "0068_samples"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
CHECK, SESSION = "application_identity_check", "application_identity_session"
OF_APPLICATION = "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)"


def upgrade() -> None:
    op.add_column(CHECK, sa.Column("follows_id", sa.Uuid()))
    op.create_table(
        SESSION,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("whose", sa.String(16), nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("reference", sa.String(255)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("person", sa.LargeBinary()),
        sa.Column("seen", sa.String(255)),
        sa.Column("page_version_id", sa.CHAR(64), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("look_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_application_identity_session"),
        sa.UniqueConstraint("reference", name="uq_application_identity_session_reference"),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application_application.id"], name="fk_application_identity_session_application"
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'processing', 'verified', 'ended')",
            name=op.f("ck_application_identity_session_state"),
        ),
        sa.CheckConstraint(
            "(state IN ('verified', 'ended')) = (closed_at IS NOT NULL)",
            name=op.f("ck_application_identity_session_closed"),
        ),
        sa.CheckConstraint("whose IN ('applicant', 'insured')", name=op.f("ck_application_identity_session_whose")),
    )
    op.create_index("ix_application_identity_session_application_id", SESSION, ["application_id", "opened_at"])
    op.create_index(
        "ix_application_identity_session_look_at", SESSION, ["look_at"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.execute(f"ALTER TABLE {SESSION} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {SESSION} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {SESSION} USING ({OF_APPLICATION})")
    # Whom it is about and on which page it was begun stay; how it stands is written as it goes on.
    op.execute(f"REVOKE UPDATE, DELETE ON {SESSION} FROM marketplace_app")
    op.execute(f"GRANT UPDATE (reference, state, person, seen, look_at, closed_at) ON {SESSION} TO marketplace_app")


def downgrade() -> None:
    raise SystemExit("Who was proven to be whom is evidence and is not forgotten: restore a backup of before instead.")
