"""Announcements of the marketplace, all public notices in one view, and reports of false sites.

Notices about products, prices and insurers are what the tables say already; nobody writes them a second time.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0065_notices"
down_revision = "0064_samples"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
ANNOUNCEMENT, REPORT = "disclosure_announcement", "disclosure_site_report"
CHECKS = {
    "kind": "kind IN ('closing', 'interruption', 'scope', 'sale', 'terms', 'cooperation', 'other', 'revocation')",
    "released_whole": "(released_at IS NULL) = (released_by IS NULL) AND "
    "(released_at IS NULL) = (business_released_at IS NULL) "
    "AND (released_at IS NULL) = (entry_id IS NULL) AND (released_at IS NULL OR starts_at IS NOT NULL)",
    "released_by_two": "released_by IS NULL OR released_by <> drafted_by",
    "released_or_dropped": "released_at IS NULL OR dropped_at IS NULL",
    "dropped_by_somebody": "(dropped_at IS NULL) = (dropped_by IS NULL)",
    "ends_after_it_begins": "ends_at IS NULL OR starts_at IS NULL OR ends_at > starts_at",
    "not_backdated": "released_at IS NULL OR kind = 'interruption' OR starts_at >= business_released_at",
    "revokes_something": "(kind = 'revocation') = (revokes_id IS NOT NULL)",
    "handled": "kind NOT IN ('closing', 'interruption') OR handling IS NOT NULL",
    "cooperation_with_somebody": "kind <> 'cooperation' OR insurer_id IS NOT NULL",
}

# No word is changed once it is written, and nothing once it is released or dropped.
KEEP = f"""
CREATE FUNCTION disclosure_keep_announcement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.released_at IS NOT NULL OR OLD.dropped_at IS NOT NULL
        OR (NEW.id, NEW.kind, NEW.insurer_id, NEW.title, NEW.text, NEW.handling, NEW.ends_at, NEW.revokes_id)
        IS DISTINCT FROM
        (OLD.id, OLD.kind, OLD.insurer_id, OLD.title, OLD.text, OLD.handling, OLD.ends_at, OLD.revokes_id)
        OR (OLD.starts_at IS NOT NULL AND NEW.starts_at IS DISTINCT FROM OLD.starts_at)
        OR (NEW.drafted_at, NEW.drafted_by) IS DISTINCT FROM (OLD.drafted_at, OLD.drafted_by)
    THEN
        RAISE insufficient_privilege USING MESSAGE = 'what was announced is not changed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_announcement BEFORE UPDATE ON {ANNOUNCEMENT}
    FOR EACH ROW EXECUTE FUNCTION disclosure_keep_announcement()
"""

# Published rates that are test data are sold by nobody, so nothing is announced of them or of whose they are.
NOTICES = """
CREATE VIEW oversight_notice WITH (security_invoker = true) AS
SELECT a.id, a.kind::text AS kind, a.insurer_id, NULL::uuid AS product_version_id, a.released_at AS at,
    a.starts_at, NULL::date AS starts_on, a.ends_at, NULL::date AS ends_on, NULL::jsonb AS reason, false AS new_price
FROM disclosure_announcement a WHERE a.released_at IS NOT NULL
UNION ALL
SELECT v.id, CASE
        WHEN before.id IS NULL THEN 'product'
        WHEN EXISTS (SELECT FROM catalog_sale_end e WHERE e.product_version_id = before.id
            AND e.noted_at <= v.published_at
            AND e.business_at <= (lower(v.effective)::timestamp AT TIME ZONE 'Asia/Shanghai')) THEN 'again'
        WHEN before.sha256 IS DISTINCT FROM t.sha256 THEN 'price'
        ELSE 'version' END,
    v.insurer_id, v.id, v.published_at, NULL, lower(v.effective), NULL, v.declared_to, NULL,
    before.id IS NOT NULL AND before.sha256 IS DISTINCT FROM t.sha256
FROM catalog_product_version v
LEFT JOIN rating_tariff t ON t.product_version_id = v.id
LEFT JOIN LATERAL (
    SELECT b.id, bt.sha256 FROM catalog_product_version b LEFT JOIN rating_tariff bt ON bt.product_version_id = b.id
    WHERE b.product_id = v.product_id AND b.number < v.number
        AND NOT EXISTS (SELECT FROM catalog_sale_end w WHERE w.product_version_id = b.id AND w.kind = 'withdrawal')
    ORDER BY b.number DESC LIMIT 1
) before ON true
WHERE v.profile <> 'rates_only'
UNION ALL
SELECT e.id, e.kind::text, e.insurer_id, e.product_version_id, e.noted_at, e.business_at, NULL, NULL, NULL, e.reason,
    false
FROM catalog_sale_end e JOIN catalog_product_version v ON v.id = e.product_version_id
WHERE v.profile <> 'rates_only'
UNION ALL
SELECT i.id, 'insurer_begun', i.id, NULL, coalesce(s.lifted_at, i.created_at), NULL, NULL, NULL, NULL, NULL, false
FROM accounts_insurer i LEFT JOIN accounts_suspension s ON s.insurer_id = i.id AND s.before_first_sale
WHERE (s.id IS NULL OR s.lifted_at IS NOT NULL) AND (
    EXISTS (SELECT FROM catalog_product_version v WHERE v.insurer_id = i.id AND v.profile <> 'rates_only')
    OR NOT EXISTS (SELECT FROM catalog_product_version v WHERE v.insurer_id = i.id))
