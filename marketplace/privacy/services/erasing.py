"""Erase, and never silently: a row that proves it, an entry in the trail, a security event."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.accounts import services as accounts
from marketplace.accounts.values import NewSecurityEvent, SecurityEventType
from marketplace.application import services as applications
from marketplace.correspondence import services as correspondence
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.jobs import publish
from marketplace.kernel import clock, ids
from marketplace.privacy.models import ErasureRow
from marketplace.privacy.values import ApplicationErased, ErasureReason, Subject
from marketplace.quoting import services as quoting
from marketplace.traceability.services import record_act
from marketplace.traceability.values import SYSTEM, Act, EntryType


def erase_application(application_id: UUID, reason: ErasureReason) -> bool:
    """What was told in an application without a contract, its pages, the mails about it, and its rating factors where
    nothing else rests on them. False: it was erased before.

    Raises ApplicationNotFound, and ContractKept where a contract was made of it.
    """
    erased = applications.erase_application(application_id)
    if erased is None:
        return False
    correspondence.forget_application(application_id)
    body = {"reason": reason}
    record_act(Act(erased.journey_id, EntryType.DATA_ERASED, body, SYSTEM, application_id, erased.insurer_id))
    note(Subject.APPLICATION, application_id, reason)
    quoting.erase_need(erased.need_id)
    publish(ApplicationErased(application_id))
    return True


def erase_journey(journey_id: UUID, reason: ErasureReason) -> None:
    """The record of a journey that led to no contract: its entries stay with their hashes, nobody can read them. What
    was told for its comparisons is taken out.

    The key goes first, so that it need not be asked for: the entry of its own end could not be read anyway.
    """
    vault.destroy(journey_id)
    record_act(Act(journey_id, EntryType.DATA_ERASED, {"reason": reason}, SYSTEM))
    note(Subject.JOURNEY, journey_id, reason)
    quoting.erase_needs_of_journey(journey_id)


def note(subject: Subject, subject_id: UUID, reason: ErasureReason) -> None:
    """Keep the proof of an erasure, and the event. Erasing twice leaves one proof."""
    values = {
        "id": ids.new_id(),
        "subject": subject.value,
        "subject_id": subject_id,
        "reason": reason.value,
        "erased_at": clock.now(),
    }
    db.session.execute(insert(ErasureRow).values(values).on_conflict_do_nothing())
    detail = {"subject": subject.value, "subject_id": str(subject_id), "reason": reason.value}
    accounts.record_security_event(
        NewSecurityEvent(type=SecurityEventType.DATA_ERASED, actor="marketplace", detail=detail)
    )
