"""What goes with the evidence of a contract beside its entries: documents that pages name, and what illustrates it.

Everything is chosen by what the log says of the contract, not by what the features say today: a mail by its hash in the
entry of its sending, a payment by the entry that it succeeded. So what becomes of them later changes nothing.
"""

import json
from collections.abc import Iterable, Iterator
from mimetypes import guess_extension
from typing import Any
from uuid import UUID

from sqlalchemy import select

from marketplace.catalog import queries as catalog
from marketplace.consultation import queries as consultation
from marketplace.correspondence import queries as messages
from marketplace.disclosure import queries as disclosure
from marketplace.infra import storage
from marketplace.infra.db import db
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.kernel.money import Money
from marketplace.oversight.models import PictureRow
from marketplace.oversight.values import Sale
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose
from marketplace.servicing import queries as servicing
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType, Exhibit, Extract, LogAltered

_ENDINGS = {"text/markdown": ".md"}


def documents_of(found: Extract) -> tuple[Exhibit, ...]:
    """The insurer's documents and our wordings that the pages shown name. Raises NotFound and Unavailable where one is
    not in the store as it was.
    """
    shown = {each.page_version_id for each in found.entries if each.withheld is None and each.page_version_id}
    manifests = [manifest for version, manifest in found.versions.items() if version in shown]
    products = {UUID(each["product_version_id"]) for each in manifests if each["product_version_id"]}
    named = {sha256 for each in manifests for sha256 in each["documents"]}
    names = {
        document.sha256: f"{document.title}{_ending(document.media_type)}"
        for documents in catalog.documents_of_versions(products).values()
        for document in documents
    }
    papers = (_stored("document", names.get(sha256, sha256), sha256) for sha256 in sorted(named))
    return (*papers, *_wordings({sha256 for each in manifests for sha256 in each["wordings"].values()}))


def exhibits_of(found: Extract, sale: Sale) -> tuple[Exhibit, ...]:
    """Policy, mails, payment, questions and answers, recordings and pictures, as far as they are kept."""
    kept = (*_policies(found, sale), *_mails(found), *_payment(found, sale), *_conversation(found))
    return (*kept, *_recordings(found), *_pictures(found))


def _stored(kind: str, name: str, sha256: str, application_id: UUID | None = None) -> Exhibit:
    return Exhibit(kind, name, sha256, storage.get(sha256, application_id))


def _ending(media_type: str) -> str:
    return _ENDINGS.get(media_type) or guess_extension(media_type) or ""


def _wordings(named: set[str]) -> Iterator[Exhibit]:
    """Some of what pages name so are sentences of the insurer's, which stand in the pages themselves."""
    for wording in disclosure.wordings_by_sha256(named):
        name = f"{wording.key.value}.{wording.locale}.md"
        yield Exhibit("wording", name, wording.sha256, wording.text.encode())


def _bodies(found: Extract, kind: EntryType) -> Iterator[dict[str, Any]]:
    """What the entries of a type say, where that may be read."""
    return (dict(each.body) for each in found.entries if each.type is kind and each.envelope is not None)


def _policies(found: Extract, sale: Sale) -> Iterator[Exhibit]:
    for body in _bodies(found, EntryType.POLICY_SIGNED):
        yield _stored("policy", f"{sale.policy_number}.pdf", body["document_sha256"])


def _mails(found: Extract) -> Iterator[Exhibit]:
    told = (EntryType.POLICY_MAILED, EntryType.MAIL_SENT)
    sent = {body["eml_sha256"] for type_ in told for body in _bodies(found, type_)}
    kept = messages.emls_of_application(found.application_id) if sent else {}
    for number, sha256 in enumerate(sorted(sent & kept.keys()), 1):
        yield Exhibit("mail", f"mail-{number}.eml", sha256, kept[sha256])


