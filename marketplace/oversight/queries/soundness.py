"""Whether orders, money, contracts and papers agree: questions over several features, asked of one snapshot."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from marketplace.infra.db import snapshot
from marketplace.infra.formatting import gettext_noop as _n

# What an entry of the ledger says in all of an account: `posted`, of which questions may speak.
_POSTED = """
    WITH posted AS (
        SELECT e.event, e.cause, e.attempt_id, n.account, n.currency, sum(n.amount_minor) AS minor
        FROM payment_ledger_entry e JOIN payment_ledger_line n ON n.entry_id = e.id
        GROUP BY e.id, n.account, n.currency
    )
"""

# What is said of whatever the question finds, for whoever shows it to translate. Each holds at every moment, however
# much is under way.
_BROKEN = {
    _n("the order has other contracts or refunds than its state says"): """
        SELECT o.reference FROM checkout_order o,
        LATERAL (SELECT count(*) AS number FROM checkout_order_line l WHERE l.order_id = o.id) lines,
        LATERAL (SELECT count(*) AS number FROM policy_policy p WHERE p.order_id = o.id) contracts,
        LATERAL (SELECT count(*) AS number FROM payment_refund r JOIN payment_attempt a ON a.id = r.attempt_id
                 WHERE a.purpose = 'new_business' AND a.subject_id = o.id AND r.reason = 'not_issuable') refunds
        WHERE NOT CASE
            WHEN o.state = 'issued' THEN contracts.number = lines.number AND refunds.number = 0
            WHEN o.state IN ('not_issuable', 'refunded') THEN contracts.number = 0 AND refunds.number = 1
            ELSE contracts.number = 0 AND refunds.number = 0 END
        """,
    _n("the order costs something else than its lines"): """
        SELECT o.reference FROM checkout_order o LEFT JOIN checkout_order_line l ON l.order_id = o.id
        GROUP BY o.id
        HAVING sum(l.premium_minor) IS DISTINCT FROM o.total_minor OR bool_or(l.currency <> o.currency)
        """,
    _n("the order is paid by nothing that came in for it"): """
        SELECT o.reference FROM checkout_order o LEFT JOIN payment_attempt a ON a.id = o.attempt_id
        WHERE (o.paid_at IS NOT NULL) <> (o.state IN ('paid', 'issued', 'not_issuable', 'refunded'))
           OR o.paid_at IS NOT NULL AND (
               a.succeeded_at IS NULL OR a.subject_id <> o.id
               OR (a.received_minor, a.received_currency) IS DISTINCT FROM (o.total_minor, o.currency))
        """,
    _n("the payment asks for something else than its order"): """
        SELECT a.reference || ', attempt ' || a.number
        FROM payment_attempt a LEFT JOIN checkout_order o ON o.id = a.subject_id
        WHERE a.purpose = 'new_business'
          AND (a.amount_minor, a.currency) IS DISTINCT FROM (o.total_minor, o.currency)
        """,
    _n("more went back than came in"): """
        SELECT a.reference || ', attempt ' || a.number
        FROM payment_attempt a JOIN payment_refund r ON r.attempt_id = a.id
        GROUP BY a.id HAVING sum(r.amount_minor) > coalesce(a.received_minor, 0)
        """,
    _n("the ledger says something else of what came in"): """
        SELECT a.reference || ', attempt ' || a.number FROM payment_attempt a LEFT JOIN posted l
        ON l.event = 'received' AND l.cause = a.id::text AND l.account = 'provider_balance'
        WHERE (l.minor, l.currency) IS DISTINCT FROM (a.received_minor, a.received_currency)
        """,
    _n("the ledger says something else of what goes back"): """
        SELECT a.reference || ', attempt ' || a.number
        FROM payment_attempt a JOIN payment_refund r ON r.attempt_id = a.id LEFT JOIN posted l
        ON l.event = 'refund_requested' AND l.cause = r.id::text AND l.account = 'refunds_payable'
        WHERE (-l.minor, l.currency) IS DISTINCT FROM (r.amount_minor, r.currency)
        """,
    _n("the ledger holds money for an order that is closed"): """
        SELECT o.reference FROM checkout_order o JOIN posted l ON l.attempt_id = o.attempt_id
        WHERE o.state IN ('issued', 'refunded') AND l.account = 'customer_held'
        GROUP BY o.id, l.currency HAVING sum(l.minor) <> 0
        """,
    _n("the ledger says something else of what has not gone back yet"): """
        SELECT a.reference || ', attempt ' || a.number FROM payment_attempt a,
        LATERAL (SELECT coalesce(sum(l.minor), 0) AS minor FROM posted l
                 WHERE l.attempt_id = a.id AND l.account = 'refunds_payable') ours,
        LATERAL (SELECT coalesce(sum(r.amount_minor - r.overtaken_minor), 0) AS minor FROM payment_refund r
                 WHERE r.attempt_id = a.id AND r.state IN ('requested', 'failed')) owed
        WHERE ours.minor <> -owed.minor
        """,
    _n("a refund was agreed to by nobody else, or became none, or another one"): """
        SELECT a.reference FROM payment_refund_wish w JOIN payment_attempt a ON a.id = w.attempt_id
        LEFT JOIN payment_refund r ON r.wish_id = w.id
        WHERE (w.state = 'approved') <> (r.id IS NOT NULL) OR w.decided_by = w.asked_by
           OR (r.attempt_id, r.amount_minor, r.currency, r.reason)
              IS DISTINCT FROM (w.attempt_id, w.amount_minor, w.currency, w.reason) AND r.id IS NOT NULL
        """,
    _n("the shares of insurers and marketplace are not the premium"): """
        SELECT o.reference FROM checkout_order o LEFT JOIN posted l
        ON l.event = 'premium' AND l.attempt_id = o.attempt_id AND l.account IN ('insurer_payable', 'commission')
        WHERE o.state = 'issued' GROUP BY o.id HAVING sum(l.minor) IS DISTINCT FROM -o.total_minor
        """,
    _n("the ledger says something else of what an insurer is owed"): """
        SELECT coalesce(a.reference, i.code) FROM (
            SELECT e.attempt_id, n.insurer_id, n.currency, -sum(n.amount_minor) AS minor
            FROM payment_ledger_entry e JOIN payment_ledger_line n ON n.entry_id = e.id
            WHERE n.account = 'insurer_payable' GROUP BY e.attempt_id, n.insurer_id, n.currency) there
        FULL JOIN (
            SELECT t.attempt_id, t.insurer_id, t.currency, sum(t.premium_minor - t.commission_minor
                - coalesce(r.minor, 0) - CASE t.state WHEN 'sent' THEN t.amount_minor ELSE 0 END
                + coalesce(v.minor, 0)) AS minor
            FROM payment_transfer t
            LEFT JOIN LATERAL (SELECT sum(premium_minor - commission_minor) AS minor
                               FROM payment_premium_return WHERE transfer_id = t.id) r ON true
            LEFT JOIN LATERAL (SELECT sum(amount_minor) AS minor
                               FROM payment_transfer_reversal WHERE transfer_id = t.id AND state = 'sent') v ON true
            GROUP BY t.attempt_id, t.insurer_id, t.currency) here USING (attempt_id, insurer_id, currency)
        LEFT JOIN payment_attempt a ON a.id = attempt_id
        LEFT JOIN accounts_insurer i ON i.id = coalesce(there.insurer_id, here.insurer_id)
        WHERE coalesce(there.minor, 0) <> coalesce(here.minor, 0)
        """,
    _n("the bordereau of the day says something else than the ledger"): """
        SELECT i.code || ', ' || day FROM (
            SELECT n.insurer_id, n.currency, (e.posted_at AT TIME ZONE 'Asia/Shanghai')::date AS day,
                coalesce(-sum(n.amount_minor) FILTER (WHERE n.account = 'insurer_payable'), 0) AS owed,
                coalesce(-sum(n.amount_minor) FILTER (WHERE n.account = 'commission'), 0) AS commission
            FROM payment_ledger_entry e JOIN payment_ledger_line n ON n.entry_id = e.id
            WHERE n.insurer_id IS NOT NULL GROUP BY 1, 2, 3) there
        FULL JOIN (
            SELECT insurer_id, currency, (at AT TIME ZONE 'Asia/Shanghai')::date AS day, sum(owed) AS owed,
                sum(commission) AS commission
            FROM (
                SELECT insurer_id, currency, booked_at AS at, premium_minor - commission_minor AS owed,
                    commission_minor AS commission FROM payment_transfer
                UNION ALL SELECT insurer_id, currency, returned_at, commission_minor - premium_minor,
                    -commission_minor FROM payment_premium_return
                UNION ALL SELECT insurer_id, currency, sent_at, -amount_minor, 0
                    FROM payment_transfer WHERE state = 'sent'
                UNION ALL SELECT insurer_id, currency, sent_at, amount_minor, 0
                    FROM payment_transfer_reversal WHERE state = 'sent') each
            GROUP BY 1, 2, 3) here USING (insurer_id, currency, day)
        LEFT JOIN accounts_insurer i ON i.id = insurer_id
        WHERE (coalesce(there.owed, 0), coalesce(there.commission, 0))
            <> (coalesce(here.owed, 0), coalesce(here.commission, 0))
        """,
    _n("the insurer's share is not that of the contract"): """
        SELECT coalesce(p.number, t.contract_id::text)
        FROM policy_policy p FULL JOIN payment_transfer t ON t.contract_id = p.id
        LEFT JOIN checkout_order o ON o.id = p.order_id
        WHERE (p.id IS NULL OR p.premium_minor > 0 AND o.state = 'issued')
          AND (t.premium_minor, t.currency, t.insurer_id) IS DISTINCT FROM (p.premium_minor, p.currency, p.insurer_id)
        """,
    _n("more of the premium went back than the contract cost"): """
        SELECT p.number FROM policy_policy p JOIN payment_transfer t ON t.contract_id = p.id
        JOIN payment_premium_return r ON r.transfer_id = t.id
        GROUP BY p.id, t.id
        HAVING sum(r.premium_minor) > t.premium_minor OR sum(r.commission_minor) > t.commission_minor
        """,
    _n("the lines of a ledger entry do not balance"): """
        SELECT cause FROM posted GROUP BY event, cause HAVING sum(minor) <> 0 OR count(DISTINCT currency) <> 1
        """,
    _n("the contract is no line of a paid order at its premium"): """
        SELECT p.number FROM policy_policy p WHERE NOT EXISTS (
            SELECT FROM checkout_order_line l JOIN checkout_order o ON o.id = l.order_id
            WHERE o.id = p.order_id AND o.paid_at IS NOT NULL AND l.application_id = p.application_id
              AND (l.premium_minor, l.currency) = (p.premium_minor, p.currency))
        """,
    _n("a version of the contract, or its paper, is missing"): """
        SELECT p.number FROM policy_policy p
        LEFT JOIN policy_version v ON v.policy_id = p.id
        LEFT JOIN policy_document d ON d.version_id = v.id AND d.kind = 'policy'
        GROUP BY p.id HAVING count(d.version_id) = 0 OR count(d.version_id) <> max(v.number)
        """,
    _n("the paper cannot be made and waits for a person"): """
        SELECT coalesce(d.number, p.number) FROM policy_document d
        LEFT JOIN policy_version v ON v.id = d.version_id LEFT JOIN policy_policy p ON p.id = v.policy_id
        WHERE d.state = 'document_failed'
          AND NOT EXISTS (SELECT FROM infra_subject_key k WHERE k.id = d.sealed_for AND k.destroyed_at IS NOT NULL)
        """,
    _n("nobody counts the time in which the policy is to be mailed"): """
        SELECT p.number FROM policy_policy p
        WHERE NOT EXISTS (SELECT FROM checkout_delivery d WHERE d.policy_id = p.id)
        """,
    _n("the policy was not mailed within two working days"): """
        SELECT p.number FROM checkout_delivery d JOIN policy_policy p ON p.id = d.policy_id
        WHERE d.overdue_at IS NOT NULL AND d.mailed_at IS NULL AND d.fetched_at IS NULL AND p.erased_at IS NULL
        """,
    _n("the number was given twice"): """
        SELECT number FROM policy_policy GROUP BY number HAVING count(*) > 1
        UNION ALL SELECT reference FROM checkout_order GROUP BY reference HAVING count(*) > 1
        UNION ALL SELECT number FROM policy_document GROUP BY number HAVING count(number) > 1
        """,
    _n("the number would be given again"): """
        SELECT p.number FROM policy_policy p,
        LATERAL regexp_match(p.number, '^EF-.*-(\\d+)-(\\d+)$') AS parts
        WHERE parts IS NOT NULL AND NOT EXISTS (SELECT FROM policy_number_range r WHERE r.insurer_id = p.insurer_id
                          AND r.year = parts[1]::int AND r.next > parts[2]::int)
        UNION ALL SELECT p.number FROM policy_policy p JOIN policy_allotted_range a ON a.insurer_id = p.insurer_id
        AND length(p.number) = length(a.prefix) + a.digits
        WHERE p.number COLLATE "C" BETWEEN a.prefix || lpad(a.next::text, a.digits, '0')
            AND a.prefix || lpad(a.last::text, a.digits, '0') AND a.next <= a.last
        """,
}

_UNDER_WAY = {
    "paid orders without a contract yet": "SELECT count(*) FROM checkout_order WHERE state = 'paid'",
    "payments not settled": "SELECT count(*) FROM payment_attempt WHERE settled_at IS NULL",
    "refunds not settled": "SELECT count(*) FROM payment_refund WHERE settled_at IS NULL",
    "shares to be sent to insurers": "SELECT count(*) FROM payment_transfer WHERE state = 'asked'",
    "shares to come back": "SELECT count(*) FROM payment_transfer_reversal WHERE state = 'asked'",
    "papers to be sealed": "SELECT count(*) FROM policy_document WHERE state IN ('due', 'rendered')",
    "mails to be sent": "SELECT count(*) FROM correspondence_message WHERE state IN ('queued', 'ready')",
}


def disagreements() -> tuple[tuple[str, str], ...]:
    """What does not agree with the rest (a number or a reference) and how; empty in a sound house. For checks."""
    with snapshot() as connection:
        return tuple(broken(connection))


def broken(connection: Connection) -> Iterator[tuple[str, str]]:
    """The same of a connection of the caller's, which sees everybody's rows."""
    for sentence, question in _BROKEN.items():
        for name in sorted(connection.execute(text(_POSTED + question)).scalars()):
            yield name, sentence


def under_way() -> tuple[tuple[int, str], ...]:
    """How many of what wait for the worker; what does not wait is left out."""
    with snapshot() as connection:
        counts = [(connection.execute(text(question)).scalar_one(), what) for what, question in _UNDER_WAY.items()]
    return tuple((number, what) for number, what in counts if number)
