"""Conclude contracts, make their papers, and note their end."""

import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.accounts import queries as accounts
from marketplace.catalog import queries as catalog
from marketplace.infra import pdf, seals, storage
from marketplace.infra.db import db
from marketplace.infra.jobs import defer, publish
from marketplace.infra.letterhead import letterhead
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import canonical_bytes, digest, sha256_hex
from marketplace.policy import queries, rules
from marketplace.policy.document import TEMPLATE, Conclusion, Facing, contract_body, paper
from marketplace.policy.models import (
    DocumentRow,
    PolicyRow,
    VersionRow,
    locked_document,
    locked_number,
    locked_policy,
    note_root,
    take_number,
)
from marketplace.policy.values import (
    ContractEnded,
    ContractInForce,
    CoverPeriod,
    DocumentEvent,
    DocumentState,
    EndContract,
    Ending,
    IssuePolicy,
    Policy,
    PolicyDocumentReady,
    PolicyFrame,
    PolicyIssued,
    PolicyNotFound,
    PolicyState,
)
from marketplace.traceability import queries as trail
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, Actor, EntryType

log = logging.getLogger(__name__)

BATCH = 100


def issue(command: IssuePolicy) -> Policy:
    """Conclude the contract of an application; asked again, the contract that stands is returned.

    Takes the next number of the insurer's year; other contracts of that insurer wait until this transaction ends, so a
    caller with several contracts issues them in the order of their insurers. Raises Invalid or NotForSale.
    """
    rules.require_complete(command)
    content = catalog.product_version(command.product_version_id).content
    insurer = accounts.insurer(command.insurer_id)
    zone = rules.zone_of(content.profile)
    concluded_at = clock.business_now()
    year = concluded_at.astimezone(ZoneInfo(zone)).year
    sequence = locked_number(insurer.id, year)
    standing = queries.policy_of_application(command.application_id)  # only now: whoever came first has committed
    if standing is not None:
        return standing
    take_number(insurer.id, year)
    conclusion = Conclusion(
        number=rules.policy_number(insurer.code, year, sequence),
        channel=trail.journey(command.journey_id).channel,
        concluded_at=concluded_at,
        period=rules.period(content.term, command.risk, command.start_on, zone),
    )
    body = contract_body(command, conclusion, content, insurer, letterhead())
    policy_id = _store(command, conclusion, body)
    publish(PolicyIssued(policy_id))
    return queries.policy(policy_id)


def _store(command: IssuePolicy, conclusion: Conclusion, body: dict[str, Any]) -> UUID:
    """The contract, its first version, the paper that is due, and the entry in the trail."""
    policy = PolicyRow(
        id=ids.new_id(),
        number=conclusion.number,
        state=PolicyState.IN_FORCE,
        insurer_id=command.insurer_id,
        product_version_id=command.product_version_id,
        application_id=command.application_id,
        order_id=command.order_id,
        journey_id=command.journey_id,
        account_id=command.account_id,
        check_code=ids.random_code(rules.CHECK_CODE_LENGTH),
        start_on=conclusion.period.start_on,
        end_on=conclusion.period.end_on,
        zone=conclusion.period.zone,
        premium_minor=command.premium.minor,
        currency=command.premium.currency,
        concluded_at=conclusion.concluded_at,
        locale=command.locale,
    )
    db.session.add(policy)
    db.session.flush()
    version = VersionRow(
        id=ids.new_id(),
        policy_id=policy.id,
        sealed_for=policy.application_id,
        number=body["version"],
        body=body,
        body_sha256=digest(body),
        recorded_at=clock.now(),
    )
    db.session.add(version)
    db.session.flush()
    db.session.add(DocumentRow(version_id=version.id, state=DocumentState.DUE))
    db.session.flush()
    said = {
        "number": policy.number,
        "version": version.number,
        "body_sha256": version.body_sha256,
        "head": trail.journey_head(policy.journey_id),
    }
    _record(policy, EntryType.CONTRACT_CONCLUDED, said)
    return policy.id


def make_document(policy_id: UUID) -> None:
    """Set the paper of a contract and keep its unsigned bytes; the seal follows in a job of its own, so number, hashes
    and intent stand committed before the signer is asked. A paper that is past this step is left alone; one that cannot
    be printed fails, with the contract unharmed.

    It carries the receipt that the conclusion stands in the log. That is waited for some seconds; afterwards the paper
    is made without, stays so, and the receipt follows by mail.
    """
    document, version, policy = _locked_document(policy_id)
    if document.state != DocumentState.DUE:
        return
    receipt = trail.receipt_soon(policy.application_id, EntryType.CONTRACT_CONCLUDED, version.recorded_at)
    if receipt is None and trail.worth_waiting(version.recorded_at):
        defer("policy.make_document", in_seconds=1, fact=PolicyIssued(policy_id))
        return
    facing = _facing(policy, version)
    data = paper(version.body, facing, policy.locale)
    try:
        unsigned = pdf.render(
            TEMPLATE,
            data,
            qr_svg=pdf.qr_svg(facing.verify_url),
            issued_at=policy.concluded_at,
            attached={} if receipt is None else _proof(policy, version, receipt),
        )
    except pdf.Unprintable as reason:
        document.state = rules.DOCUMENT_LIFE.next(DocumentState.DUE, DocumentEvent.UNPRINTABLE)
        document.failure = str(reason)
        log.exception("ALARM the document of policy %s cannot be printed", policy.number)
        return
    document.state = rules.DOCUMENT_LIFE.next(DocumentState.DUE, DocumentEvent.RENDERED)
    document.receipt_sha256 = None if receipt is None else storage.put(receipt)
    document.unsigned_sha256, document.rendered_at = storage.put_sealed(unsigned, version.sealed_for), clock.now()
    defer("policy.seal_document", policy_id=policy_id)


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


