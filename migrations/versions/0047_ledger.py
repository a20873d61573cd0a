"""The ledger of the marketplace's money, in double entry, and the provider's own account of it.

What is posted stays: nobody changes it, the owner of the tables no more than the site. At the end of each transaction
the lines of an entry are two or more, of one currency, and add up to zero.
"""

import sqlalchemy as sa
from alembic import op

revision = "0047_ledger"
down_revision = "0046_types_for_the_sequencer"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ENTRY, LINE, MOVEMENT = "payment_ledger_entry", "payment_ledger_line", "payment_provider_movement"
CHECK = "payment_balance_check"
BALANCED = f"""
    CREATE FUNCTION payment_ledger_balances() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        entry uuid := CASE TG_TABLE_NAME WHEN '{ENTRY}' THEN (to_jsonb(NEW) ->> 'id')::uuid
                                         ELSE (to_jsonb(NEW) ->> 'entry_id')::uuid END;
        lines bigint; currencies bigint; total numeric;
    BEGIN
        SELECT count(*), count(DISTINCT currency), sum(amount_minor) INTO lines, currencies, total
        FROM {LINE} WHERE entry_id = entry;
        IF lines < 2 OR currencies <> 1 OR total <> 0 THEN
            RAISE check_violation USING MESSAGE = 'the lines of a ledger entry do not balance';
        END IF;
        RETURN NULL;
    END $$;
    CREATE FUNCTION payment_ledger_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE restrict_violation USING MESSAGE = 'what the ledger says stays; post the opposite instead';
    END $$;
"""  # noqa: S608  names of our own

# Commission as agreed on the day of payment, to the nearest cent, a half to the even one.
WHAT_WAS = (
    """
    CREATE TEMPORARY TABLE payment_ledger_was ON COMMIT DROP AS
    WITH share AS (
        SELECT o.attempt_id, o.paid_at, l.insurer_id, l.currency, l.premium_minor AS premium,
            row_number() OVER (PARTITION BY o.id ORDER BY l.number) AS place,
            div(l.premium_minor * points, 10000) + CASE
                WHEN 2 * mod(l.premium_minor * points, 10000) > 10000 THEN 1
                WHEN 2 * mod(l.premium_minor * points, 10000) = 10000 THEN mod(div(l.premium_minor * points, 10000), 2)
                ELSE 0 END AS commission
        FROM checkout_order o JOIN checkout_order_line l ON l.order_id = o.id
        JOIN quoting_offer q ON q.id = l.offer_id JOIN quoting_need w ON w.id = q.need_id,
        LATERAL (SELECT coalesce((
            SELECT t.basis_points FROM accounts_commission_term t
            WHERE t.insurer_id = l.insurer_id AND t.line = w.line AND t.accepted_at IS NOT NULL
                AND t.effective_from <= (o.paid_at AT TIME ZONE 'Asia/Shanghai')::date
            ORDER BY t.effective_from DESC LIMIT 1), 0)::numeric AS points) agreed
        WHERE o.state = 'issued'
    )
    SELECT 'received' AS event, a.id::text AS cause, a.id AS attempt_id, a.payment_intent_id AS provider_object,
        coalesce(a.succeeded_at, a.settled_at, a.created_at) AS at, n.number, n.account, NULL::uuid AS insurer_id,
        n.sign * a.received_minor AS minor, a.received_currency AS currency
    FROM payment_attempt a
    CROSS JOIN (VALUES (1, 'provider_balance', 1), (2, 'customer_held', -1)) n (number, account, sign)
    WHERE a.received_minor IS NOT NULL
    UNION ALL
    SELECT 'refund_requested', r.id::text, r.attempt_id, NULL, r.requested_at, n.number, n.account, NULL,
        n.sign * r.amount_minor, r.currency
    FROM payment_refund r
    CROSS JOIN (VALUES (1, 'customer_held', 1), (2, 'refunds_payable', -1)) n (number, account, sign)
    UNION ALL
    SELECT 'refund_sent', r.id::text, r.attempt_id, r.provider_id, coalesce(r.settled_at, r.requested_at), n.number,
        n.account, NULL, n.sign * r.amount_minor, r.currency
    FROM payment_refund r
    CROSS JOIN (VALUES (1, 'refunds_payable', 1), (2, 'provider_balance', -1)) n (number, account, sign)
    WHERE r.state IN ('sent', 'succeeded')
    UNION ALL
    SELECT 'premium', s.attempt_id::text, s.attempt_id, NULL, s.paid_at, 4 * (s.place - 1) + n.number, n.account,
        CASE WHEN n.own THEN s.insurer_id END, n.minor, s.currency
    FROM share s, LATERAL (VALUES
        (1, 'customer_held', false, s.premium), (2, 'insurer_payable', true, -s.premium),
        (3, 'insurer_payable', true, s.commission), (4, 'commission', true, -s.commission)
    ) n (number, account, own, minor) WHERE n.minor <> 0
    """,
    """
    INSERT INTO payment_ledger_entry (id, event, cause, attempt_id, provider_object, posted_at)
    SELECT DISTINCT ON (event, cause) gen_random_uuid(), event, cause, attempt_id, provider_object, at
    FROM payment_ledger_was
    """,
    """
    INSERT INTO payment_ledger_line (entry_id, number, account, insurer_id, amount_minor, currency)
    SELECT e.id, w.number, w.account, w.insurer_id, w.minor, w.currency
    FROM payment_ledger_was w JOIN payment_ledger_entry e USING (event, cause)
    """,
)
"""What happened before there was a ledger, posted as if it had been there."""


