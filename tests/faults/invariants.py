"""What must hold of the books whatever died, each as a question over one snapshot that finds nothing.

Beside the house's own questions (`oversight.queries.soundness`: lines of an order, ledger entries that balance, nothing
held for a closed order, shares that make the premium: I5, I7, I17) these know what operations cannot know: everything
that the provider and the mail server themselves have. I1 to I17 are those of reliability.md 5.6; each is tried by
breaking it in `test_invariants.py`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from email import message_from_bytes
from typing import Any

from sqlalchemy import Connection, text

from marketplace.infra.jobs import known_tasks
from marketplace.kernel.canonical import sha256_hex
from marketplace.oversight import queries as oversight
from marketplace.policy import queries as policies
from sandbox.stripe_simulator.store import Records

Row = dict[str, Any]
Violation = tuple[str, str]
"""Which of them, and what it is broken by: a number, a reference, an id."""


@dataclass(frozen=True)
class World:
    """What the neighbours say, as plain rows.

    `payments` (id, attempt, amount, currency) and `refunds` (id, payment, refund, amount, currency) that went through
    at the provider, the `transfers` to insurers and their `reversals` (id, ours, amount, currency), its `movements` of
    our balance (subject, minor, currency); `mails` (message_id, sha256) that the mail server took, as often as it took
    them.
    """

    payments: list[Row]
    refunds: list[Row]
    transfers: list[Row]
    reversals: list[Row]
    movements: list[Row]
    mails: list[Row]

    @property
    def as_json(self) -> dict[str, str]:
        return {name: json.dumps(rows) for name, rows in asdict(self).items()}


def _asked_again() -> list[str]:
    """Jobs that are tried once, because whoever asked for them asks again by the clock."""
    return [name for name, task in known_tasks().items() if task.attempts == 1]


def world(books: Records, mails: Iterable[bytes]) -> World:
    """`books` are the provider's own, read beside its door, which may be failing at the moment."""
    return World(
        payments=[
            _plain(each, amount=each["amount_received"], attempt=_our_id(each, "attempt_id"))
            for each in books.all("payment_intent")
            if each["status"] == "succeeded"
        ],
        refunds=[
            _plain(each, amount=each["amount"], payment=each["payment_intent"], refund=_our_id(each, "refund_id"))
            for each in books.all("refund")
            if each["status"] not in {"failed", "canceled"}
        ],
        transfers=_passed_on(books, "transfer"),
        reversals=_passed_on(books, "transfer_reversal"),
        movements=[
            {"subject": _subject(books, each), "minor": each["net"], "currency": each["currency"].upper()}
            for each in books.all("balance_transaction")
        ],
        mails=[
            {"message_id": str(message_from_bytes(each)["Message-ID"]), "sha256": sha256_hex(each)} for each in mails
        ],
    )


def _passed_on(books: Records, kind: str) -> list[Row]:
    name = f"{kind.removeprefix('transfer_')}_id"
    return [_plain(each, amount=each["amount"], ours=_our_id(each, name)) for each in books.all(kind)]


def _plain(found: Row, **more: Any) -> Row:
    return {"id": found["id"], "currency": found["currency"].upper(), **more}


def _our_id(found: Row, name: str) -> str | None:
    return found["metadata"].get(name)


def _subject(books: Records, movement: Row) -> str:
    """What moved the balance: a payment by its own name, not by that of its charge."""
    source = books.get(movement["source"]) or {}
    return str(source["payment_intent"] if source.get("object") == "charge" else movement["source"])


