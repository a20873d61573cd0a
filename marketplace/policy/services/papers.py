"""Make papers: set each and keep its unsigned bytes, then have it sealed, once.

Number, hashes and intent stand committed before the signer is asked. A paper that cannot be printed fails, with the
contract or the money unharmed. Those of a contract are made together and told of together; those of an order one by
one.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.infra import pdf, seals, storage
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.jobs import defer, publish
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import canonical_bytes, sha256_hex
from marketplace.kernel.errors import Unavailable
from marketplace.policy import rules
from marketplace.policy.document import Facing, certificate, paper, sealed_order_paper
from marketplace.policy.models import (
    DocumentRow,
    PolicyRow,
    VersionRow,
    failed_documents,
    lock_subject,
    locked_documents,
    locked_paper,
    next_paper_number,
    note_root,
    waiting_papers,
)
from marketplace.policy.values import (
    DocumentEvent,
    DocumentState,
    OrderPaper,
    PaperFinished,
    PaperKind,
    PolicyDocumentReady,
    PolicyIssued,
    PolicyNotFound,
)
from marketplace.traceability import queries as trail
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, EntryType

if TYPE_CHECKING:
    from marketplace.infra.signing import Sealer

log = logging.getLogger(__name__)

_PATIENCE = timedelta(minutes=10)
_NOTHING: Mapping[str, str] = MappingProxyType({})


def due_of(policy: PolicyRow, version: VersionRow) -> None:
    """The papers that a new version of a contract gets."""
    for kind in (PaperKind.POLICY, PaperKind.CERTIFICATE):
        row = DocumentRow(
            id=ids.new_id(),
            kind=kind,
            subject_id=version.id,
            version_id=version.id,
            sealed_for=version.sealed_for,
            locale=policy.locale,
            issued_at=policy.concluded_at,
            state=DocumentState.DUE,
        )
        db.session.add(row)
    db.session.flush()


def make_document(policy_id: UUID) -> None:
    """Set the papers of a contract; the seals follow in a job of their own. What is past this step is left alone.

    The policy carries the receipt that the conclusion stands in the log. That is waited for some seconds; afterwards
    the paper is made without, stays so, and the receipt follows by mail.
    """
    documents, version, policy = _locked_documents(policy_id)
    due = [each for each in documents if each.state == DocumentState.DUE]
    if not due:
        return
    receipt = trail.receipt_soon(policy.application_id, EntryType.CONTRACT_CONCLUDED, version.recorded_at)
    if receipt is None and trail.worth_waiting(version.recorded_at):
        defer("policy.make_document", in_seconds=1, fact=PolicyIssued(policy_id))
        return
    facing = _facing(policy, version)
    for document in due:
        if document.kind == PaperKind.POLICY:
            proof = _NOTHING if receipt is None else _proof(policy, version, receipt)
            if _set(document, paper(version.body, facing, policy.locale), facing, proof):
                document.receipt_sha256 = None if receipt is None else storage.put(receipt)
        else:
            _set(document, certificate(version.body, facing, policy.locale), facing)
    if any(each.state == DocumentState.RENDERED for each in due):
        defer("policy.seal_document", policy_id=policy_id)


def seal_document(policy_id: UUID) -> None:
    """Seal the papers of a contract with the insurer's seal: once, whoever asks again finds it done.

    Raises Unavailable while the seal or a time stamp cannot be had; then nothing is sealed.
    """
    documents, version, policy = _locked_documents(policy_id)
    for document in documents:
        sealer = seals.sealer_of(version.body["insurer"]["code"])
        if _seal(document, sealer, policy.number) and document.kind == PaperKind.POLICY:
            _record_signed(policy, version, document, sealer.name)
            publish(PolicyDocumentReady(policy_id))


def retry_failed() -> int:
    """Have every paper made that could not be printed, after somebody mended the cause; how many there are."""
    failed = failed_documents()
    for document, policy_id in failed:
        document.state = rules.DOCUMENT_LIFE.next(DocumentState(document.state), DocumentEvent.ASKED_AGAIN)
        document.failure = None
        if policy_id is None:
            defer("policy.make_paper", paper_id=document.id)
        else:
            defer("policy.make_document", fact=PolicyIssued(policy_id))
    return len(failed)


def watch_papers() -> int:
    """Ring where papers wait longer than they should; how many do."""
    waiting = waiting_papers(clock.now() - _PATIENCE)
    if waiting:
        log.error("ALARM %s papers are not made or not sealed, the first since %s", len(waiting), waiting[0])
    return len(waiting)


def order_paper(wanted: OrderPaper, content: Callable[[str], Mapping[str, Any]]) -> UUID:
    """Have a paper about the money of an order made; asked again, the one that stands is returned.

    `content` says for its number what it says, in the shape of its template. Takes the next number of the kind and
    year.
    """
    standing = lock_subject(wanted.kind, wanted.subject_id)
    if standing is not None:
        return standing.id
    year = wanted.issued_at.astimezone(ZoneInfo(wanted.zone)).year
    number = rules.paper_number(wanted.kind, year, next_paper_number(wanted.kind, year))
    row = DocumentRow(
        id=ids.new_id(),
        kind=wanted.kind,
        subject_id=wanted.subject_id,
        order_id=wanted.order_id,
        number=number,
        sealed_for=wanted.sealed_for,
        locale=wanted.locale,
        issued_at=wanted.issued_at,
        content=dict(content(number)),
        state=DocumentState.DUE,
    )
    db.session.add(row)
    db.session.flush()
    defer("policy.make_paper", paper_id=row.id)
    return row.id


def make_paper(paper_id: UUID) -> None:
    """Set a paper of an order; its seal, the marketplace's own, follows in a job of its own."""
    document = locked_paper(paper_id)
    if document.state != DocumentState.DUE or document.content is None:
        return
    facing = _order_facing()
    if _set(document, sealed_order_paper(document.content, facing, document.locale), facing):
        defer("policy.seal_paper", paper_id=paper_id)
    else:
        _finish(document)