UNION ALL
SELECT s.id, 'insurer_stopped', s.insurer_id, NULL, s.suspended_at, NULL, NULL, NULL, NULL, NULL, false
FROM accounts_suspension s WHERE NOT s.before_first_sale
UNION ALL
SELECT s.id, 'insurer_resumed', s.insurer_id, NULL, s.lifted_at, NULL, NULL, NULL, NULL, NULL, false
FROM accounts_suspension s WHERE NOT s.before_first_sale AND s.lifted_at IS NOT NULL
"""


def upgrade() -> None:
    _create_announcement()
    _create_report()
    op.execute(f"ALTER TABLE {ANNOUNCEMENT} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {ANNOUNCEMENT} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {ANNOUNCEMENT} USING ({ALL})")
    op.execute(f"CREATE POLICY readers ON {ANNOUNCEMENT} FOR SELECT USING (released_at IS NOT NULL)")
    op.execute(f"REVOKE UPDATE, DELETE ON {ANNOUNCEMENT} FROM marketplace_app")
    op.execute(
        "GRANT UPDATE (starts_at, sha256, released_at, released_by, business_released_at, entry_id, dropped_at, "
        f"dropped_by) ON {ANNOUNCEMENT} TO marketplace_app"
    )
    op.execute(KEEP)
    # Pages are kept in memory with the announcements that stand on them (0021).
    op.execute(
        f"CREATE TRIGGER renew_public_revision AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {ANNOUNCEMENT} "
        "FOR EACH STATEMENT EXECUTE FUNCTION infra_renew_public_revision()"
    )
    op.execute(NOTICES)
    op.execute("REVOKE INSERT, UPDATE, DELETE ON oversight_notice FROM marketplace_app")


def _create_announcement() -> None:
    op.create_table(
        ANNOUNCEMENT,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id")),
        sa.Column("title", JSONB(), nullable=False),
        sa.Column("text", JSONB(), nullable=False),
        sa.Column("handling", JSONB()),
        sa.Column("starts_at", INSTANT),
        sa.Column("ends_at", INSTANT),
        sa.Column("revokes_id", sa.Uuid(), sa.ForeignKey(f"{ANNOUNCEMENT}.id")),
        sa.Column("sha256", sa.CHAR(64), nullable=False),
        sa.Column("drafted_at", INSTANT, nullable=False),
        sa.Column("drafted_by", sa.Uuid(), sa.ForeignKey("accounts_account.id"), nullable=False),
        sa.Column("released_at", INSTANT),
        sa.Column("released_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("business_released_at", INSTANT),
        sa.Column("entry_id", sa.Uuid()),
        sa.Column("dropped_at", INSTANT),
        sa.Column("dropped_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.PrimaryKeyConstraint("id", name=f"pk_{ANNOUNCEMENT}"),
        *(sa.CheckConstraint(check, name=op.f(f"ck_{ANNOUNCEMENT}_{name}")) for name, check in CHECKS.items()),
    )
    op.create_index(
        f"uq_{ANNOUNCEMENT}_revokes_id",
        ANNOUNCEMENT,
        ["revokes_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NOT NULL"),
    )
    op.create_index(f"ix_{ANNOUNCEMENT}_released_at", ANNOUNCEMENT, ["released_at"])


def _create_report() -> None:
    op.create_table(
        REPORT,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(16), nullable=False),
        *(sa.Column(name, sa.LargeBinary()) for name in ("place", "words", "email")),
        sa.Column("locale", sa.String(16), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("outcome", sa.String(16)),
        sa.Column("answer", sa.String(2000)),
        sa.Column("answered_at", INSTANT),
        sa.Column("answered_by", sa.Uuid(), sa.ForeignKey("accounts_account.id")),
        sa.Column("forgotten_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{REPORT}"),
        sa.UniqueConstraint("reference", name=f"uq_{REPORT}_reference"),
        sa.CheckConstraint("outcome IN ('false', 'ours', 'unclear')", name=op.f(f"ck_{REPORT}_outcome")),
        sa.CheckConstraint(
            "(answered_at IS NULL) = (outcome IS NULL) AND (answered_at IS NULL) = (answered_by IS NULL) "
            "AND (answered_at IS NULL) = (answer IS NULL)",
            name=op.f(f"ck_{REPORT}_answered_whole"),
        ),
    )
    op.create_index(f"ix_{REPORT}_received_at", REPORT, ["received_at"])
    op.execute(f"ALTER TABLE {REPORT} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {REPORT} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenants ON {REPORT} USING ({ALL})")
    op.execute(f"REVOKE DELETE ON {REPORT} FROM marketplace_app")


def downgrade() -> None:
    raise SystemExit("What was announced is evidence: restore a backup of before instead.")
