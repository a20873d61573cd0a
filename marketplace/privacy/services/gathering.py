"""Everything about one person, and about nobody else, from every feature: the sections of a copy.

A section for each group of the register. What belongs to somebody is found by account, by the account's applications,
and in a journey (which people may share who share a browser) by application and by who acted; what a shared journey
holds before its applications is nobody's and is left out.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, SecurityEventFilter
from marketplace.application import queries as applications
from marketplace.application.queries import proofs
from marketplace.application.values import Application, Whose
from marketplace.checkout import queries as orders
from marketplace.consultation import queries as consultation
from marketplace.consultation.values import Conversation
from marketplace.correspondence import queries as correspondence
from marketplace.infra import vault
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.money import Money
from marketplace.needs import queries as needs
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose
from marketplace.policy import queries as policies
from marketplace.policy.values import PaperKind, Policy
from marketplace.privacy.document import Cover, File, Section, bundle
from marketplace.privacy.queries import requests_of
from marketplace.privacy.values import registry
from marketplace.quoting import queries as quoting
from marketplace.traceability import queries as trail
from marketplace.traceability.values import INSURED, ActorRole, Entry, EntryType, journey_of_readings
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import RecordedDecision

EVENTS = 10_000
Records = list[Mapping[str, Any]]


def copy_of(account: Account, made_at: datetime) -> bytes:
    """The ZIP with everything about this person, in the present locale."""
    told = applications.applications_of_account(account.id)
    contracts = policies.policies_of_account(account.id)
    entries, pages = _trail(account.id, told)
    records: dict[str, Records] = {
        "account": [_account(account)],
        "comparing": [*(_comparison(each) for each in told), *_plans(told)],
        "applying": [_application(each) for each in told],
        "contract": [_contract(each) for each in contracts],
        "paying": _orders(account.id),
        "questions": [_conversation(each) for each in consultation.conversations_of_account(account.id)],
        "messages": _messages(account, told),
        "record": entries,
        "security": _security(account.id),
        "rights": [_without(asdict(each), "account_id") for each in requests_of(account.id)],
    }
    sections = [Section(key, words.in_(current_locale()), records[key]) for key, words in registry().groups.items()]
    return bundle(_cover(made_at), sections, [*_papers(contracts, account.id), *pages])


def _cover(made_at: datetime) -> Cover:
    return Cover(
        title=_("A copy of your data"),
        words=_(
            "What Evenfold keeps about you. The files ending in .json hold the same for other programs; your policies "
            "and the pages of your applications, as they were sent to you, are in folders beside them."
        ),
        language="zh-Hans" if current_locale().startswith("zh") else "en",
        made_at=made_at,
    )


def _account(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "email": account.email,
        "name": account.name,
        "role": account.role,
        "locale": account.locale,
        "confirmed": account.confirmed,
        "created_at": account.created_at,
    }


def _comparison(application: Application) -> dict[str, Any]:
    offer = quoting.offer(application.offer_id)
    need = offer.need
    return {
        "reference": need.reference,
        "line": need.line,
        "risk": need.risk,
        "assumed": need.assumed,
        "start_on": need.start_on,
        "product": offer.version.content.name.to_json(),
        "premium": _money(offer.premium),
        "payments": offer.payments,
        "total": _money(offer.total),
        "breakdown": offer.breakdown.to_json(),
    }


def _plans(told: Sequence[Application]) -> Records:
    """The plans whose parts were applied for: of a visit several people may share, no others are surely one's own."""
    baskets = {each.basket_id for each in told if each.basket_id is not None}
    return [_without(asdict(each), "journey_id") for each in needs.schemes_of_baskets(baskets)]


def _application(application: Application) -> dict[str, Any]:
    view = applications.application_view(application.id)
    questions = {each.question.id: each.question.text.in_(current_locale()) for each in view.questions}
    return {
        "reference": application.reference,
        "state": application.state,
        "locale": application.locale,
        "email": application.email,
        "people": application.people and asdict(application.people),
        "answers": [
            {"question": questions.get(id_, id_), "answer": given} for id_, given in application.answers.items()
        ],
        "identity_checks": [
            asdict(each) for each in proofs.identity_checks(application.id) if each.whose is Whose.APPLICANT
        ],
        "confirmations": [asdict(each) for each in view.confirmations],
        "decisions": [_decision(each) for each in underwriting.decisions_of(application.id)],
        "asked": [
            {"question": each.question, "asked_at": each.asked_at, "answer": each.answer}
            for each in underwriting.inquiries_of(application.id)
        ],
        "created_at": application.created_at,
        "submitted_at": application.submitted_at,
    }


def _decision(decision: RecordedDecision) -> dict[str, Any]:
    """Of the insurer's staff, that it was a person, as customers are told everywhere."""
    made = decision.decision
    return {
        "outcome": made.outcome,
        "reasons": [asdict(reason) for reason in made.reasons],
        "words": made.words,
        "loadings": [str(each) for each in made.terms.loadings],
        "exclusions": [asdict(each) for each in made.terms.exclusions],
        "until": made.terms.until,
        "decided_at": decision.decided_at,
        "decided_by": "guideline" if decision.by_guideline else "underwriter",
    }


def _contract(policy: Policy) -> dict[str, Any]:
    return {
        "number": policy.number,
        "check_code": policy.check_code,
        "state": policy.state,
        "period": asdict(policy.period),
        "premium": _money(policy.premium),
        "concluded_at": policy.concluded_at,
        "locale": policy.locale,
        "version": policy.version,
        "body": policy.body,
        "body_sha256": policy.body_sha256,
        "document_state": policy.document_state,
        "document_sha256": policy.document_sha256,
        "sealed_at": policy.sealed_at,
        "ended_on": policy.ended_on,
        "ending": policy.ending,
    }


