"""Insurers' shares of contracts: how each gets to the insurer's account, what went back, what comes back from there.

Sales are stopped by what Stripe says as well as by a person.
"""

import sqlalchemy as sa
from alembic import op

revision = "0056_transfers"
down_revision = "0055_mail_returned"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALL = "(SELECT tenant_is_everybody())"
OWN = "(SELECT tenant_insurer())"
TRANSFER, RETURN, REVERSAL = "payment_transfer", "payment_premium_return", "payment_transfer_reversal"

WHAT_WAS = (
    """
    WITH posted AS (
        SELECT e.attempt_id, e.posted_at, h.number, h.amount_minor AS premium, h.currency, p.insurer_id,
            coalesce(c.amount_minor, 0) AS commission,
            row_number() OVER (PARTITION BY e.id, p.insurer_id, h.amount_minor ORDER BY h.number) AS place
        FROM payment_ledger_entry e
        JOIN payment_ledger_line h ON h.entry_id = e.id AND h.account = 'customer_held'
        JOIN payment_ledger_line p ON p.entry_id = e.id AND p.number = h.number + 1
        LEFT JOIN payment_ledger_line c ON c.entry_id = e.id AND c.number = h.number + 2
            AND c.account = 'insurer_payable' AND c.amount_minor > 0
        WHERE e.event = 'premium'
    ), sold AS (
        SELECT o.attempt_id, l.insurer_id, l.premium_minor, y.id AS contract_id, y.concluded_at, y.zone,
            coalesce((v.content #>> '{key_facts,cooling_off_days}')::int, 0) AS days,
            row_number() OVER (PARTITION BY o.id, l.insurer_id, l.premium_minor ORDER BY l.number) AS place
        FROM checkout_order o JOIN checkout_order_line l ON l.order_id = o.id
        JOIN policy_policy y ON y.order_id = o.id AND y.application_id = l.application_id
        JOIN catalog_product_version v ON v.id = y.product_version_id
        WHERE o.state = 'issued'
    )
    INSERT INTO payment_transfer
        (id, attempt_id, insurer_id, contract_id, premium_minor, commission_minor, currency, state, due_at, booked_at)
    SELECT gen_random_uuid(), p.attempt_id, p.insurer_id, s.contract_id, p.premium, p.commission, p.currency,
        CASE WHEN p.premium > p.commission THEN 'waiting' ELSE 'closed' END,
        CASE WHEN s.days = 0 THEN s.concluded_at
            ELSE ((s.concluded_at AT TIME ZONE s.zone)::date + s.days + 1)::timestamp AT TIME ZONE s.zone END,
        p.posted_at
    FROM posted p JOIN sold s
    ON (s.attempt_id, s.insurer_id, s.premium_minor, s.place) = (p.attempt_id, p.insurer_id, p.premium, p.place)
    """,
    """
    WITH taken AS (
        SELECT e.cause, e.attempt_id, e.posted_at, n.insurer_id, n.currency, sum(n.amount_minor) AS premium,
            coalesce(sum(n.amount_minor) FILTER (WHERE n.account = 'commission'), 0) AS commission
        FROM payment_ledger_entry e JOIN payment_ledger_line n ON n.entry_id = e.id
        WHERE e.event IN ('refund_requested', 'dispute_lost') AND n.insurer_id IS NOT NULL
        GROUP BY e.id, n.insurer_id, n.currency
    ), spent AS (
        SELECT taken.*, sum(premium) OVER earlier - premium AS premium_from, sum(premium) OVER earlier AS premium_to,
            sum(commission) OVER earlier - commission AS commission_from, sum(commission) OVER earlier AS commission_to
        FROM taken WINDOW earlier AS (PARTITION BY attempt_id, insurer_id ORDER BY posted_at, cause)
    ), had AS (
        SELECT id, attempt_id, insurer_id, sum(premium_minor) OVER before - premium_minor AS premium_from,
            sum(premium_minor) OVER before AS premium_to, sum(commission_minor) OVER before - commission_minor
            AS commission_from, sum(commission_minor) OVER before AS commission_to
        FROM payment_transfer WINDOW before AS (PARTITION BY attempt_id, insurer_id ORDER BY contract_id)
    ), parts AS (
        SELECT s.cause, h.id AS transfer_id, s.insurer_id, s.currency, s.posted_at,
            greatest(0, least(s.premium_to, h.premium_to) - greatest(s.premium_from, h.premium_from)) AS premium,
            greatest(0, least(s.commission_to, h.commission_to) - greatest(s.commission_from, h.commission_from))
                AS commission
        FROM spent s JOIN had h USING (attempt_id, insurer_id)
    )
    INSERT INTO payment_premium_return
        (cause, transfer_id, insurer_id, premium_minor, commission_minor, currency, returned_at)
    SELECT cause, transfer_id, insurer_id, premium, commission, currency, posted_at
    FROM parts WHERE premium > 0 OR commission > 0
    """,
    """
    UPDATE payment_transfer t SET state = 'closed'
    WHERE t.premium_minor - t.commission_minor <= (
        SELECT sum(r.premium_minor - r.commission_minor) FROM payment_premium_return r WHERE r.transfer_id = t.id)
    """,
)
"""The shares of contracts that were concluded before: as they were posted, due when their cooling-off is over; and what
of them is their customers' again, taken from the contracts of an insurer one after the other.
"""


