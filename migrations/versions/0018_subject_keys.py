"""A data key per person or journey; personal data sealed with it.

What was kept in the clear before cannot be sealed here (the keeper is not part of a migration) and is not taken along
in the clear: a database that holds any is refused.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018_subject_keys"
down_revision = "0017_security_events"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


# Table -> columns that hold sealed bytes from now on.
SEALED = {
    "accounts_account": ("email", "name"),
    "accounts_challenge": ("email", "payload"),
    "application_application": ("email", "persons", "answers"),
    "underwriting_decision": ("reasons",),
    "policy_version": ("body",),
    "correspondence_message": ("recipient", "context", "subject"),
    "payment_attempt": ("email",),
    "payment_provider_event": ("payload",),
    "oversight_sale": ("customer",),
    "traceability_evidence_intake": ("body",),
}
SEALED_FOR = ("policy_version", "correspondence_message", "payment_attempt", "payment_provider_event")
MAY_BE_EMPTY = (
    ("accounts_account", "email"),
    ("accounts_account", "name"),
    ("application_application", "answers"),
    ("correspondence_message", "context"),
    ("correspondence_message", "recipient"),
)


def upgrade() -> None:
    _refuse_what_lies_open()
    _create_keys()
    _free_addresses()
    for table, columns in SEALED.items():
        for column in columns:
            op.alter_column(table, column, type_=sa.LargeBinary(), postgresql_using="NULL")
    for table in SEALED_FOR:
        op.add_column(table, sa.Column("sealed_for", sa.Uuid(), nullable=False))
    for table, column in MAY_BE_EMPTY:
        op.alter_column(table, column, nullable=True)
    op.add_column("correspondence_message", sa.Column("recipient_index", sa.CHAR(64)))
    op.create_index("ix_correspondence_message_recipient_index", "correspondence_message", ["recipient_index"])


def _free_addresses() -> None:
    """What looked at the addresses themselves; their blind indexes take its place."""
    op.drop_constraint("ck_accounts_account_email_lower_case", "accounts_account")
    op.drop_constraint("uq_accounts_account_email", "accounts_account")
    op.drop_index("ix_accounts_challenge_email_purpose", "accounts_challenge")
    op.add_column("accounts_account", sa.Column("email_index", sa.CHAR(64)))
    op.create_unique_constraint("uq_accounts_account_email_index", "accounts_account", ["email_index"])
    op.add_column("accounts_challenge", sa.Column("email_index", sa.CHAR(64), nullable=False))
    op.create_index(
        "ix_accounts_challenge_email_index_purpose", "accounts_challenge", ["email_index", "purpose", "created_at"]
    )


def _refuse_what_lies_open() -> None:
    bind = op.get_bind()
    for table in SEALED:
        if bind.execute(sa.select(sa.exists().select_from(sa.table(table)))).scalar():
            raise SystemExit(
                f"{table} holds personal data in the clear: begin with an empty database (docs/running.md)"
            )


def _create_keys() -> None:
    op.create_table(
        "infra_subject_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary()),
        sa.Column("keeper_key_id", sa.String(40), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("destroyed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_infra_subject_key"),
        sa.CheckConstraint(
            "(wrapped IS NULL) = (destroyed_at IS NOT NULL)", name="ck_infra_subject_key_wrapped_or_destroyed"
        ),
    )
    # Keys are destroyed by overwriting, never dropped; only the site's own role sees them.
    op.execute("REVOKE DELETE ON infra_subject_key FROM marketplace_app")
    op.execute("REVOKE ALL ON infra_subject_key FROM marketplace_reader")


def downgrade() -> None:
    raise SystemExit("What is sealed is not laid open again: restore a backup of before instead.")
