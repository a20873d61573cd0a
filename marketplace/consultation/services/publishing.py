"""From an answered question to an answer for everybody: written by staff, published by a second person, withdrawn."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import ColumnElement, cast, literal, select
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.exc import IntegrityError

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import Account, Desk
from marketplace.catalog import queries as catalog
from marketplace.consultation.models import PublicAnswerRow, ThreadRow, locked_answer, locked_thread, messages_of
from marketplace.consultation.queries.answers import answer_of
from marketplace.consultation.rules import publishing as rules
from marketplace.consultation.rules.states import PUBLIC
from marketplace.consultation.values import (
    AlreadyPublic,
    Fault,
    NoConsent,
    NotAnsweredYet,
    PublicAnswer,
    PublicAnswerNotFound,
    PublicEvent,
    PublicState,
    Said,
    SecondPersonNeeded,
    Side,
    ThreadNotFound,
    WithdrawalReason,
)
from marketplace.infra import search
from marketplace.infra.db import constraint_of, db
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock, ids
from marketplace.kernel.errors import Invalid

_ONE_OF_A_THREAD = "uq_consultation_public_answer_thread"


def propose_answer(thread_id: UUID, by: Account, said: Mapping[str, Said]) -> PublicAnswer:
    """Staff write question and answer anew for everybody, in one language or both (`said` by locale).

    Raises ThreadNotFound (also for another insurer's), CertificateMissing, NotAnsweredYet, NoConsent,
    Invalid(question_<locale>, answer_<locale>) for what may not be public, AlreadyPublic.
    """
    row = locked_thread(thread_id)
    if by.insurer_id is None or row.insurer_id != by.insurer_id or row.erased_at is not None:
        raise ThreadNotFound
    version = catalog.product_version(row.product_version_id)
    practitioner = accounts.answering(by.id, version.line.value, clock.today(ZONE))
    if not any(each.side == Side.INSURER for each in messages_of(row.id)):
        raise NotAnsweredYet
    _require_consent(row)
    _check(said)
    kept = {locale: each for locale, each in said.items() if each.question or each.answer}
    new = PublicAnswerRow(
        id=ids.new_id(),
        thread_id=row.id,
        insurer_id=row.insurer_id,
        product_id=version.product_id,
        product_version_id=version.id,
        version_number=version.number,
        practitioner_id=practitioner.id,
        said={locale: {"question": each.question, "answer": each.answer} for locale, each in kept.items()},
        words=_searched(kept),
        state=PublicState.PROPOSED.value,
        written_at=clock.business_now(),
        written_by=by.id,
    )
    try:
        with db.session.begin_nested():
            db.session.add(new)
    except IntegrityError as error:
        if constraint_of(error) != _ONE_OF_A_THREAD:
            raise
        raise AlreadyPublic from error
    return answer_of(new)


def publish_answer(answer_id: UUID, by: Account) -> PublicAnswer:
    """A second person, of the marketplace, lets everybody read it. Raises PublicAnswerNotFound, SecondPersonNeeded,
    NoConsent where whoever asked does not consent any more, TransitionRefused where it was decided.
    """
    thread = locked_thread(_thread_id_of(answer_id))  # first, as whoever takes the consent back
    row = locked_answer(answer_id)
    _require_second(row, by)
    _require_consent(thread)
    _decide(row, by, PublicEvent.PUBLISH)
    return answer_of(row)


def refuse_answer(answer_id: UUID, by: Account, reason: str) -> PublicAnswer:
    """It does not become public; the insurer reads why. Raises PublicAnswerNotFound, SecondPersonNeeded,
    TransitionRefused, Invalid(reason).
    """
    row = locked_answer(answer_id)
    _require_second(row, by)
    if not reason.strip():
        raise Invalid({"reason": _("Please give the reason.")})
    row.refusal = reason.strip()
    _decide(row, by, PublicEvent.REFUSE)
    return answer_of(row)


def withdraw_answer(answer_id: UUID, by: Account) -> PublicAnswer:
    """It is not shown any more: of its insurer's staff because it is not true now, such as for a newer version; or of
    the marketplace. Raises PublicAnswerNotFound (also for another insurer's), TransitionRefused.
    """
    row = locked_answer(answer_id)
    if by.role.desk is not Desk.BACKOFFICE and row.insurer_id != by.insurer_id:
        raise PublicAnswerNotFound
    of_marketplace = by.role.desk is Desk.BACKOFFICE
    _withdraw(row, WithdrawalReason.MARKETPLACE if of_marketplace else WithdrawalReason.UNTRUE)
    return answer_of(row)


def withdraw_of_thread(thread_id: UUID, reason: WithdrawalReason) -> None:
    """What of a thread is public or waits to be is so no more."""
    shown = [PublicState.PROPOSED.value, PublicState.PUBLISHED.value]
    wanted = select(PublicAnswerRow).where(PublicAnswerRow.thread_id == thread_id, PublicAnswerRow.state.in_(shown))
    for row in db.session.scalars(wanted.order_by(PublicAnswerRow.id).with_for_update()):
        _withdraw(row, reason)


def _thread_id_of(answer_id: UUID) -> UUID:
    """It never changes, so it is read without waiting. Raises PublicAnswerNotFound."""
    found = db.session.scalar(select(PublicAnswerRow.thread_id).where(PublicAnswerRow.id == answer_id))
    if found is None:
        raise PublicAnswerNotFound
    return found


def _withdraw(row: PublicAnswerRow, reason: WithdrawalReason) -> None:
    row.state = PUBLIC.next(PublicState(row.state), PublicEvent.WITHDRAW).value
    row.withdrawn_at, row.withdrawal = clock.business_now(), reason.value
    db.session.flush()


def _decide(row: PublicAnswerRow, by: Account, event: PublicEvent) -> None:
    row.state = PUBLIC.next(PublicState(row.state), event).value
    row.decided_at, row.decided_by = clock.business_now(), by.id
    db.session.flush()


def _require_second(row: PublicAnswerRow, by: Account) -> None:
    if by.role.desk is not Desk.BACKOFFICE or row.written_by == by.id:
        raise SecondPersonNeeded


def _require_consent(row: ThreadRow) -> None:
    if row.consent_at is None or row.consent_withdrawn_at is not None or row.erased_at is not None:
        raise NoConsent


def _check(said: Mapping[str, Said]) -> None:
    if found := rules.faults(said):
        raise Invalid({field: words(fault) for field, fault in found.items()})


def words(fault: Fault) -> str:
    """What whoever writes is told."""
    return {
        Fault.NOTHING: _("Please write question and answer in one language at least."),
        Fault.HALF: _("Please write both question and answer in this language, or neither."),
        Fault.ADDRESS: _("Please leave out mail addresses: everybody will read this."),
        Fault.NUMBER: _(
            "Please leave out numbers of seven digits or more, such as a telephone or a policy; write sums with commas."
        ),
        Fault.ACCOUNT: _("Please leave out accounts of messengers, such as WeChat or QQ."),
        Fault.LINK: _("Please leave out web addresses."),
        Fault.REFERENCE: _("Please leave out references: they lead to a customer."),
        Fault.PRAISE: _("Please leave out praise, promises, haste and regulators’ names."),
    }[fault]


def _searched(said: Mapping[str, Said]) -> ColumnElement[str]:
    """The text search vector: the question counts more than the answer."""
    texts = {"A": [each.question for each in said.values()], "B": [each.answer for each in said.values()]}
    return cast(literal(search.vector(texts)), TSVECTOR)
