"""Row-level security: an insurer's connection sees that insurer's rows only, and one that says nothing sees none.

Every transaction says whose rows it is about in `marketplace.scope`: `all`, or `insurer:<id>` (`infra.db.use_scope`).
FORCE binds the owner of the tables as well. Foreign keys and unique indexes are checked across all rows, as ever.
What hangs on another table asks that table, whose own policy answers for the same scope.
"""

from collections.abc import Iterator

from alembic import op

revision = "0020_tenants"
down_revision = "0019_privacy"
branch_labels = None
depends_on = None

OF_STAFF = "EXISTS (SELECT FROM accounts_account a WHERE a.id = account_id)"

# What an insurer's scope sees and may write; `own` is that insurer's id. Everybody's scope sees and writes everything.
INSURERS = {
    "accounts_account": "insurer_id = {own}",
    "accounts_device": OF_STAFF,
    "accounts_one_time_secret": OF_STAFF,
    "accounts_passkey": OF_STAFF,
    "accounts_recovery_code": OF_STAFF,
    "accounts_session": OF_STAFF,
    "application_application": "insurer_id = {own}",
    "application_confirmation": "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)",
    "checkout_order": "EXISTS (SELECT FROM checkout_order_line l WHERE l.order_id = checkout_order.id)",
    "checkout_order_line": "insurer_id = {own}",
    "correspondence_message": "insurer_id = {own}",
    # The key of an account, an application or a journey.
    "infra_subject_key": "EXISTS (SELECT FROM application_application a WHERE a.id = infra_subject_key.id) "
    "OR EXISTS (SELECT FROM traceability_journey j WHERE j.id = infra_subject_key.id) "
    "OR EXISTS (SELECT FROM accounts_account a WHERE a.id = infra_subject_key.id)",
    "listing_upload": "insurer_id = {own}",
    "oversight_sale": "insurer_id = {own}",
    "payment_attempt": "insurer_id = {own} OR EXISTS (SELECT FROM checkout_order o WHERE o.id = subject_id)",
    "payment_refund": "EXISTS (SELECT FROM payment_attempt a WHERE a.id = attempt_id)",
    "policy_document": "EXISTS (SELECT FROM policy_version v WHERE v.id = version_id)",
    "policy_number_range": "insurer_id = {own}",
    "policy_policy": "insurer_id = {own}",
    "policy_version": "EXISTS (SELECT FROM policy_policy p WHERE p.id = policy_id)",
    "privacy_erasure": "EXISTS (SELECT FROM application_application a WHERE a.id = subject_id) "
    "OR EXISTS (SELECT FROM traceability_journey j WHERE j.id = subject_id)",
    "privacy_restriction": "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)",
    # A need is a stranger's until it became an application.
    "quoting_need": "EXISTS (SELECT FROM application_application a "
    "WHERE a.journey_id = quoting_need.journey_id AND a.need_id = quoting_need.id)",
    "quoting_offer": "insurer_id = {own}",
    "rating_tariff": "EXISTS (SELECT FROM catalog_product_version v "
    "WHERE v.id = product_version_id AND v.insurer_id = {own})",
    "traceability_evidence_intake": "insurer_id = {own} "
    "OR EXISTS (SELECT FROM application_application a WHERE a.id = application_id)",
    "traceability_journey": "EXISTS (SELECT FROM application_application a "
    "WHERE a.journey_id = traceability_journey.id)",
    "underwriting_decision": "EXISTS (SELECT FROM application_application a WHERE a.id = application_id)",
}

# What is on sale is public: any scope reads it, its insurer writes it.
CATALOG = {
    "catalog_document": "EXISTS (SELECT FROM catalog_product_version v "
    "WHERE v.id = product_version_id AND v.insurer_id = {own})",
    "catalog_product": "insurer_id = {own}",
    "catalog_product_version": "insurer_id = {own}",
}

# No insurer's scope sees or writes these.
MARKETPLACE = (
    "accounts_ceremony",
    "accounts_challenge",
    "payment_provider_event",
    "privacy_export",
    "privacy_request",
    "privacy_run",
)

# Whoever acts may leave an entry; read are those of one's own staff.
LOGS = {"accounts_security_event": OF_STAFF}

# Printed on public pages, and asked before there is any scope; only the marketplace writes them.
REGISTERS = ("accounts_insurer", "disclosure_wording")

EVERYBODYS = "(SELECT tenant_is_everybody())"
DECLARED = "(SELECT tenant_is_declared())"
OWN = "(SELECT tenant_insurer())"

FUNCTIONS = """
CREATE FUNCTION tenant_is_everybody() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(current_setting('marketplace.scope', true) = 'all', false);
CREATE FUNCTION tenant_insurer() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN starts_with(current_setting('marketplace.scope', true), 'insurer:')
                THEN substr(current_setting('marketplace.scope', true), 9)::uuid END;
CREATE FUNCTION tenant_is_declared() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN tenant_is_everybody() OR tenant_insurer() IS NOT NULL;
"""


def upgrade() -> None:
    op.execute(FUNCTIONS)
    for table, statements in _policies():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        for statement in statements:
            op.execute(statement)


def downgrade() -> None:
    for table, statements in _policies():
        for statement in statements:
            name = statement.split()[2]
            op.execute(f"DROP POLICY {name} ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION tenant_is_declared(), tenant_is_everybody(), tenant_insurer()")


def _policies() -> Iterator[tuple[str, list[str]]]:
    """By table, its policies: PostgreSQL grants what any one of them grants."""
    for table, condition in INSURERS.items():
        yield table, [_tenants(table, condition)]
    for table, condition in CATALOG.items():
        yield table, [f"CREATE POLICY readers ON {table} FOR SELECT USING ({DECLARED})", _tenants(table, condition)]
    for table, condition in LOGS.items():
        writers = f"CREATE POLICY writers ON {table} FOR INSERT WITH CHECK ({DECLARED})"
        yield table, [writers, _tenants(table, condition)]
    for table in MARKETPLACE:
        yield table, [_tenants(table, "false")]
    for table in REGISTERS:
        yield table, [f"CREATE POLICY readers ON {table} FOR SELECT USING (true)", _tenants(table, "false")]


def _tenants(table: str, condition: str) -> str:
    return f"CREATE POLICY tenants ON {table} USING ({EVERYBODYS} OR {condition.format(own=OWN)})"
