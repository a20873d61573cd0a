"""Which rows belong to whom, table by table, and one row for each table that belongs to one insurer."""

from secrets import token_hex
from typing import Any
from uuid import UUID, uuid4, uuid5

import psycopg
from psycopg import sql

# An insurer's own rows and what hangs on them.
INSURERS = {
    "accounts_account", "accounts_api_key", "accounts_commission_term", "accounts_device", "accounts_invitation",
    "accounts_one_time_secret", "accounts_passkey", "accounts_payee", "accounts_practitioner", "accounts_recovery_code",
    "accounts_security_event", "accounts_session", "accounts_suspension", "application_application",
    "application_confirmation", "consultation_message", "consultation_public_answer", "consultation_thread",
    "checkout_order", "checkout_order_line", "correspondence_message",
    "application_identity_check", "application_identity_session", "application_insured_consent",
    "infra_subject_key", "listing_draft", "listing_event", "listing_rate_card", "listing_upload", "oversight_bundle",
    "oversight_picture", "oversight_sale",
    "payment_attempt", "payment_premium_return", "payment_refund", "payment_transfer", "payment_transfer_reversal",
    "policy_allotted_range", "policy_document", "policy_instalment", "policy_number_range", "policy_policy",
    "policy_version", "privacy_erasure", "privacy_hold", "privacy_restriction", "quoting_need", "quoting_offer",
    "rating_tariff", "servicing_premium", "traceability_entry", "traceability_evidence_intake", "traceability_journey",
    "traceability_recording", "traceability_recording_chunk", "underwriting_decision", "underwriting_inquiry",
}  # fmt: skip

# What is on sale: every scope reads it, its insurer writes it.
CATALOG = {"catalog_document", "catalog_product", "catalog_product_version", "catalog_sale_end"}

# Of the marketplace and its customers alone.
MARKETPLACE = {
    "needs_basket", "needs_basket_line", "needs_scheme",
    "accounts_ceremony", "accounts_challenge", "accounts_insurer_application", "checkout_delivery",
    "disclosure_site_report", "payment_balance_check", "payment_dispute", "payment_ledger_entry", "payment_ledger_line",
    "payment_mandate",
    "payment_provider_event", "payment_provider_movement", "payment_refund_wish", "policy_paper_range",
    "oversight_sample", "oversight_sampled", "privacy_export", "privacy_notice", "privacy_request", "privacy_run",
    "screening_case", "screening_event", "screening_fact", "screening_trace",
}  # fmt: skip

# Public, and written by the marketplace alone.
REGISTERS = {"accounts_insurer", "accounts_insurer_fact", "disclosure_announcement", "disclosure_wording"}

# Without policies, and why.
EVERYBODYS = {
    "accounts_limit": "keyed hashes and counts; every door counts",
    "alembic_version": "which migrations ran; asked before anything else",
    "infra_business_clock": "one number; asked before there is a scope",
    "infra_key_revision": "one random id, new when a key was destroyed",
    "policy_seal_root": "public: certificates that seals lead to",
    "infra_public_revision": "one random id, new when something public has changed",
    "procrastinate_events": "states and instants of jobs",
    "procrastinate_jobs": "jobs carry ids, numbers, days and words of our lists (test_registry)",
    "procrastinate_periodic_defers": "names and instants of periodic jobs",
    "procrastinate_workers": "no data",
    "traceability_log_checkpoint": "public: sizes and roots of the log, signed",
    "traceability_log_key": "public: whose signature to trust",
    "traceability_log_tile": "public: hashes of hashes",
    "traceability_page_online": "when a page was online; a page is the same for everybody",
    "traceability_page_reference": "the hash of a file without anything about anybody",
    "traceability_recording_reference": "the hash of a file without anything about anybody",
    "traceability_release": "what pages are made of, and which of our own people said it is good",
    "traceability_page_version": "hashes of templates and texts; a page is the same for everybody",
    "traceability_time_authority": "public: who stamps the time of the log",
    "traceability_timestamp": "public: when the log was how large",
}

APPENDED = {"accounts_security_event"}
"""Every scope may add to these."""

MOVED = {"traceability_entry"}
"""The site does not write these, in no scope: the sequencer moves into them what the site entered."""