_SAID = """
    WITH paid AS (
        SELECT * FROM jsonb_to_recordset(CAST(:payments AS jsonb))
        AS t(id text, attempt uuid, amount bigint, currency text)
    ), sent_back AS (
        SELECT * FROM jsonb_to_recordset(CAST(:refunds AS jsonb))
        AS t(id text, payment text, refund uuid, amount bigint, currency text)
    ), passed_on AS (
        SELECT *, 'payment_transfer' AS of FROM jsonb_to_recordset(CAST(:transfers AS jsonb))
        AS t(id text, ours uuid, amount bigint, currency text)
        UNION ALL SELECT *, 'payment_transfer_reversal' FROM jsonb_to_recordset(CAST(:reversals AS jsonb))
        AS t(id text, ours uuid, amount bigint, currency text)
    ), shares AS (
        SELECT id, 'payment_transfer' AS of, state, amount_minor, currency, provider_id FROM payment_transfer
        UNION ALL SELECT id, 'payment_transfer_reversal', state, amount_minor, currency, provider_id
        FROM payment_transfer_reversal
    ), moved AS (
        SELECT * FROM jsonb_to_recordset(CAST(:movements AS jsonb)) AS t(subject text, minor bigint, currency text)
    ), taken AS (
        SELECT * FROM jsonb_to_recordset(CAST(:mails AS jsonb)) AS t(message_id text, sha256 text)
    ), entered AS (
        SELECT journey_id, application_id, type, log_index FROM traceability_entry
        UNION ALL SELECT journey_id, application_id, type, NULL FROM traceability_evidence_intake
    )
"""

