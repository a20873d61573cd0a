"""Evidence that was asked for, the pictures of pages, and the receipt that a policy carries.

The journey in which the readings of a contract's evidence are entered belongs to the contract's insurer as well as the
contract's own: its desk reads evidence and may not do so unnoticed.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0036_pictures"
down_revision = "0035_completeness"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BUNDLE, PICTURE, JOURNEY = "oversight_bundle", "oversight_picture", "traceability_journey"
OWN = "insurer_id = (SELECT tenant_insurer())"
OF_OWN = "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)"
ON_OWN_JOURNEY = f"EXISTS (SELECT FROM application_application a WHERE a.journey_id = {JOURNEY}.id)"
OF_READINGS = (
    f"EXISTS (SELECT FROM application_application a WHERE a.id = ({JOURNEY}.attribution ->> 'evidence_of')::uuid)"
)


def upgrade() -> None:
    _create_bundle()
    _create_picture()
    for table, whose in ((BUNDLE, OWN), (PICTURE, OF_OWN)):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ((SELECT tenant_is_everybody()) OR {whose})")
    op.execute(f"REVOKE DELETE ON {BUNDLE} FROM marketplace_app")
    op.execute(f"REVOKE UPDATE, DELETE ON {PICTURE} FROM marketplace_app")
    op.execute(
        f"ALTER POLICY tenants ON {JOURNEY} USING ((SELECT tenant_is_everybody()) OR {ON_OWN_JOURNEY} OR {OF_READINGS})"
    )
    op.add_column("policy_document", sa.Column("receipt_sha256", sa.CHAR(64)))


def _create_bundle() -> None:
    op.create_table(
        BUNDLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("application_id", sa.Uuid(), sa.ForeignKey("application_application.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("account_id", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("actor_role", sa.String(16), nullable=False),
        sa.Column("actor_label", sa.String(80), nullable=False),
        sa.Column("sealed_for", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.LargeBinary()),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("made_at", INSTANT),
        sa.Column("expires_at", INSTANT),
        sa.Column("failure", sa.String(80)),
        sa.Column("core_sha256", sa.CHAR(64)),
        sa.Column("sha256", sa.CHAR(64)),
        sa.Column("size", sa.BigInteger()),
        sa.Column("verified", sa.Boolean()),
        sa.Column("findings", JSONB(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.CheckConstraint("state IN ('asked', 'ready', 'refused', 'dropped')", name=op.f("ck_oversight_bundle_state")),
        sa.CheckConstraint(
            "(state = 'ready') = (content IS NOT NULL)", name=op.f("ck_oversight_bundle_ready_has_content")
        ),
        sa.CheckConstraint(
            "(state = 'refused') = (failure IS NOT NULL)", name=op.f("ck_oversight_bundle_refused_with_its_cause")
        ),
        sa.PrimaryKeyConstraint("id", name="pk_oversight_bundle"),
    )
    op.create_index("ix_oversight_bundle_application", BUNDLE, ["application_id", "asked_at"])
    op.create_index("ix_oversight_bundle_account", BUNDLE, ["account_id", "asked_at"])
    op.create_index("ix_oversight_bundle_expires", BUNDLE, ["expires_at"], postgresql_where=sa.text("state = 'ready'"))


def _create_picture() -> None:
    op.create_table(
        PICTURE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("application_id", sa.Uuid(), sa.ForeignKey("application_application.id"), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("browser", sa.String(80), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('png', 'pdf')", name=op.f("ck_oversight_picture_kind")),
        sa.PrimaryKeyConstraint("id", name="pk_oversight_picture"),
        sa.UniqueConstraint("application_id", "log_index", "kind", name="uq_oversight_picture_application_id"),
    )


def downgrade() -> None:
    op.drop_column("policy_document", "receipt_sha256")
    op.execute(f"ALTER POLICY tenants ON {JOURNEY} USING ((SELECT tenant_is_everybody()) OR {ON_OWN_JOURNEY})")
    op.drop_table(PICTURE)
    op.drop_table(BUNDLE)
