"""What is said in a thread: one message, its clock, and its entry in the trail (T26-29)."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from marketplace.consultation.models import MessageRow, ThreadRow
from marketplace.consultation.rules import clocks
from marketplace.consultation.values import LONGEST_ANSWER, LONGEST_QUESTION, Asker, Side, ThreadState
from marketplace.infra import working_days
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import Invalid
from marketplace.traceability.services import record_act
from marketplace.traceability.values import Act, Actor, ActorRole, EntryType


def new_message(row: ThreadRow, side: Side, words: str, **more: Any) -> MessageRow:
    """The next message of a thread that is held. Flushes."""
    last = db.session.scalar(select(func.max(MessageRow.number)).where(MessageRow.thread_id == row.id)) or 0
    message = MessageRow(
        id=ids.new_id(),
        thread_id=row.id,
        insurer_id=row.insurer_id,
        number=last + 1,
        side=side.value,
        sealed_for=row.sealed_for,
        words=words,
        sha256=sha256_hex(words.encode()),
        written_at=clock.business_now(),
        **more,
    )
    db.session.add(message)
    db.session.flush()
    return message


def fitting(words: str, side: Side) -> str:
    """What was said without blanks around it. Raises Invalid(words) where there is nothing, or too much."""
    said, longest = words.strip(), LONGEST_QUESTION if side is Side.CUSTOMER else LONGEST_ANSWER
    if not said:
        raise Invalid({"words": _("Please answer this.")})
    if len(said) > longest:
        raise Invalid({"words": _("Please use at most %(max)d characters.", max=longest)})
    return said


def waits_with(row: ThreadRow, words: str) -> bool:
    """Whether these very words are the last that were said in a thread that waits for an answer."""
    last = select(MessageRow.sha256).where(MessageRow.thread_id == row.id).order_by(MessageRow.number.desc()).limit(1)
    return row.state == ThreadState.WAITING and db.session.scalar(last) == sha256_hex(words.encode())


def start_clock(row: ThreadRow) -> None:
    """From now on an answer is waited for, unless one is already."""
    if row.waiting_since is None:
        row.waiting_since = clock.business_now()
        row.due_at = clocks.due_at(row.waiting_since, _is_working_day, ZONE)


def _is_working_day(day: date) -> bool:
    """Of a year whose holidays are not known yet every day counts, so that the target can only be too early."""
    return not working_days.is_known(day.year, ZONE) or working_days.is_working_day(day, ZONE)


def record_question(row: ThreadRow, message: MessageRow, by: Asker) -> None:
    """That a question reached the insurer."""
    actor = Actor(ActorRole.CUSTOMER, by.account_id, "customer")
    record(row, EntryType.CONSULTATION_ASKED, actor, _told(row, message), message.page_version_id)


def record_answer(row: ThreadRow, message: MessageRow, account_id: UUID, certificate_no: str) -> None:
    """That the insurer answered, by whom, and since when it was waited for."""
    told = {"certificate_no": certificate_no, "waited_since": message.waited_since} | _told(row, message)
    record(row, EntryType.CONSULTATION_ANSWERED, Actor(ActorRole.INSURER, account_id, "insurer"), told)


def _told(row: ThreadRow, message: MessageRow) -> dict[str, Any]:
    return {
        "thread": row.reference,
        "message": message.number,
        "sha256": message.sha256,
        "product_version_id": row.product_version_id,
    }


def record(
    row: ThreadRow, entry: EntryType, actor: Actor, body: Mapping[str, Any], page_version_id: str | None = None
) -> None:
    """An act of a thread, tied to its journey, its application where there is one, and its insurer."""
    record_act(
        Act(
            journey_id=row.journey_id,
            type=entry,
            body=body,
            actor=actor,
            application_id=row.application_id,
            insurer_id=row.insurer_id,
            page_version_id=page_version_id,
        )
    )
