"""A later visit to a contract is a journey of its own, which says to which; it is the insurer's as the contract is."""

import sqlalchemy as sa
from alembic import op

revision = "0043_visits"
down_revision = "0042_view_bases"
branch_labels = None
depends_on = None

JOURNEY = "traceability_journey"
ON_OWN_JOURNEY = f"EXISTS (SELECT FROM application_application a WHERE a.journey_id = {JOURNEY}.id)"
OF_READINGS = (
    f"EXISTS (SELECT FROM application_application a WHERE a.id = ({JOURNEY}.attribution ->> 'evidence_of')::uuid)"
)
OF_VISIT = f"EXISTS (SELECT FROM application_application a WHERE a.id = {JOURNEY}.visit_to)"


def upgrade() -> None:
    op.add_column(JOURNEY, sa.Column("visit_to", sa.Uuid()))
    op.create_index(f"ix_{JOURNEY}_visit_to", JOURNEY, ["visit_to"], postgresql_where=sa.text("visit_to IS NOT NULL"))
    op.execute(
        f"ALTER POLICY tenants ON {JOURNEY} "
        f"USING ((SELECT tenant_is_everybody()) OR {ON_OWN_JOURNEY} OR {OF_READINGS} OR {OF_VISIT})"
    )


def downgrade() -> None:
    raise SystemExit("What is evidence is not taken out again: restore a backup of before instead.")