def seal_document(policy_id: UUID) -> None:
    """Seal the paper with the insurer's seal and keep the bytes: once, whoever asks again finds it done.

    Raises Unavailable while the seal or a time stamp cannot be had; then nothing is sealed.
    """
    document, version, policy = _locked_document(policy_id)
    if document.state != DocumentState.RENDERED or document.unsigned_sha256 is None:
        return
    sealer = seals.sealer_of(version.body["insurer"]["code"])
    sealed = sealer.seal(storage.get(document.unsigned_sha256), reason=f"Policy {policy.number}")
    document.state = rules.DOCUMENT_LIFE.next(DocumentState.RENDERED, DocumentEvent.SEALED)
    document.document_sha256, document.sealed_at = storage.put_sealed(sealed, version.sealed_for), clock.now()
    said = {
        "number": policy.number,
        "version": version.number,
        "body_sha256": version.body_sha256,
        "unsigned_sha256": document.unsigned_sha256,
        "document_sha256": document.document_sha256,
        "seal": sealer.name,
    }
    _record(policy, EntryType.POLICY_SIGNED, said)
    note_seal_roots()
    publish(PolicyDocumentReady(policy_id))


def note_seal_roots() -> None:
    """Tell the public check to which certificates seals lead. Raises Unavailable where this process has no seals."""
    roots = seals.trust_roots().decode()
    note_root(sha256_hex(roots.encode()), roots, clock.now())


def retry_document(policy_id: UUID) -> None:
    """Make a failed paper again, after somebody mended its cause. Raises TransitionRefused (Conflict)."""
    document, _, _ = _locked_document(policy_id)
    document.state = rules.DOCUMENT_LIFE.next(DocumentState(document.state), DocumentEvent.ASKED_AGAIN)
    document.failure = None
    defer("policy.make_document", fact=PolicyIssued(policy_id))


def end_contract(command: EndContract) -> None:
    """The one way in which a contract ends, whatever ends it: its time of keeping is counted from here (T26-46). Ending
    it again in the same way changes nothing.

    Raises PolicyNotFound, Invalid (a day that cannot be the end), ContractEnded (it ended otherwise).
    """
    row = locked_policy(command.policy_id)
    if row.ended_on is not None:
        if (row.ended_on, row.ending) != (command.on, command.how):
            raise ContractEnded
        return
    concluded_on = row.concluded_at.astimezone(ZoneInfo(row.zone)).date()
    period = CoverPeriod(row.start_on, row.end_on, row.zone)
    rules.require_ending(command.how, command.on, period, concluded_on, clock.today(row.zone))
    row.state, row.ended_on, row.ending, row.ended_at = PolicyState.ENDED, command.on, command.how, clock.now()
    db.session.flush()
    _record(row, EntryType.CONTRACT_ENDED, {"number": row.number, "ending": command.how, "on": command.on}, command.by)


def end_expired() -> Iterator[int]:
    """End the contracts that have run out, each on its last day of cover, batch by batch: whoever calls commits after
    each.
    """
    while found := queries.run_out(BATCH):
        for each in found:
            end_contract(EndContract(each.id, Ending.EXPIRED, each.period.end_on))
        yield len(found)


def erase_contract(policy_id: UUID) -> PolicyFrame:
    """Note that nothing of what the contract says can be read any more. Its number, days and amounts stay with the
    books; its key is its application's. For privacy, which decides when.

    Raises PolicyNotFound, and ContractInForce for a contract that has not ended.
    """
    row = locked_policy(policy_id)
    if row.ended_on is None:
        raise ContractInForce
    row.erased_at = row.erased_at or clock.now()
    db.session.flush()
    return queries.frame_of(row)


def hold_still(policy_id: UUID) -> PolicyFrame:
    """The contract as it is now, until the end of the transaction: nobody ends or erases it meanwhile.

    Raises PolicyNotFound.
    """
    return queries.frame_of(locked_policy(policy_id))


def _locked_document(policy_id: UUID) -> tuple[DocumentRow, VersionRow, PolicyRow]:
    found = locked_document(policy_id)
    if found is None:
        raise PolicyNotFound
    return found


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


def _record(policy: PolicyRow, entry: EntryType, said: dict[str, Any], by: Actor = SYSTEM) -> None:
    record_act(Act(policy.journey_id, entry, said, by, policy.application_id, policy.insurer_id))