def _papers(contracts: tuple[Policy, ...], account_id: UUID) -> Iterator[File]:
    """Each as it was mailed: those of the contracts, and those about the money of any order, where it is not erased."""
    of_contracts = [paper for policy in contracts for paper in policies.papers_of_contract(policy.id)]
    ordered = orders.orders_of_account(account_id)
    of_orders = [paper for order in ordered for paper in policies.papers_of_order(order.id)]
    gone = vault.destroyed(each.sealed_for for each in (*of_contracts, *of_orders))
    for paper in (*of_contracts, *of_orders):
        if paper.sha256 is not None and paper.sealed_for not in gone:
            certificate = "-certificate" if paper.kind is PaperKind.CERTIFICATE else ""
            yield File(f"policies/{paper.number}{certificate}.pdf", policies.paper_bytes(paper))


def _orders(account_id: UUID) -> Records:
    return [
        {
            "reference": order.reference,
            "state": order.state,
            "total": _money(order.total),
            "lines": [{"number": line.number, "premium": _money(line.premium)} for line in order.lines],
            "created_at": order.created_at,
            "expires_at": order.expires_at,
            "paid_at": order.paid_at,
            "reason": order.reason,
            "payments": [_paid(each) for each in payments.attempts_of(Purpose.NEW_BUSINESS, order.id)],
            "refunds": [_paid(each) for each in payments.refunds_for(Purpose.NEW_BUSINESS, order.id)],
        }
        for order in orders.orders_of_account(account_id)
    ]


def _paid(moved: Any) -> dict[str, Any]:
    """A payment or refund without what names it at the provider."""
    return _without(asdict(moved), "id", "attempt_id", "subject_id", "journey_id", "url")


def _conversation(found: Conversation) -> dict[str, Any]:
    """A question with all that was said. Who of the insurer answered stands on its page."""
    thread = _without(asdict(found.thread), "id", "account_id", "insurer_id", "journey_id", "application_id")
    said = [_without(asdict(each), "id", "practitioner_id") for each in found.messages]
    return thread | {"messages": said}


def _messages(account: Account, told: tuple[Application, ...]) -> Records:
    found = correspondence.messages_for(account.email, [each.id for each in told], account.created_at)
    return [
        {
            "kind": message.kind,
            "recipient": message.recipient,
            "locale": message.locale,
            "subject": message.subject,
            "state": message.state,
            "queued_at": message.queued_at,
            "sent_at": message.sent_at,
            "attachments": [attachment.name for attachment in message.attachments],
            "text": parts.text if parts else None,
        }
        for message, parts in found
    ]


def _trail(account_id: UUID, told: tuple[Application, ...]) -> tuple[Records, list[File]]:
    """The record of the person's journeys and later visits, with the pages as they were sent, and of the looks of staff
    at the applications.
    """
    own = {each.id: each.reference for each in told}
    records: Records = []
    pages: list[File] = []
    of_visits = (each.id for each in trail.visits_to(own))
    for journey_id in dict.fromkeys((*(each.journey_id for each in told), *of_visits)):
        # Also by one whose owner is not known: not proven yet, or erased with the account that it belonged to.
        shared = any(each.id not in own for each in applications.applications_of_journey(journey_id))
        entries = [each for each in trail.journey_entries(journey_id) if _is_own(each, account_id, own, shared=shared)]
        records.append(_record(journey_id, entries, account_id, own))
        kept = trail.pages_of_journey(journey_id)
        pages += [File(f"pages/{each.id}.html", kept[each.id]) for each in entries if each.id in kept]
    for readings in map(journey_of_readings, own):
        if looks := [each for each in trail.journey_entries(readings) if each.type is EntryType.SALE_VIEWED]:
            records.append(_record(readings, looks, account_id, own))
    return records, pages


def _record(journey_id: UUID, entries: Sequence[Entry], account_id: UUID, own: Mapping[UUID, str]) -> Mapping[str, Any]:
    """A journey with these of its entries; `own` applications by their references."""
    journey = trail.journey(journey_id)
    return (
        _without(asdict(journey), "id")
        | {"visit_to": journey.visit_to and own[journey.visit_to]}
        | {"entries": [_entry(each, account_id) for each in entries]}
    )


def _is_own(entry: Entry, account_id: UUID, own: Collection[UUID], *, shared: bool) -> bool:
    """What the person did or was shown, or nobody known did; that staff looked at the own application is about oneself,
    whatever else another did is not.
    """
    if entry.actor == INSURED:  # another person, who came by a link
        return False
    by_another = entry.actor.account_id not in {None, account_id}
    if entry.application_id is None:
        return not shared and not by_another
    return entry.application_id in own and not (by_another and entry.actor.role is ActorRole.CUSTOMER)


def _entry(entry: Entry, account_id: UUID) -> dict[str, Any]:
    """An entry; of others who acted in it, only in which role."""
    return {
        "id": entry.id,
        "type": entry.type,
        "by": "you" if entry.actor.account_id == account_id else entry.actor.role,
        "recorded_at": entry.recorded_at,
        "business_at": entry.business_at,
        "body": entry.body,
        "body_sha256": entry.body_sha256,
        "page_sha256": entry.page_sha256,
        "page_version": entry.page_version_id,
    }


def _security(account_id: UUID) -> Records:
    events = accounts.security_events(SecurityEventFilter(account_id=account_id), 1, size=EVENTS).events
    return [
        *({"session": _without(asdict(each), "id", "account_id")} for each in accounts.sessions(account_id)),
        *({"event": _without(asdict(each), "id", "account_id", "session_id")} for each in events),
    ]


def _money(amount: Money) -> dict[str, Any]:
    return asdict(amount)


def _without(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}
