"""Checks of who somebody is on a page of the verifier's own, and proofs that count in a basket; who paid;
traces, cases and who decided them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0067_screening"
down_revision = "0066_needs_told"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
CHECK, SESSION = "application_identity_check", "application_identity_session"
OF_APPLICATION = "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)"


def upgrade() -> None:
    _create_identity_session()
    op.add_column("payment_attempt", sa.Column("payer", sa.LargeBinary()))
    op.add_column("payment_attempt", sa.Column("instrument", sa.CHAR(64)))
    _create_trace()
    _create_case()
    _protect()


def _create_identity_session() -> None:
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


def _create_trace() -> None:
    op.create_table(
        "screening_trace",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), nullable=False),
        sa.Column("person", sa.CHAR(64), nullable=False),
        sa.Column("insured", sa.CHAR(64), nullable=False),
        sa.Column("instrument", sa.CHAR(64)),
        sa.Column("payer_fits", sa.Boolean()),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("death_minor", sa.BigInteger(), nullable=False),
        sa.Column("premium_minor", sa.BigInteger(), nullable=False),
        sa.Column("sum_minor", sa.BigInteger(), nullable=False),
        sa.Column("answers", JSONB(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_screening_trace"),
        sa.UniqueConstraint("kind", "cause_id", "application_id", name="uq_screening_trace_kind"),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application_application.id"], name="fk_screening_trace_application"
        ),
        sa.CheckConstraint("kind IN ('applied', 'paid', 'refunded')", name=op.f("ck_screening_trace_kind")),
    )
    op.create_index("ix_screening_trace_person", "screening_trace", ["person", "at"])
    op.create_index("ix_screening_trace_insured", "screening_trace", ["insured", "at"])
    op.create_index(
        "ix_screening_trace_instrument",
        "screening_trace",
        ["instrument", "at"],
        postgresql_where=sa.text("instrument IS NOT NULL"),
    )
    op.create_index("ix_screening_trace_application_id", "screening_trace", ["application_id"])


def _create_case() -> None:
    op.create_table(
        "screening_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        sa.Column("rule", sa.String(32), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("holds", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decision", sa.String(16)),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_screening_case"),
        sa.UniqueConstraint("reference", name="uq_screening_case_reference"),
        sa.CheckConstraint("state IN ('open', 'proposed', 'closed')", name=op.f("ck_screening_case_state")),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_screening_case_closed")),
        sa.CheckConstraint("(state = 'open') = (decision IS NULL)", name=op.f("ck_screening_case_decided")),
        sa.CheckConstraint("decision IN ('cleared', 'reported', 'refused')", name=op.f("ck_screening_case_decision")),
    )
    still_open = sa.text("closed_at IS NULL")
    op.create_index(
        "uq_screening_case_open", "screening_case", ["rule", "subject"], unique=True, postgresql_where=still_open
    )
    op.create_index("ix_screening_case_opened_at", "screening_case", ["opened_at"])
    op.create_index("ix_screening_case_due_at", "screening_case", ["due_at"], postgresql_where=still_open)
    op.create_table(
        "screening_fact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(32), nullable=False),
        sa.Column("facts_sha256", sa.CHAR(64), nullable=False),
        sa.Column("facts", sa.LargeBinary()),
        sa.Column("found_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_screening_fact"),
        sa.UniqueConstraint("rule", "facts_sha256", name="uq_screening_fact_rule"),
        sa.ForeignKeyConstraint(["case_id"], ["screening_case.id"], name="fk_screening_fact_case_id_screening_case"),
    )
    op.create_index("ix_screening_fact_case_id", "screening_fact", ["case_id"])
    op.create_table(
        "screening_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("account_id", sa.Uuid()),
        sa.Column("decision", sa.String(16)),
        sa.Column("reason", sa.LargeBinary()),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_screening_event"),
        sa.ForeignKeyConstraint(["case_id"], ["screening_case.id"], name="fk_screening_event_case_id_screening_case"),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts_account.id"], name="fk_screening_event_account_id_accounts_account"
        ),
        sa.CheckConstraint(
            "kind IN ('opened', 'added', 'looked', 'proposed', 'agreed', 'disagreed', 'decided')",
            name=op.f("ck_screening_event_kind"),
        ),
    )
    op.create_index("ix_screening_event_case_id", "screening_event", ["case_id", "at"])


def _protect() -> None:
    """Of the marketplace alone. What was found and who did what stays; of a case only how it stands is written."""
    for table in ("screening_trace", "screening_case", "screening_fact", "screening_event"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ({ALL})")
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM marketplace_app")
    op.execute("GRANT DELETE ON screening_trace TO marketplace_app")
    op.execute("GRANT UPDATE (state, decision, closed_at) ON screening_case TO marketplace_app")


def downgrade() -> None:
    raise SystemExit("Who was proven to be whom is evidence and is not forgotten: restore a backup of before instead.")
