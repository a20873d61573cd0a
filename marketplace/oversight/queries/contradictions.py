"""Whether what is kept of contracts is what the log says of them.

Each fact stands twice: in its table, and in the entry of the act that made it so, written in one transaction. Whoever
can alter the row cannot alter the entry, whose hash others hold (T26-41). What everybody shares, contents, tariffs,
texts and pages, names itself by its hash.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row, Uuid, bindparam, text

from marketplace.application import queries as applications
from marketplace.application.values import CONFIRMED_AS
from marketplace.catalog import queries as catalog
from marketplace.disclosure import queries as disclosure
from marketplace.infra.db import snapshot
from marketplace.kernel.canonical import canonical_bytes, digest, sha256_hex
from marketplace.policy import queries as policies
from marketplace.policy.values import Policy
from marketplace.rating import queries as rating
from marketplace.traceability import queries as trail
from marketplace.traceability.values import Entry, EntryType
from marketplace.underwriting import queries as underwriting

_CONFIRMED = " ".join(f"WHEN '{kind.value}' THEN '{entry.value}'" for kind, entry in CONFIRMED_AS.items())

# The type of an entry, and what one of that type must say: by the name of its body, or of a column beside it.
_KEPT = text(f"""
    SELECT 'contract:concluded' AS type, jsonb_build_object(
        'number', p.number, 'version', v.number, 'body_sha256', v.body_sha256, 'journey_id', p.journey_id,
        'insurer_id', p.insurer_id) AS said
    FROM policy_policy p JOIN policy_version v ON v.policy_id = p.id WHERE p.application_id = :application
    UNION ALL
    SELECT 'policy:signed', jsonb_build_object(
        'version', v.number, 'unsigned_sha256', d.unsigned_sha256, 'document_sha256', d.document_sha256)
    FROM policy_policy p JOIN policy_version v ON v.policy_id = p.id JOIN policy_document d ON d.version_id = v.id
        AND d.kind = 'policy'
    WHERE p.application_id = :application AND d.document_sha256 IS NOT NULL
    UNION ALL
    SELECT 'application:submitted', jsonb_build_object(
        'offer_id', a.offer_id, 'product_version_id', a.product_version_id, 'content_sha256', o.content_sha256,
        'tariff_root', o.tariff_root, 'premium_minor', o.premium_minor, 'currency', o.currency,
        'start_on', n.start_on, 'journey_id', a.journey_id, 'insurer_id', a.insurer_id)
    FROM application_application a JOIN quoting_offer o ON o.id = a.offer_id JOIN quoting_need n ON n.id = a.need_id
    WHERE a.id = :application AND o.terms IS NULL
    UNION ALL
    SELECT 'counter_offer:made', jsonb_build_object(
        'old_offer_id', o.terms ->> 'follows', 'new_offer_id', o.id, 'decision_sha256', o.terms ->> 'decision_sha256',
        'content_sha256', o.content_sha256, 'tariff_root', o.tariff_root, 'new_total_minor', o.total_minor,
        'currency', o.currency, 'start_on', n.start_on, 'journey_id', a.journey_id, 'insurer_id', a.insurer_id)
    FROM application_application a JOIN quoting_offer o ON o.id = a.offer_id JOIN quoting_need n ON n.id = a.need_id
    WHERE a.id = :application AND o.terms IS NOT NULL
    UNION ALL
    SELECT 'application:submitted', jsonb_build_object(
        'offer_id', d.id, 'content_sha256', d.content_sha256, 'tariff_root', d.tariff_root,
        'premium_minor', d.premium_minor, 'currency', d.currency)
    FROM application_application a JOIN quoting_offer o ON o.id = a.offer_id
    JOIN quoting_offer d ON d.id = (o.terms ->> 'follows')::uuid WHERE a.id = :application
    UNION ALL
    SELECT 'application:submitted', jsonb_build_object('content_sha256', v.content_sha256, 'tariff_root', t.root)
    FROM application_application a JOIN catalog_product_version v ON v.id = a.product_version_id
    JOIN rating_tariff t ON t.product_version_id = v.id WHERE a.id = :application
    UNION ALL
    SELECT CASE WHEN f.terms IS NULL THEN 'application:submitted' ELSE 'counter_offer:accepted' END, jsonb_build_object(
        'offer_id', l.offer_id, 'premium_minor', l.premium_minor, 'currency', l.currency)
    FROM checkout_order_line l JOIN checkout_order o ON o.id = l.order_id JOIN quoting_offer f ON f.id = l.offer_id
    WHERE l.application_id = :application AND o.paid_at IS NOT NULL
    UNION ALL
    SELECT CASE c.kind {_CONFIRMED} END, jsonb_build_object(
        'subject_sha256', c.subject_sha256, 'page_version_id', c.page_version_id)
    FROM application_confirmation c WHERE c.application_id = :application
    UNION ALL
    SELECT 'identity:' || i.outcome, jsonb_build_object(
        'check_id', i.id, 'whose', i.whose, 'method', i.method, 'reference', i.reference, 'outcome', i.outcome,
        'flaw', i.flaw)
    FROM application_identity_check i WHERE i.application_id = :application
    UNION ALL
    SELECT 'insured:asked', jsonb_build_object('consent_id', c.id, 'subject_sha256', c.subject_sha256)
    FROM application_insured_consent c WHERE c.application_id = :application
    UNION ALL
    SELECT CASE c.state WHEN 'given' THEN 'insured:consented' ELSE 'insured:refused' END, jsonb_build_object(
        'consent_id', c.id, 'subject_sha256', c.subject_sha256)
    FROM application_insured_consent c WHERE c.application_id = :application AND c.answered_at IS NOT NULL
    UNION ALL
    SELECT 'underwriting:decided', jsonb_strip_nulls(jsonb_build_object(
        'outcome', d.outcome, 'rule_sha256', d.rule_sha256, 'number', d.number, 'decision_sha256', d.sha256))
    FROM underwriting_decision d WHERE d.application_id = :application
    UNION ALL
    SELECT 'payment:succeeded', jsonb_build_object(
        'attempt_id', a.id, 'reference', a.reference, 'amount', a.received_minor, 'currency', a.received_currency)
    FROM payment_attempt a WHERE a.application_id = :application AND a.succeeded_at IS NOT NULL
    UNION ALL
    SELECT 'payment:succeeded', jsonb_build_object(
        'reference', o.reference, 'amount', o.total_minor, 'currency', o.currency)
    FROM checkout_order o JOIN payment_attempt a ON a.id = o.attempt_id WHERE a.application_id = :application
    UNION ALL
    SELECT 'refund:succeeded', jsonb_build_object(
        'attempt_id', r.attempt_id, 'amount', r.amount_minor, 'currency', r.currency, 'reason', r.reason)
    FROM payment_refund r JOIN payment_attempt a ON a.id = r.attempt_id
    WHERE a.application_id = :application AND r.state = 'succeeded'
    UNION ALL
    SELECT 'policy:mailed', jsonb_build_object('message_id', m.message_id, 'eml_sha256', m.eml_sha256)
    FROM correspondence_message m
    WHERE m.application_id = :application AND m.kind IN ('policy_issued', 'policy_receipt') AND m.sent_at IS NOT NULL
    UNION ALL
    SELECT 'mail:bounced', jsonb_build_object('message_id', m.message_id, 'status', m.bounce_status)
    FROM correspondence_message m WHERE m.application_id = :application AND m.bounced_at IS NOT NULL
    UNION ALL
    SELECT 'contract:ended', jsonb_build_object('number', p.number, 'ending', p.ending, 'on', p.ended_on)
    FROM policy_policy p WHERE p.application_id = :application AND p.ended_on IS NOT NULL
    UNION ALL
    SELECT 'hold:opened', jsonb_build_object(
        'hold_id', h.id, 'dispute', h.kind, 'on', (h.opened_at AT TIME ZONE p.zone)::date)
    FROM privacy_hold h JOIN policy_policy p ON p.id = h.policy_id WHERE p.application_id = :application
    UNION ALL
    SELECT 'hold:closed', jsonb_build_object('hold_id', h.id, 'dispute', h.kind, 'on', h.closed_on)
    FROM privacy_hold h JOIN policy_policy p ON p.id = h.policy_id
    WHERE p.application_id = :application AND h.closed_on IS NOT NULL
    UNION ALL
    SELECT 'evidence:read', jsonb_build_object('bundle_id', b.id, 'what', 'asked')
    FROM oversight_bundle b WHERE b.application_id = :application
    UNION ALL
    SELECT 'evidence:read', jsonb_build_object('bundle_id', b.id, 'what', 'made', 'core_sha256', b.core_sha256)
    FROM oversight_bundle b WHERE b.application_id = :application AND b.state IN ('ready', 'dropped')
    """)  # noqa: S608  our own words
_CONTRACTS = text("""
    SELECT p.application_id, p.id AS policy_id, p.number, p.zone, a.id IS NOT NULL AS applied,
        a.erased_at IS NOT NULL OR p.erased_at IS NOT NULL AS erased
    FROM policy_policy p LEFT JOIN application_application a ON a.id = p.application_id
    WHERE p.application_id = :application OR :application IS NULL ORDER BY p.number
    """).bindparams(bindparam("application", type_=Uuid))
_ASKED = (EntryType.UNDERWRITING_ASKED, EntryType.UNDERWRITING_ANSWERED)
_DECIDING = (EntryType.CONTRACT_ENDED, EntryType.HOLD_OPENED, EntryType.HOLD_CLOSED)
"""What decides when all of it is destroyed. Of these a row that is gone is as bad as one that says something else."""


def contradictions() -> Iterator[tuple[str, str]]:
    """What was altered (a number or a hash) and how. Asks for one key of a person for each contract: for checks."""
    yield from _altered()
    yield from _of_contracts(None)


def contradictions_of(application_id: UUID) -> tuple[str, ...]:
    """How what is kept of the contract of an application contradicts the log; empty where nothing does."""
    return tuple(sentence for _number, sentence in _of_contracts(application_id))


def _of_contracts(application_id: UUID | None) -> Iterator[tuple[str, str]]:
    with snapshot() as connection:
        for contract in connection.execute(_CONTRACTS, {"application": application_id}).all():
            yield from ((contract.number, sentence) for sentence in _of_contract(connection, contract))


def _altered() -> Iterator[tuple[str, str]]:
    """What is not of the hash by which it is named."""
    for what, names in {
        "the content of the product version is not of its hash": catalog.altered_versions(),
        "the tariff of the product version is not of its hash": rating.altered_tariffs(),
        "the text is not of its hash": disclosure.altered_wordings(),
    }.items():
        yield from ((str(name), what) for name in names)
    yield from disclosure.altered_announcements()
    yield from trail.altered_pages()


def _of_contract(connection: Connection, contract: Row[Any]) -> Iterator[str]:
    entries = trail.entries_of_application(contract.application_id)
    if contract.erased:
        if all(each.type is not EntryType.DATA_ERASED for each in entries):
            yield _sentence(EntryType.DATA_ERASED, [])
        return
    kept = connection.execute(_KEPT, {"application": contract.application_id}).all()
    said = [(each, _says(each, ZoneInfo(contract.zone))) for each in entries]
    for row in kept:
        of_type = [(each, says) for each, says in said if each.type == row.type]
        if not any(row.said.items() <= says.items() for _, says in of_type):
            yield _sentence(row.type, [each for each, _ in of_type])
    yield from _of_what_is_gone(kept, said)
    yield from _of_what_was_concluded(policies.policy(contract.policy_id))
    if contract.applied:
        yield from _of_what_was_told(contract.application_id, entries)
        yield from _of_what_was_decided(contract.application_id, entries)


def _of_what_is_gone(kept: Sequence[Row[Any]], said: Sequence[tuple[Entry, Mapping[str, Any]]]) -> Iterator[str]:
    for kind in _DECIDING:
        rows, of_type = [row for row in kept if row.type == kind], [each for each in said if each[0].type is kind]
        if len(of_type) > len(rows):
            gone = [each for each, says in of_type if not any(row.said.items() <= says.items() for row in rows)]
            yield f"what the entry {kind} says is not kept ({_places(gone)})"


def _of_what_was_concluded(policy: Policy) -> Iterator[str]:
    """The row of a contract says again what its versions say, by which it is found and counted."""
    body = policy.body
    if digest(body) != policy.body_sha256:
        yield "what the contract says is not of its hash"
    period = {name: str(getattr(policy.period, name)) for name in ("start_on", "end_on", "zone")}
    kept = {
        "number": policy.number,
        "premium": [policy.premium.minor, policy.premium.currency],
        "period": period,
        "product": str(policy.product_version_id),
        "channel": trail.journey(policy.journey_id).channel.value,
    }
    said = {
        "number": body["number"],
        "premium": [body["premium"]["minor"], body["premium"]["currency"]],
        "period": {name: body["period"][name] for name in period},
        "product": body["product"]["version_id"],
        "channel": body["channel"],
    }
    yield from (f"{name} is kept otherwise than the contract says" for name in kept if kept[name] != said[name])


def _of_what_was_told(application_id: UUID, entries: Sequence[Entry]) -> Iterator[str]:
    """Persons and answers stand in the trail as salted hashes."""
    latest = {each.body.get("field") or each.body.get("question"): each for each in entries if "new" in each.body}
    for name, value in applications.told(application_id).items():
        entry = latest.get(name)
        if value is not None and (entry is None or not _is_of(value, entry.body["new"])):
            yield f"{name}: {_sentence(entry.type if entry else EntryType.FIELD_ENTERED, [entry] if entry else [])}"


def _of_what_was_decided(application_id: UUID, entries: Sequence[Entry]) -> Iterator[str]:
    """Decisions are bound by hashes of their own; what was asked and answered stands in the trail as salted hashes."""
    for number in underwriting.altered_decisions(application_id):
        yield f"decision {number} is not of its hash"
    said = {(each.type, each.body["number"]): each for each in entries if each.type in _ASKED}
    for inquiry in underwriting.inquiries_of(application_id):
        for kind, words in zip(_ASKED, (inquiry.question, inquiry.answer), strict=True):
            entry = said.get((kind, inquiry.number))
            if words is not None and (entry is None or not _is_of(words, entry.body["new"])):
                yield _sentence(kind, [entry] if entry else [])


def _is_of(value: Any, hashed: Mapping[str, str] | None) -> bool:
    return hashed is not None and sha256_hex(bytes.fromhex(hashed["salt"]) + canonical_bytes(value)) == hashed["sha256"]


def _says(entry: Entry, zone: ZoneInfo) -> dict[str, Any]:
    """Its body, and what stands beside it, which its hash binds as well. Whatever names no day is of that on which it
    was entered, as disputes were once.
    """
    beside = {"journey_id": str(entry.journey_id), "insurer_id": str(entry.insurer_id)}
    day = str(entry.business_at.astimezone(zone).date())
    return {"on": day, **entry.body, **beside, "page_version_id": entry.page_version_id}


def _sentence(kind: str, entries: Sequence[Entry]) -> str:
    if not entries:
        return f"no entry {kind} says what is kept"
    return f"what is kept is not what the entry {kind} says ({_places(entries)})"


def _places(entries: Sequence[Entry]) -> str:
    return ", ".join("outside the log" if each.log_index is None else str(each.log_index) for each in entries)