def _payment(found: Extract, sale: Sale) -> Iterator[Exhibit]:
    """The money that came in for the contract and what went back, as the books have it."""
    if sale.order_id is None:
        return
    paid = {body["attempt_id"] for body in _bodies(found, EntryType.PAYMENT_SUCCEEDED)}
    premiums = servicing.premiums_of(sale.policy_id) if sale.policy_id else ()
    later = [payments.attempt(each.attempt_id) for each in premiums if each.attempt_id]
    attempts = (*payments.attempts_of(Purpose.NEW_BUSINESS, sale.order_id), *later)
    facts = {
        "order": sale.order_reference,
        "payments": [
            {
                "attempt_id": each.id,
                "reference": each.reference,
                "number": each.number,
                "amount": _money(each.amount),
                "received": None if each.received is None else _money(each.received),
                "succeeded_at": each.succeeded_at,
            }
            for each in attempts
            if str(each.id) in paid
        ],
        "refunds": [
            {
                "attempt_id": body["attempt_id"],
                "amount": {"currency": body["currency"], "minor": body["amount"]},
                "reason": body["reason"],
            }
            for body in _arrived(found)
        ],
    }
    if facts["payments"]:
        data = canonical_bytes(facts)
        yield Exhibit("payment", "payment.json", sha256_hex(data), data)


def _arrived(found: Extract) -> Iterator[dict[str, Any]]:
    """What the entries say of refunds that banks took, each once, and did not send back later. Entries of before they
    named their refund are taken as they are.
    """
    last: dict[str, tuple[EntryType, dict[str, Any]]] = {}
    for entry in found.entries:
        if entry.type in {EntryType.REFUND_SUCCEEDED, EntryType.REFUND_FAILED} and entry.envelope is not None:
            last[entry.body.get("refund_id", f"entry {entry.index}")] = entry.type, dict(entry.body)
    yield from (body for kind, body in last.values() if kind is EntryType.REFUND_SUCCEEDED)


def _money(amount: Money) -> dict[str, Any]:
    return {"currency": amount.currency, "minor": amount.minor}


def _conversation(found: Extract) -> Iterator[Exhibit]:
    """What was asked and answered in the application, word by word, as the entries that tell of it name it (T26-29,
    T26-43). What the visit asked elsewhere is proven by its entries alone: its words are no part of this contract's
    file, and may be forgotten before it. Raises LogAltered where the application's are not kept as they were said.
    """
    told = list(_told_in(found))
    if not told:
        return
    talked = consultation.conversation_of_application(found.application_id)
    said = {(talked.thread.reference, each.number): each.words.encode() for each in talked.messages} if talked else {}
    for body in told:
        words = said.get((body["thread"], body["message"]), b"")
        if sha256_hex(words) != body["sha256"]:
            raise LogAltered
        yield Exhibit("message", f"{body['thread']}-{body['message']}.txt", body["sha256"], words)


def _told_in(found: Extract) -> Iterator[dict[str, Any]]:
    """What the entries say of questions and answers of the application itself: those of the visit name none."""
    for each in found.entries:
        if each.type in {EntryType.CONSULTATION_ASKED, EntryType.CONSULTATION_ANSWERED} and each.envelope is not None:
            said = json.loads(each.envelope.data)
            if said["application_id"] == str(found.application_id):
                yield said["body"]


def _recordings(found: Extract) -> Iterator[Exhibit]:
    """What browsers recorded of the pages, as far as the log says so; by the entry that says it. Raises LogAltered."""
    recordings = trail.recordings_of(found.application_id)
    kept = {each.sha256: each for each in recordings if sha256_hex(each.data) == each.sha256}
    for entry in found.entries:
        if entry.type is EntryType.RECORDING_KEPT and "sha256" in entry.body:
            recording = kept.get(entry.body["sha256"])
            if recording is None:
                raise LogAltered
            yield Exhibit("recording", f"recording-{entry.index}.json", recording.sha256, recording.data)


def _pictures(found: Extract) -> Iterable[Exhibit]:
    shown = {each.index for each in found.entries if each.page is not None}
    rows = db.session.execute(
        select(PictureRow.log_index, PictureRow.kind, PictureRow.sha256)
        .where(PictureRow.application_id == found.application_id)
        .order_by(PictureRow.log_index, PictureRow.kind)
    ).all()
    for row in rows:
        if row.log_index in shown:
            try:
                yield _stored("picture", f"page-{row.log_index}.{row.kind}", row.sha256, found.application_id)
            except DataDestroyed:
                return