def seal_paper(paper_id: UUID) -> None:
    """Seal a paper of an order, once. Raises Unavailable as `seal_document`."""
    document = locked_paper(paper_id)
    if _seal(document, seals.sealer_of(seals.MARKETPLACE), document.number or ""):
        _finish(document)


def note_seal_roots() -> None:
    """Tell the public check to which certificates seals lead. Raises Unavailable where this process has no seals."""
    roots = seals.trust_roots().decode()
    note_root(sha256_hex(roots.encode()), roots, clock.now())


def _set(
    document: DocumentRow, data: Mapping[str, Any], facing: Facing, attached: Mapping[str, str] = _NOTHING
) -> bool:
    """Set a paper that is due and keep its bytes; False where it cannot be printed."""
    try:
        unsigned = pdf.render(
            document.kind,
            data,
            qr_svg=pdf.qr_svg(facing.verify_url),
            issued_at=document.issued_at,
            attached=attached,
        )
    except pdf.Unprintable as reason:
        document.state = rules.DOCUMENT_LIFE.next(DocumentState.DUE, DocumentEvent.UNPRINTABLE)
        document.failure = str(reason)
        log.exception("ALARM the %s %s cannot be printed", document.kind, document.id)
        return False
    reach(At.PAPER_SET)
    document.state = rules.DOCUMENT_LIFE.next(DocumentState.DUE, DocumentEvent.RENDERED)
    document.unsigned_sha256, document.rendered_at = storage.put_sealed(unsigned, document.sealed_for), clock.now()
    reach(At.PAPER_KEPT)
    return True


def _seal(document: DocumentRow, sealer: "Sealer", number: str) -> bool:
    """Seal a paper that is set and keep its bytes; False for any other."""
    if document.state != DocumentState.RENDERED or document.unsigned_sha256 is None:
        return False
    reason = f"{_NAMES[PaperKind(document.kind)]} {number}"
    reach(At.SEAL_ASKED)
    try:
        sealed = sealer.seal(storage.get(document.unsigned_sha256, document.sealed_for), reason=reason)
    except Unavailable as error:
        log.warning("%s is not sealed: %s", reason, error)
        raise
    reach(At.PAPER_SEALED)
    document.document_sha256, document.sealed_at = storage.put_sealed(sealed, document.sealed_for), clock.now()
    reach(At.SEALED_PAPER_KEPT)
    document.state = rules.DOCUMENT_LIFE.next(DocumentState.RENDERED, DocumentEvent.SEALED)
    note_seal_roots()
    return True


_NAMES = {
    PaperKind.POLICY: "Policy",
    PaperKind.CERTIFICATE: "Certificate of policy",
    PaperKind.RECEIPT: "Receipt",
    PaperKind.REFUND_LETTER: "Refund letter",
}


def _finish(document: DocumentRow) -> None:
    if document.order_id is not None:
        about = PaperKind(document.kind), document.subject_id, document.order_id
        publish(PaperFinished(document.id, *about))


def _proof(policy: PolicyRow, version: VersionRow, receipt: bytes) -> dict[str, str]:
    """The receipt of the conclusion, what it is of, and the contract whose hash that names: who holds the paper can
    follow the way from the signed log to every word of the contract.
    """
    said = trail.said_of(policy.application_id, EntryType.CONTRACT_CONCLUDED)
    return {
        "receipt": receipt.decode(),
        "conclusion": said.decode(),
        "contract": canonical_bytes(version.body).decode(),
    }


def _record_signed(policy: PolicyRow, version: VersionRow, document: DocumentRow, seal: str) -> None:
    said = {
        "number": policy.number,
        "version": version.number,
        "body_sha256": version.body_sha256,
        "unsigned_sha256": document.unsigned_sha256,
        "document_sha256": document.document_sha256,
        "seal": seal,
    }
    record_act(Act(policy.journey_id, EntryType.POLICY_SIGNED, said, SYSTEM, policy.application_id, policy.insurer_id))


def _facing(policy: PolicyRow, version: VersionRow) -> Facing:
    site = letterhead().public_url
    verify_page = f"{site}/verify"
    return Facing(
        check_code=policy.check_code,
        verify_url=f"{verify_page}?number={policy.number}",
        verify_page=verify_page,
        trust_policy=f"{site}/log/trust.policy",
        log_key=trail.log_key(),
        seal_name=seals.sealer_of(version.body["insurer"]["code"]).name,
    )


def _order_facing() -> Facing:
    """Papers about money have no code: they are checked by their file."""
    verify_page = f"{letterhead().public_url}/verify"
    return Facing(
        check_code="",
        verify_url=verify_page,
        verify_page=verify_page,
        trust_policy="",
        log_key=None,
        seal_name=seals.sealer_of(seals.MARKETPLACE).name,
    )


def _locked_documents(policy_id: UUID) -> tuple[list[DocumentRow], VersionRow, PolicyRow]:
    found = locked_documents(policy_id)
    if found is None:
        raise PolicyNotFound
    return found
