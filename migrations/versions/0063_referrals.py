"""Referred applications are decided: on other terms too, later, or not at all; applicants are asked, and answer.

An offer on other terms follows the one applied for, and says by which decision. What a decision says is bound by a hash
of its own.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0063_referrals"
down_revision = "0062_consultation"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
DECISION, INQUIRY = "underwriting_decision", "underwriting_inquiry"
OF_APPLICATION = "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)"
# The insurer makes the need of an offer on other terms, before any application rests on it.
NEEDS = (
    "EXISTS (SELECT FROM application_application a WHERE a.journey_id = quoting_need.journey_id "
    "AND (a.need_id = quoting_need.id OR a.need_id = quoting_need.follows_id))"
)
STATES = (
    "state IN ('started', 'submitted', 'accepted', 'referred', 'countered', 'declined', 'postponed', 'refused', "
    "'lapsed', 'contracted')"
)


def upgrade() -> None:
    _widen_decisions()
    _create_inquiry()
    op.add_column("quoting_offer", sa.Column("terms", JSONB()))
    op.execute("DROP POLICY tenants ON quoting_need")
    op.execute(f"CREATE POLICY tenants ON quoting_need USING ({ALL} OR {NEEDS})")
    _erase_terms_too()
    op.drop_constraint(op.f("ck_application_application_state"), "application_application")
    op.create_check_constraint(op.f("ck_application_application_state"), "application_application", STATES)
    op.drop_index("ix_application_application_expires_at", "application_application")
    op.create_index(
        "ix_application_application_expires_at",
        "application_application",
        ["expires_at"],
        postgresql_where=sa.text("state IN ('started', 'accepted', 'countered')"),
    )
    op.create_index(
        "ix_application_application_referred",
        "application_application",
        ["insurer_id", "submitted_at"],
        postgresql_where=sa.text("state = 'referred'"),
    )


def _widen_decisions() -> None:
    op.drop_constraint(op.f("ck_underwriting_decision_outcome"), DECISION)
    op.create_check_constraint(
        op.f("ck_underwriting_decision_outcome"),
        DECISION,
        "outcome IN ('accept', 'load', 'exclude', 'refer', 'postpone', 'decline')",
    )
    op.add_column(DECISION, sa.Column("terms", sa.LargeBinary()))
    op.add_column(DECISION, sa.Column("sha256", sa.CHAR(64)))


def _create_inquiry() -> None:
    op.create_table(
        INQUIRY,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("question", sa.LargeBinary(), nullable=False),
        sa.Column("asked_by", sa.String(80), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("business_asked_at", INSTANT, nullable=False),
        sa.Column("answer", sa.LargeBinary()),
        sa.Column("answered_at", INSTANT),
        sa.Column("business_answered_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_underwriting_inquiry"),
        sa.UniqueConstraint("application_id", "number", name="uq_underwriting_inquiry_application_id"),
        sa.CheckConstraint("number > 0", name=op.f("ck_underwriting_inquiry_number")),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (business_answered_at IS NULL) AND (answered_at IS NULL) = (answer IS NULL)",
            name=op.f("ck_underwriting_inquiry_answered_whole"),
        ),
    )
    op.create_index(
        "uq_underwriting_inquiry_open",
        INQUIRY,
        ["application_id"],
        unique=True,
        postgresql_where=sa.text("answered_at IS NULL"),
    )
    op.execute(f"ALTER TABLE {INQUIRY} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {INQUIRY} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {INQUIRY} USING ({ALL} OR {OF_APPLICATION})")
    # A question is evidence as a decision is: it is answered once, and otherwise stays as it was asked.
    op.execute(f"REVOKE UPDATE, DELETE ON {INQUIRY} FROM marketplace_app")
    op.execute(f"GRANT UPDATE (answer, answered_at, business_answered_at) ON {INQUIRY} TO marketplace_app")


def _erase_terms_too() -> None:
    """The terms of an offer go with the lines of its price; owner and grants of `quoting_erase_need` stay."""
    before, after = "SET fits = '{}', breakdown = ", "SET fits = '{}', terms = NULL, breakdown = "
    bind = op.get_bind()
    body = bind.scalar(sa.text("SELECT pg_get_functiondef('quoting_erase_need(uuid)'::regprocedure)"))
    if body is None or body.count(before) != 1:
        raise AssertionError("the function is not the one of 0029")
    bind.exec_driver_sql(body.replace(before, after))


def downgrade() -> None:
    raise SystemExit("What was decided and asked is evidence: restore a backup of before instead.")