ALWAYS = {
    "I2 a contract or a refund of money that never came": """
        SELECT p.number FROM policy_policy p LEFT JOIN checkout_order o ON o.id = p.order_id
        WHERE NOT EXISTS (SELECT FROM paid WHERE paid.attempt = o.attempt_id)
        UNION ALL SELECT r.id::text FROM payment_refund r
        WHERE NOT EXISTS (SELECT FROM paid WHERE paid.attempt = r.attempt_id)
        """,
    "I3 a contract whose money went back, or more back than came": """
        SELECT p.number FROM policy_policy p JOIN checkout_order o ON o.id = p.order_id
        JOIN payment_refund r ON r.attempt_id = o.attempt_id AND r.reason = 'not_issuable'
        UNION ALL SELECT paid.id FROM paid JOIN sent_back ON sent_back.payment = paid.id
        GROUP BY paid.id, paid.amount HAVING sum(sent_back.amount) > paid.amount
        """,
    "I4b one refund was sent twice, or one that we do not know": """
        SELECT coalesce(refund::text, min(id)) FROM sent_back GROUP BY refund HAVING count(*) > 1 OR refund IS NULL
        UNION ALL SELECT id FROM sent_back
        WHERE refund IS NOT NULL AND NOT EXISTS (SELECT FROM payment_refund r WHERE r.id = sent_back.refund)
        """,
    "I4c a share was sent or brought back twice, or one that we do not know": """
        SELECT coalesce(ours::text, min(id)) FROM passed_on GROUP BY ours, of HAVING count(*) > 1 OR ours IS NULL
        UNION ALL SELECT id FROM passed_on
        WHERE ours IS NOT NULL AND NOT EXISTS (SELECT FROM shares s WHERE s.id = passed_on.ours AND s.of = passed_on.of)
        """,
    "I5 the ledger has an event of a payment twice": """
        SELECT attempt_id || ' ' || event FROM payment_ledger_entry
        WHERE event IN ('received', 'premium') GROUP BY attempt_id, event HAVING count(*) > 1
        """,
    "I9 a mail that we did not write, or about no contract": """
        SELECT message_id FROM taken
        WHERE NOT EXISTS (SELECT FROM correspondence_message m WHERE m.message_id = taken.message_id)
        UNION ALL SELECT m.message_id FROM correspondence_message m
        WHERE m.kind = 'policy_issued' AND NOT EXISTS (SELECT FROM policy_policy p WHERE p.id::text = m.subject_key)
        """,
    "I10 a policy was mailed in two mails, or a mail with other bytes": """
        SELECT application_id::text FROM correspondence_message WHERE kind = 'policy_issued'
        GROUP BY application_id HAVING count(*) > 1
        UNION ALL SELECT message_id FROM taken GROUP BY message_id HAVING count(DISTINCT sha256) > 1
        """,
    "I11 what comes later in the trail came before": """
        SELECT later.journey_id || ' ' || later.type
        FROM (VALUES ('payment:started', 'payment:succeeded'), ('payment:succeeded', 'contract:concluded'),
            ('contract:concluded', 'policy:signed'), ('policy:signed', 'policy:mailed'),
            ('payment:started', 'refund:requested'), ('refund:requested', 'refund:succeeded')) AS road(before, after)
        JOIN entered later ON later.type = road.after AND later.log_index IS NOT NULL
        WHERE NOT EXISTS (SELECT FROM entered earlier WHERE earlier.journey_id = later.journey_id
                          AND earlier.type = road.before AND earlier.log_index < later.log_index)
        """,
    "I12 the trail and the rows do not tell the same number of acts": """
        SELECT application_id || ' ' || type FROM (
            SELECT application_id, type, count(*) AS number FROM entered GROUP BY 1, 2
        ) said FULL JOIN (
            SELECT application_id, 'payment:succeeded' AS type, count(*) AS number FROM payment_attempt
            WHERE succeeded_at IS NOT NULL GROUP BY 1
            UNION ALL SELECT application_id, 'contract:concluded', count(*) FROM policy_policy GROUP BY 1
            UNION ALL SELECT p.application_id, 'policy:signed', count(*) FROM policy_policy p
            JOIN policy_version v ON v.policy_id = p.id JOIN policy_document d ON d.version_id = v.id
            WHERE d.state = 'sealed' AND d.kind = 'policy' GROUP BY 1
            UNION ALL SELECT application_id, 'policy:mailed', count(*) FROM correspondence_message
            WHERE kind IN ('policy_issued', 'policy_receipt') AND state = 'sent' GROUP BY 1
            UNION ALL SELECT a.application_id, 'refund:requested', count(*)
            FROM payment_refund r JOIN payment_attempt a ON a.id = r.attempt_id GROUP BY 1
            UNION ALL SELECT a.application_id, 'refund:succeeded', count(*)
            FROM payment_refund r JOIN payment_attempt a ON a.id = r.attempt_id WHERE r.state = 'succeeded' GROUP BY 1
        ) kept USING (application_id, type)
        WHERE type IN ('payment:succeeded', 'contract:concluded', 'policy:signed', 'policy:mailed', 'refund:requested',
                       'refund:succeeded')
          AND application_id IS NOT NULL AND said.number IS DISTINCT FROM kept.number
        """,
    "I14 an application is in more than one order that stands": """
        SELECT l.application_id::text FROM checkout_order_line l JOIN checkout_order o ON o.id = l.order_id
        WHERE o.state NOT IN ('lapsed', 'not_issuable', 'refunded') GROUP BY l.application_id HAVING count(*) > 1
        """,
}
AT_REST = {
    "I1 paid, and neither a contract nor all of it back": """
        SELECT paid.id FROM paid
        WHERE NOT EXISTS (SELECT FROM checkout_order o JOIN policy_policy p ON p.order_id = o.id
                          WHERE o.attempt_id = paid.attempt)
          AND paid.amount > (SELECT coalesce(sum(amount), 0) FROM sent_back WHERE sent_back.payment = paid.id)
        """,
    "I4 an order was paid twice, and neither went back": """
        SELECT a.subject_id::text FROM paid JOIN payment_attempt a ON a.id = paid.attempt
        WHERE paid.amount > (SELECT coalesce(sum(amount), 0) FROM sent_back WHERE sent_back.payment = paid.id)
        GROUP BY a.subject_id HAVING count(*) > 1
        """,
    "I6 the ledger says of a movement of money what the provider does not": """
        SELECT coalesce(here.moved, there.moved) FROM (
            SELECT e.provider_object AS moved, n.currency, sum(n.amount_minor) AS minor
            FROM payment_ledger_entry e JOIN payment_ledger_line n ON n.entry_id = e.id
            WHERE n.account = 'provider_balance' GROUP BY 1, 2
        ) here FULL JOIN (
            SELECT subject AS moved, currency, sum(minor) AS minor FROM moved GROUP BY 1, 2
        ) there USING (moved, currency) WHERE here.minor IS DISTINCT FROM there.minor
        """,
    "I7 money is held for an attempt that is over": """
        SELECT e.attempt_id || ' ' || n.account FROM payment_ledger_entry e
        JOIN payment_ledger_line n ON n.entry_id = e.id
        WHERE n.account IN ('customer_held', 'refunds_payable') GROUP BY e.attempt_id, n.account
        HAVING sum(n.amount_minor) <> 0
        """,
    "I7b an insurer does not have its share of what nobody can withdraw from, or has another": """
        SELECT s.id::text FROM shares s LEFT JOIN passed_on p ON p.ours = s.id AND p.of = s.of
        WHERE s.state IN ('asked', 'sent') AND (s.provider_id, s.amount_minor, s.currency)
              IS DISTINCT FROM (p.id, p.amount, p.currency)
        UNION ALL SELECT t.id::text FROM payment_transfer t JOIN accounts_payee a USING (insurer_id)
        WHERE t.state = 'waiting' AND t.due_at < now() AND a.payouts_enabled AND NOT EXISTS (
            SELECT FROM payment_dispute d WHERE d.attempt_id = t.attempt_id AND d.closed_at IS NULL)
        """,
    "I8 a contract whose policy the mail server never had": """
        SELECT p.number FROM policy_policy p WHERE NOT EXISTS (
            SELECT FROM correspondence_message m JOIN taken USING (message_id)
            WHERE m.kind = 'policy_issued' AND m.subject_key = p.id::text AND m.state = 'sent')
        """,
    "I13 work that is due and not done, or was given up": """
        SELECT task_name || ' ' || status FROM procrastinate_jobs
        WHERE task_name NOT LIKE 'infra.%' AND status = 'failed' AND task_name <> ALL(:again)
           OR task_name NOT LIKE 'infra.%' AND task_name <> 'oversight.take_pictures' AND status = 'doing'
           OR task_name <> 'oversight.take_pictures' AND status = 'todo'
              AND (scheduled_at IS NULL OR scheduled_at < now() - interval '1 minute')
        UNION ALL SELECT type FROM payment_provider_event WHERE handled_at IS NULL
        """,
    "I15 what was entered is outside the log, or the log has a gap": """
        SELECT type FROM entered WHERE log_index IS NULL
        UNION ALL SELECT 'the log' FROM traceability_entry HAVING count(*) <> coalesce(max(log_index) + 1, 0)
        UNION ALL SELECT journey_id::text FROM traceability_entry GROUP BY journey_id
        HAVING count(*) <> max(number) OR min(number) <> 1
        UNION ALL SELECT 'the newest checkpoint' FROM traceability_log_checkpoint
        HAVING max(size) IS DISTINCT FROM (SELECT max(log_index) + 1 FROM traceability_entry)
        """,
    "I16 a contract without its sealed paper, or at another price than was paid": """
        SELECT p.number FROM policy_policy p WHERE NOT EXISTS (
            SELECT FROM policy_version v JOIN policy_document d ON d.version_id = v.id
            WHERE v.policy_id = p.id AND d.kind = 'policy' AND d.state = 'sealed')
        UNION ALL SELECT coalesce(number, kind) FROM policy_document WHERE state <> 'sealed'
        UNION ALL SELECT o.reference FROM checkout_order o JOIN policy_policy p ON p.order_id = o.id
        JOIN paid ON paid.attempt = o.attempt_id GROUP BY o.id, paid.amount, paid.currency
        HAVING sum(p.premium_minor) <> paid.amount OR max(p.currency) <> paid.currency
        """,
}


def violations(connection: Connection, said: World, *, at_rest: bool) -> list[Violation]:
    """`connection` sees everybody's rows of one moment; `at_rest`: nothing is left to be done."""
    return list(_violations(connection, said, at_rest=at_rest))


def _violations(connection: Connection, said: World, *, at_rest: bool) -> Iterator[Violation]:
    told = {**said.as_json, "again": _asked_again()}
    for name, question in (ALWAYS | AT_REST if at_rest else ALWAYS).items():
        asked = text(_SAID + question)
        found = connection.execute(asked, {each: told[each] for each in asked.compile().params}).scalars()
        yield from ((name, str(each)) for each in found)
    yield from ((f"the house: {sentence}", name) for name, sentence in oversight.broken(connection))


def alterations() -> list[Violation]:
    """I12 and I16 to the byte, inside an application: rows against what the log says, papers against hash and seal."""
    return [
        *((f"the house: {sentence}", name) for name, sentence in oversight.contradictions()),
        *((f"the house: the paper is {reason}", number) for number, reason in policies.unsound_papers()),
    ]