# What a row has beside something in every column that must be filled; None is the id of the sale's own row.
_ASKED: dict[str, dict[str, Any]] = {
    "accounts_account": {"role": "insurer_underwriter"},
    "accounts_insurer_application": {"state": "approved", "approved_by": uuid4(), "decided_by": uuid4()},
    "accounts_practitioner": {"standing": "proposed"},
    "consultation_message": {"side": "customer"},
    "disclosure_announcement": {
        "kind": "other",
        "starts_at": "2026-11-22T04:00:00Z",
        "released_at": "2026-11-22T04:00:00Z",
        "released_by": uuid4(),
        "business_released_at": "2026-11-22T04:00:00Z",
        "entry_id": uuid4(),
    },
    "consultation_public_answer": {"state": "proposed", "words": "'x':1"},
    "consultation_thread": {"state": "answered", "account_id": uuid4()},
    "accounts_commission_term": {"line": "travel"},
    "accounts_suspension": {"before_first_sale": "false"},
    "accounts_security_event": {"account_id": None},
    "application_application": {"state": "started"},
    "application_identity_check": {"outcome": "verified"},
    "application_identity_session": {"state": "waiting", "whose": "applicant"},
    "application_insured_consent": {"state": "asked"},
    "checkout_delivery": {"warn_at": "2026-11-21T04:00:00Z"},
    "catalog_product_version": {"effective": "[2026-01-01,2027-01-01)"},
    "catalog_sale_end": {"kind": "recall"},
    "correspondence_message": {"state": "queued"},
    "infra_subject_key": {"wrapped": "x"},
    "listing_upload": {"state": "draft"},
    "oversight_bundle": {"state": "asked"},
    "oversight_picture": {"kind": "png"},
    "payment_mandate": {"state": "asked"},
    "servicing_premium": {"state": "planned"},
    "payment_ledger_line": {"account": "insurer_payable"},
    "payment_refund_wish": {
        "state": "refused",
        "needs_second": "true",
        "decided_by": uuid4(),
        "decided_at": "2026-11-22T04:00:00Z",
        "refusal": b"x",
    },
    "payment_premium_return": {"commission_minor": 1},
    "payment_transfer": {"commission_minor": 1, "state": "waiting"},
    "policy_document": {"state": "due", "kind": "policy", "version_id": None},
    "policy_allotted_range": {"digits": 6, "first": 1, "last": 9, "next": 1},
    "policy_instalment": {"number": 2, "amount_minor": 1},
    "policy_number_range": {"next": 1},
    "policy_policy": {"state": "in_force"},
    "privacy_erasure": {"subject": "application", "reason": "retention"},
    "privacy_hold": {"kind": "complaint"},
    "quoting_need": {"start_on": "2026-01-01"},
    "privacy_export": {"state": "asked"},
    "privacy_request": {"kind": "access"},
    "quoting_offer": {"premium_minor": 1, "payments": 1, "total_minor": 1},
    "underwriting_decision": {"outcome": "accept"},
    "screening_case": {"state": "open"},
    "screening_event": {"kind": "opened"},
    "screening_trace": {"kind": "applied"},
}
# A column `<word>_id` leads to the row of this table.
_LEADS_TO = {
    "account": "accounts_account", "application": "application_application", "attempt": "payment_attempt",
    "insurer": "accounts_insurer", "journey": "traceability_journey", "need": "quoting_need",
    "offer": "quoting_offer", "order": "checkout_order", "policy": "policy_policy", "product": "catalog_product",
    "practitioner": "accounts_practitioner", "refund": "payment_refund", "thread": "consultation_thread",
    "transfer": "payment_transfer",
    "product_version": "catalog_product_version", "upload": "listing_upload", "version": "policy_version",
}  # fmt: skip
_BY_TYPE = {
    "boolean": "true", "bytea": "x", "date": "2026-11-22", "jsonb": "{}",
    "timestamp with time zone": "2026-11-22T04:00:00Z", "bigint": "1", "integer": "1", "smallint": "1",
}  # fmt: skip
_COLUMNS = """
    SELECT column_name, data_type, coalesce(character_maximum_length, 6), is_nullable = 'NO' AND column_default IS NULL
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'
    ORDER BY ordinal_position
"""


def seed(connection: psycopg.Connection[Any], insurer_id: UUID) -> None:
    """One row in every table with policies, all of one sale of this insurer. As superuser, in an open transaction."""
    connection.execute("SET LOCAL session_replication_role = replica")  # no foreign keys: the order does not matter
    ids = {table: uuid5(insurer_id, table) for table in INSURERS | CATALOG} | {"accounts_insurer": insurer_id}
    ids["infra_subject_key"] = ids["application_application"]  # the key of the application
    for table in sorted(INSURERS | CATALOG | MARKETPLACE | REGISTERS):
        _fill(connection, table, ids)
    connection.execute("SET LOCAL session_replication_role = origin")


def seed_question(connection: psycopg.Connection[Any], insurer_id: UUID, journey_id: UUID, **state: Any) -> UUID:
    """A question to an insurer in a visit, outside any application, with a key of its own: the thread's id. `state` is
    what has become of it.
    """
    thread_id = uuid4()
    connection.execute("SET LOCAL session_replication_role = replica")
    _add_key(connection, thread_id)
    row = {
        "id": thread_id,
        "reference": token_hex(6),
        "insurer_id": insurer_id,
        "journey_id": journey_id,
        "product_version_id": uuid4(),
        "sealed_for": thread_id,
        "locale": "en",
        "state": "answered",
        "account_id": uuid4(),
        "created_at": "2026-11-22T04:00:00Z",
        "asked_at": "2026-11-22T04:00:00Z",
    } | state
    statement = sql.SQL("INSERT INTO consultation_thread ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
    )
    connection.execute(statement, list(row.values()))
    connection.execute("SET LOCAL session_replication_role = origin")
    return thread_id


def seed_visit(connection: psycopg.Connection[Any]) -> UUID:
    """A visit's key, without a sale: the journey's id."""
    journey_id = uuid4()
    _add_key(connection, journey_id)
    return journey_id


def _add_key(connection: psycopg.Connection[Any], subject_id: UUID) -> None:
    connection.execute(
        "INSERT INTO infra_subject_key (id, wrapped, keeper_key_id, created_at) VALUES (%s, 'x', 'x', now())",
        (subject_id,),
    )


def _fill(connection: psycopg.Connection[Any], table: str, ids: dict[str, UUID]) -> None:
    links = {f"{word}_id": ids[to] for word, to in _LEADS_TO.items()}
    links["subject_id"] = ids["checkout_order" if table == "payment_attempt" else "application_application"]
    asked = {"insurer_id": None, "application_id": None} | _ASKED.get(table, {})
    given: dict[str, Any] = asked | links | ({"id": ids[table]} if table in ids else {})
    row = {
        name: given.get(name) or _BY_TYPE.get(kind) or (uuid4() if kind == "uuid" else token_hex(3)[:length])
        for name, kind, length, needed in connection.execute(_COLUMNS, (table,)).fetchall()
        if needed or name in asked
    }
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(sql.Placeholder() * len(row)),
    )
    connection.execute(statement, list(row.values()))
