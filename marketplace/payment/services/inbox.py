"""The inbox of the provider's events: kept once, acknowledged after commit, worked on in a job."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from marketplace.infra import jobs, payment_gateway
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.payment_gateway import Intent, ProviderAccount, ProviderEvent, ProviderRefund, Session
from marketplace.infra.vault import DataDestroyed
from marketplace.kernel import clock, ids
from marketplace.payment.models import AttemptRow, ProviderEventRow
from marketplace.payment.services.rows import attempt_row, record
from marketplace.payment.values import IdentityCheckMoved, Receipt
from marketplace.traceability.values import PROVIDER, EntryType

SESSION_EVENTS = {
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
}
REFUND_EVENTS = {"refund.updated", "refund.failed"}
DISPUTE_EVENTS = {
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
    "charge.dispute.closed",
}
IDENTITY_EVENTS = {
    "identity.verification_session.processing",
    "identity.verification_session.verified",
    "identity.verification_session.requires_input",
    "identity.verification_session.canceled",
}
DECLINE_EVENT = "payment_intent.payment_failed"
# Of a kept card that was charged; what is paid on a page is told of the page.
CHARGE_EVENTS = {DECLINE_EVENT, "payment_intent.succeeded", "payment_intent.canceled"}
ACCOUNT_EVENT = "account.updated"

LOOKED_UP = SESSION_EVENTS | REFUND_EVENTS | {DECLINE_EVENT, ACCOUNT_EVENT}
"""Of these a thin event does not say whose they are: that stands in the metadata of what they are about."""

HANDLED, IGNORED, NOT_OURS = "handled", "ignored", "not_ours"


def receive_event(payload: bytes, signature: str) -> Receipt:
    """Keep a delivered event and defer its work, in one transaction; the route answers 200 after commit.

    `payload` is the raw body. Raises ForgedEvent (signature, age over 300 s, other mode), and then nothing is kept.
    """
    event = payment_gateway.gateway().verify_event(payload, signature)
    reach(At.EVENT_VERIFIED)
    work = _work_for(event)
    if db.session.scalar(select(ProviderEventRow.id).where(ProviderEventRow.id == event.id)) is not None:
        return Receipt.DUPLICATE  # before anything is sealed for it
    now, (sealed_for, payload_sealed) = clock.now(), _sealed(event)
    kept = db.session.scalar(
        insert(ProviderEventRow)
        .values(
            id=event.id,
            type=event.type,
            livemode=event.livemode,
            sealed_for=sealed_for,
            payload_sealed=payload_sealed,
            received_at=now,
            handled_at=None if work else now,
            outcome=None if work else IGNORED,
        )
        .on_conflict_do_nothing()
        .returning(ProviderEventRow.id)
    )
    if kept is None:
        return Receipt.DUPLICATE
    if work is None:
        return Receipt.KEPT
    reach(At.EVENT_KEPT)
    if isinstance(work, IdentityCheckMoved):
        jobs.publish(work)
    else:
        name, arguments = work
        jobs.defer(name, event_id=event.id, **arguments)
    reach(At.EVENT_QUEUED)
    return Receipt.QUEUED


def mark_handled(event_id: str | None, *, ours: bool = True) -> None:
    """Note that the work for the event is done (or that it is about nothing of ours)."""
    row = db.session.get(ProviderEventRow, event_id) if event_id else None
    if row is not None and row.handled_at is None:
        reach(At.EVENT_WORKED)
        row.handled_at, row.outcome = clock.now(), HANDLED if ours else NOT_OURS
        db.session.flush()


def note_decline(event_id: str) -> None:
    """Record a declined card in the trail; the customer may try another one on the same page. Of a customer who was
    erased meanwhile there is nothing to record.
    """
    event = db.session.scalar(select(ProviderEventRow).where(ProviderEventRow.id == event_id).with_for_update())
    if event is None or event.handled_at is not None:
        return
    if (payload := event.payload) is not None:
        intent = _declined(payload)
        attempt_id = UUID(intent.metadata["attempt_id"])
        record(attempt_row(attempt_id), EntryType.PAYMENT_FAILED, PROVIDER, reason=intent.declined or "declined")
    mark_handled(event_id)


def _declined(payload: Mapping[str, Any]) -> Intent:
    """The payment that was declined: as the event tells it, or where it is thin, as it is now."""
    if "data" not in payload:
        return payment_gateway.gateway().retrieve_intent(payload["related_object"]["id"])
    intent = payload["data"]["object"]
    error = intent.get("last_payment_error") or {}
    return Intent(intent["id"], error.get("decline_code") or error.get("code"), intent["metadata"])


def look_up_event(event_id: str, kind: str, subject_id: str) -> None:
    """Ask what a thin event is about, and defer the work of a whole one. Raises Unavailable."""
    asked = payment_gateway.gateway()
    found: Session | ProviderRefund | ProviderAccount | Intent
    if kind in SESSION_EVENTS:
        found = asked.retrieve_session(subject_id)
    elif kind in REFUND_EVENTS:
        found = asked.retrieve_refund(subject_id)
    elif kind == ACCOUNT_EVENT:
        found = asked.retrieve_account(subject_id)
    else:
        found = asked.retrieve_intent(subject_id)
    work = _work_of(kind, subject_id, found.metadata)
    if work is None:
        mark_handled(event_id, ours=False)
        return
    name, arguments = work
    jobs.defer(name, event_id=event_id, **arguments)


def _work_for(event: ProviderEvent) -> tuple[str, dict[str, Any]] | IdentityCheckMoved | None:
    """The job that an event asks for, with its arguments; None for what we do not know or did not start. Of a check of
    who somebody is those above are told, who ask whose it is.
    """
    if event.type in IDENTITY_EVENTS and event.subject_id:
        return IdentityCheckMoved(event.id, event.subject_id)
    if event.thin and event.type in LOOKED_UP and event.subject_id:
        return "payment.look_up_event", {"kind": event.type, "subject_id": event.subject_id}
    return _work_of(event.type, event.subject_id, event.metadata)


def _work_of(kind: str, subject_id: str | None, metadata: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
    attempt_id, refund_id = _our_id(metadata, "attempt_id"), _our_id(metadata, "refund_id")
    if kind in SESSION_EVENTS and attempt_id:
        return "payment.settle", {"attempt_id": attempt_id, "session_id": subject_id}
    if kind in REFUND_EVENTS and refund_id:
        return "payment.send_refund", {"refund_id": refund_id}
    mandate_id = _our_id(metadata, "mandate_id")
    if kind in SESSION_EVENTS and mandate_id:
        return "payment.settle_mandate", {"mandate_id": mandate_id, "session_id": subject_id}
    if kind in CHARGE_EVENTS and mandate_id and attempt_id:
        return "payment.settle", {"attempt_id": attempt_id}
    payee_id = _our_id(metadata, "payee_id")
    if kind == ACCOUNT_EVENT and payee_id:
        return "payment.note_account", {"payee_id": payee_id, "account_id": subject_id}
    if kind in DISPUTE_EVENTS and subject_id:
        return "payment.note_dispute", {"dispute_id": subject_id}
    if kind == DECLINE_EVENT and attempt_id:
        return "payment.note_decline", {}
    return None


def _sealed(event: ProviderEvent) -> tuple[UUID, bytes | None]:
    """For whom the payload is sealed, and that; for nobody where what is paid is not ours. Of somebody who was erased
    nothing is kept anew: the word of the provider is taken all the same, and its work needs the ids that it names only.
    Nor is anything of an insurer's account, which names its people and its bank, of somebody's identity, or of a kept
    card.
    """
    if event.type == ACCOUNT_EVENT or event.type.startswith("identity."):
        return ids.new_id(), None
    if _our_id(event.metadata, "mandate_id"):
        return ids.new_id(), None
    attempt_id, intent = _our_id(event.metadata, "attempt_id"), event.subject.get("payment_intent")
    of = AttemptRow.id == attempt_id if attempt_id else AttemptRow.payment_intent_id == str(intent)
    known = (attempt_id or intent) and db.session.scalar(select(AttemptRow.sealed_for).where(of))
    sealed_for = known or ids.new_id()
    try:
        return sealed_for, ProviderEventRow.payload.sealed(event.id, sealed_for, dict(event.payload))
    except DataDestroyed:
        return sealed_for, None


def _our_id(metadata: Mapping[str, str], name: str) -> UUID | None:
    try:
        return UUID(metadata.get(name, ""))
    except ValueError:
        return None
