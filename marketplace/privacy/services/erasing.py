"""Erase, and never silently: a row that proves it, an entry in the trail, a security event."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from marketplace.accounts import services as accounts
from marketplace.accounts.values import NewSecurityEvent, SecurityEventType
from marketplace.application import queries as application_queries
from marketplace.application import services as applications
from marketplace.application.values import Erased
from marketplace.checkout import queries as orders
from marketplace.consultation import services as consultation
from marketplace.correspondence import services as correspondence
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.jobs import publish
from marketplace.kernel import clock, ids
from marketplace.payment import services as payment
from marketplace.payment.values import Purpose
from marketplace.policy import queries as policy_queries
from marketplace.policy import services as policies
from marketplace.privacy import queries, rules
from marketplace.privacy.models import ErasureRow
from marketplace.privacy.values import ApplicationErased, ErasureReason, Subject
from marketplace.quoting import services as quoting
from marketplace.traceability import queries as trail
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
    _follow(erased, reason)
    _forget_payers(application_id)
    return True


def erase_contract(policy_id: UUID) -> bool:
    """What a contract says and what was told for it, with its pages, papers, mails and pictures, once nothing asks to
    keep it any more (T26-44, T26-45); the visit before it, where nothing else hangs on that. The books keep number,
    days and amounts, and the log its leaves. Nothing of it is opened.

    False, and nothing is done: it is in force, its time is not over, a dispute holds it, money of its journey is owed,
    or it was erased before. Raises PolicyNotFound.
    """
    frame = policies.hold_still(policy_id)
    (kept,) = queries.kept_of([frame])
    if kept.erased or not queries.may_be_erased(kept) or orders.unfinished_journeys([frame.journey_id]):
        return False
    policies.erase_contract(policy_id)
    erased = applications.erase_contracted(frame.application_id)
    if erased is not None:
        _erase_what_is_left(frame.journey_id)  # first: with its key gone, none has to be asked for
        _follow(erased, ErasureReason.RETENTION)
        _forget_payers(frame.application_id)
    return True


def _follow(erased: Erased, reason: ErasureReason) -> None:
    """What hangs on an application that was erased, and the proof of it."""
    correspondence.forget_application(erased.application_id)
    consultation.erase_of_application(erased.application_id)
    body = {"reason": reason}
    record_act(Act(erased.journey_id, EntryType.DATA_ERASED, body, SYSTEM, erased.application_id, erased.insurer_id))
    note(Subject.APPLICATION, erased.application_id, reason)
    quoting.erase_need(erased.need_id)
    publish(ApplicationErased(erased.application_id))


def _forget_payers(application_id: UUID) -> None:
    """Who paid for several applications at once is known until the last of them is erased, contract or not."""
    for order_id, application_ids in orders.lines_beside(application_id).items():
        if vault.destroyed(application_ids) == application_ids:
            payment.forget_payer(Purpose.NEW_BUSINESS, order_id)


def _erase_what_is_left(journey_id: UUID) -> None:
    """The journey, once no contract and no application of it is kept, and nobody went on in it since: what then comes
    to its end is forgotten like every visit.
    """
    kept = policy_queries.any_kept(journey_id) or application_queries.applications_to_erase([journey_id])
    lately = trail.visits_since([journey_id], rules.abandoned_before(clock.business_now()))
    if not kept and (journey_id, None) not in lately:
        erase_journey(journey_id, ErasureReason.RETENTION)


def erase_journey(journey_id: UUID, reason: ErasureReason) -> None:
    """The record of a journey in which no contract is kept: its entries stay with their hashes, nobody can read them.
    What was told for its comparisons is taken out.

    The key goes first, so that it need not be asked for: the entry of its own end could not be read anyway.
    """
    vault.destroy(journey_id)
    consultation.erase_of_journey(journey_id)
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