def upgrade() -> None:
    op.alter_column("accounts_suspension", "suspended_by", nullable=True)
    _create_transfer()
    _create_return()
    _create_reversal()
    for table in (TRANSFER, RETURN, REVERSAL):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenants ON {table} USING ({ALL} OR insurer_id = {OWN})")
        op.execute(f"REVOKE DELETE ON {table} FROM marketplace_app")
    op.execute(f"REVOKE UPDATE ON {RETURN} FROM marketplace_app")
    for statement in WHAT_WAS:
        op.execute(statement)


def _create_transfer() -> None:
    op.create_table(
        TRANSFER,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), sa.ForeignKey("payment_attempt.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("premium_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("booked_at", INSTANT, nullable=False),
        sa.Column("destination", sa.String(255)),
        sa.Column("amount_minor", sa.BigInteger()),
        sa.Column("number", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("idempotency_key", sa.String(255)),
        sa.Column("asked_at", INSTANT),
        sa.Column("failed_calls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_as", sa.String(64)),
        sa.Column("failure", sa.String()),
        sa.Column("provider_id", sa.String(255)),
        sa.Column("sent_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_payment_transfer"),
        sa.UniqueConstraint("contract_id", name="uq_payment_transfer_contract_id"),
        sa.UniqueConstraint("idempotency_key", name="uq_payment_transfer_idempotency_key"),
        sa.UniqueConstraint("provider_id", name="uq_payment_transfer_provider_id"),
        sa.CheckConstraint("premium_minor > 0", name=op.f("ck_payment_transfer_premium_positive")),
        sa.CheckConstraint(
            "commission_minor BETWEEN 0 AND premium_minor", name=op.f("ck_payment_transfer_commission_of_the_premium")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_transfer_amount_positive")),
        sa.CheckConstraint(
            "(state = 'sent') = (provider_id IS NOT NULL AND sent_at IS NOT NULL)",
            name=op.f("ck_payment_transfer_sent_whole"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('asked', 'sent') OR destination IS NOT NULL AND amount_minor IS NOT NULL "
            "AND idempotency_key IS NOT NULL AND asked_at IS NOT NULL",
            name=op.f("ck_payment_transfer_asked_whole"),
        ),
    )
    op.create_index("ix_payment_transfer_attempt_id", TRANSFER, ["attempt_id"])
    op.create_index("ix_payment_transfer_insurer", TRANSFER, ["insurer_id", "booked_at"])
    op.create_index(
        "ix_payment_transfer_due", TRANSFER, ["due_at"], postgresql_where=sa.text("state IN ('waiting', 'asked')")
    )


def _create_return() -> None:
    op.create_table(
        RETURN,
        sa.Column("cause", sa.String(255), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), sa.ForeignKey("payment_transfer.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("premium_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("returned_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("cause", "transfer_id", name="pk_payment_premium_return"),
        sa.CheckConstraint(
            "premium_minor >= 0 AND commission_minor >= 0", name=op.f("ck_payment_premium_return_parts_not_negative")
        ),
    )
    op.create_index("ix_payment_premium_return_transfer_id", RETURN, ["transfer_id"])
    op.create_index("ix_payment_premium_return_insurer", RETURN, ["insurer_id", "returned_at"])


def _create_reversal() -> None:
    op.create_table(
        REVERSAL,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), sa.ForeignKey("payment_transfer.id"), nullable=False),
        sa.Column("insurer_id", sa.Uuid(), sa.ForeignKey("accounts_insurer.id"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("idempotency_key", sa.String(255), nullable=False),
        sa.Column("booked_at", INSTANT, nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("failed_calls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_as", sa.String(64)),
        sa.Column("failure", sa.String()),
        sa.Column("provider_id", sa.String(255)),
        sa.Column("sent_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_payment_transfer_reversal"),
        sa.UniqueConstraint("idempotency_key", name="uq_payment_transfer_reversal_idempotency_key"),
        sa.UniqueConstraint("provider_id", name="uq_payment_transfer_reversal_provider_id"),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_transfer_reversal_amount_positive")),
        sa.CheckConstraint(
            "(state = 'sent') = (provider_id IS NOT NULL AND sent_at IS NOT NULL)",
            name=op.f("ck_payment_transfer_reversal_sent_whole"),
        ),
    )
    op.create_index("ix_payment_transfer_reversal_transfer_id", REVERSAL, ["transfer_id"])
    op.create_index("ix_payment_transfer_reversal_insurer", REVERSAL, ["insurer_id", "sent_at"])
    op.create_index(
        "ix_payment_transfer_reversal_asked", REVERSAL, ["asked_at"], postgresql_where=sa.text("state = 'asked'")
    )


def downgrade() -> None:
    raise SystemExit("What was sent to insurers is not forgotten: restore a backup of before instead.")
