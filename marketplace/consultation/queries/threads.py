"""Ask for conversations: of their customer, of their insurer, and of the marketplace's desk."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from marketplace.consultation.models import MessageRow, ThreadRow
from marketplace.consultation.values import (
    Consent,
    Conversation,
    FoundThreads,
    Message,
    Side,
    Thread,
    ThreadNotFound,
    ThreadState,
)
from marketplace.infra import vault
from marketplace.infra.db import db

_CONFIRMED = ThreadRow.state != ThreadState.UNCONFIRMED.value


def conversation(thread_id: UUID) -> Conversation:
    """A conversation that reached its insurer, for callers that have checked who asks. Raises ThreadNotFound."""
    return _one(ThreadRow.id == thread_id, _CONFIRMED)


def own_conversation(thread_id: UUID, account_id: UUID) -> Conversation:
    """The customer's own. Raises ThreadNotFound for everybody else."""
    return _one(ThreadRow.id == thread_id, ThreadRow.account_id == account_id, _CONFIRMED)


def conversation_of_insurer(thread_id: UUID, insurer_id: UUID) -> Conversation:
    """One of the insurer's. Raises ThreadNotFound for another insurer's."""
    return _one(ThreadRow.id == thread_id, ThreadRow.insurer_id == insurer_id, _CONFIRMED)


def conversation_of_application(application_id: UUID) -> Conversation | None:
    """What was asked in an application and answered, for callers that have checked who asks; there is one at most."""
    found = _conversations(_rows(ThreadRow.application_id == application_id, _CONFIRMED))
    return found[0] if found else None


def conversations_of_account(account_id: UUID) -> tuple[Conversation, ...]:
    """Everything that a customer asked, the newest first."""
    return _conversations(_rows(ThreadRow.account_id == account_id, _CONFIRMED))


def threads_of_account(account_id: UUID) -> tuple[Thread, ...]:
    """The same without what was said."""
    return tuple(map(thread_of, _rows(ThreadRow.account_id == account_id, _CONFIRMED)))


def waiting_threads(insurer_id: UUID | None = None) -> tuple[Thread, ...]:
    """What waits for an answer, of one insurer or of all: whose time is over first comes first."""
    wanted = select(ThreadRow).where(ThreadRow.state == ThreadState.WAITING.value)
    if insurer_id is not None:
        wanted = wanted.where(ThreadRow.insurer_id == insurer_id)
    return tuple(map(thread_of, db.session.scalars(wanted.order_by(ThreadRow.waiting_since, ThreadRow.id))))


def threads(number: int, *, only_insurer: UUID | None = None, size: int = 25) -> FoundThreads:
    """A page of all threads that reached their insurer, the newest first."""
    conditions = [_CONFIRMED] if only_insurer is None else [_CONFIRMED, ThreadRow.insurer_id == only_insurer]
    total = db.session.scalar(select(func.count()).select_from(ThreadRow).where(*conditions)) or 0
    rows = db.session.scalars(
        select(ThreadRow)
        .where(*conditions)
        .order_by(ThreadRow.asked_at.desc(), ThreadRow.id)
        .limit(size)
        .offset((number - 1) * size)
    )
    return FoundThreads(tuple(map(thread_of, rows)), number, size, total)


def threads_left_before(before: datetime, most: int) -> tuple[UUID, ...]:
    """Threads without an application in which nothing was said since (business time), and that are not erased yet."""
    latest = select(func.max(MessageRow.written_at)).where(MessageRow.thread_id == ThreadRow.id).scalar_subquery()
    return tuple(
        db.session.scalars(
            select(ThreadRow.id)
            .where(_CONFIRMED, ThreadRow.application_id.is_(None), ThreadRow.erased_at.is_(None), latest < before)
            .order_by(ThreadRow.id)
            .limit(most)
        )
    )


def _one(*conditions: ColumnElement[bool]) -> Conversation:
    found = _conversations(_rows(*conditions))
    if not found:
        raise ThreadNotFound
    return found[0]


def _rows(*conditions: ColumnElement[bool]) -> Sequence[ThreadRow]:
    return db.session.scalars(
        select(ThreadRow).where(*conditions).order_by(ThreadRow.asked_at.desc(), ThreadRow.id)
    ).all()


def _conversations(rows: Sequence[ThreadRow]) -> tuple[Conversation, ...]:
    """With one question for all that was said, and one to the keeper for all their keys."""
    if not rows:
        return ()
    said = db.session.scalars(
        select(MessageRow).where(MessageRow.thread_id.in_([row.id for row in rows])).order_by(MessageRow.number)
    ).all()
    vault.unlock({row.sealed_for for row in said})
    return tuple(
        Conversation(thread_of(row), tuple(message_of(each) for each in said if each.thread_id == row.id))
        for row in rows
    )


def message_of(row: MessageRow) -> Message:
    """The message that a row of this feature holds."""
    return Message(
        id=row.id,
        number=row.number,
        side=Side(row.side),
        words=row.words,
        sha256=row.sha256,
        written_at=row.written_at,
        practitioner_id=row.practitioner_id,
        waited_since=row.waited_since,
    )


def thread_of(row: ThreadRow) -> Thread:
    """The thread that a row of this feature holds."""
    consent = None
    if row.consent_sha256 is not None and row.consent_at is not None:
        consent = Consent(row.consent_sha256, row.consent_at, row.consent_withdrawn_at)
    return Thread(
        id=row.id,
        reference=row.reference,
        insurer_id=row.insurer_id,
        product_version_id=row.product_version_id,
        journey_id=row.journey_id,
        application_id=row.application_id,
        account_id=row.account_id,
        locale=row.locale,
        state=ThreadState(row.state),
        asked_at=row.asked_at,
        waiting_since=row.waiting_since,
        due_at=row.due_at,
        answered_at=row.answered_at,
        consent=consent,
        erased=row.erased_at is not None,
    )