def upgrade() -> None:
    _create_ledger()
    _create_movement()
    for table in (ENTRY, LINE, MOVEMENT, CHECK):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ((SELECT tenant_is_everybody()))")
        op.execute(f"REVOKE UPDATE, DELETE ON {table} FROM marketplace_app")
    op.execute(BALANCED)
    for table in (ENTRY, LINE):
        op.execute(
            f"CREATE CONSTRAINT TRIGGER balances AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION payment_ledger_balances()"
        )
        op.execute(
            f"CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION payment_ledger_stays()"
        )
    for statement in WHAT_WAS:
        op.execute(statement)


def _create_ledger() -> None:
    op.create_table(
        ENTRY,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("cause", sa.String(255), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), sa.ForeignKey("payment_attempt.id")),
        sa.Column("provider_object", sa.String(255)),
        sa.Column("posted_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payment_ledger_entry"),
        sa.UniqueConstraint("event", "cause", name="uq_payment_ledger_entry_once"),
    )
    for column in ("attempt_id", "provider_object"):
        op.create_index(f"ix_{ENTRY}_{column}", ENTRY, [column])
    op.create_table(
        LINE,
        sa.Column("entry_id", sa.Uuid(), sa.ForeignKey(f"{ENTRY}.id"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(32), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id")),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_payment_ledger_line_amount_not_zero")),
        sa.CheckConstraint(
            "(account IN ('insurer_payable', 'commission')) = (insurer_id IS NOT NULL)",
            name=op.f("ck_payment_ledger_line_whose"),
        ),
        sa.PrimaryKeyConstraint("entry_id", "number", name="pk_payment_ledger_line"),
    )
    op.create_index("ix_payment_ledger_line_account", LINE, ["account", "currency", "insurer_id"])


def _create_movement() -> None:
    op.create_table(
        MOVEMENT,
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255)),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("moved_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payment_provider_movement"),
    )
    op.create_index("ix_payment_provider_movement_moved", MOVEMENT, ["moved_at"])
    op.create_table(
        CHECK,
        sa.Column("checked_at", INSTANT, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("provider_minor", sa.BigInteger(), nullable=False),
        sa.Column("ledger_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("checked_at", "currency", name="pk_payment_balance_check"),
    )


def downgrade() -> None:
    raise SystemExit("What was posted is not taken out again: restore a backup of before instead.")
