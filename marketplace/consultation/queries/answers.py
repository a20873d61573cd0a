"""Ask for public answers: of a product, of everybody's search, and of the desks that make them."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, literal, select
from sqlalchemy.dialects.postgresql import TSQUERY

from marketplace.consultation.models import PublicAnswerRow
from marketplace.consultation.values import FoundAnswers, PublicAnswer, PublicAnswerNotFound, PublicState, Said
from marketplace.infra import search as text_search
from marketplace.infra.db import db

_PUBLISHED = PublicAnswerRow.state == PublicState.PUBLISHED.value
MOST_ON_A_PRODUCT = 10


def answers_of_product(product_id: UUID, most: int = MOST_ON_A_PRODUCT) -> tuple[PublicAnswer, ...]:
    """What is public of a product, the newest first."""
    return _found(PublicAnswerRow.product_id == product_id, _PUBLISHED)[:most]


def answers_of_insurer(insurer_id: UUID) -> tuple[PublicAnswer, ...]:
    """All that an insurer's staff wrote for the public, whatever became of it, the newest first."""
    return _found(PublicAnswerRow.insurer_id == insurer_id)


def answers_of_thread(thread_id: UUID) -> tuple[PublicAnswer, ...]:
    """What was written of a thread for the public, the newest first."""
    return _found(PublicAnswerRow.thread_id == thread_id)


def answers_to_publish() -> tuple[PublicAnswer, ...]:
    """What waits for a second person, the oldest first."""
    return tuple(reversed(_found(PublicAnswerRow.state == PublicState.PROPOSED.value)))


def public_answer(answer_id: UUID) -> PublicAnswer:
    """One of them, whatever became of it. Raises PublicAnswerNotFound."""
    found = _found(PublicAnswerRow.id == answer_id)
    if not found:
        raise PublicAnswerNotFound
    return found[0]


def answer_of_insurer(answer_id: UUID, insurer_id: UUID) -> PublicAnswer:
    """One of the insurer's. Raises PublicAnswerNotFound for another insurer's."""
    found = public_answer(answer_id)
    if found.insurer_id != insurer_id:
        raise PublicAnswerNotFound
    return found


def search(asked: str, number: int, *, size: int = 20) -> FoundAnswers:
    """A page of the public answers that hold everything asked for, the best first; of all of them, the newest first,
    where nothing can be looked for.
    """
    wanted = text_search.query(asked)
    conditions: list[ColumnElement[bool]] = [_PUBLISHED]
    order: list[ColumnElement[Any]] = [PublicAnswerRow.decided_at.desc(), PublicAnswerRow.id.asc()]
    if wanted is not None:
        looked_for = cast(literal(wanted), TSQUERY)
        conditions.append(PublicAnswerRow.words.bool_op("@@")(looked_for))
        order.insert(0, func.ts_rank(PublicAnswerRow.words, looked_for).desc())
    total = db.session.scalar(select(func.count()).select_from(PublicAnswerRow).where(*conditions)) or 0
    rows = db.session.scalars(
        select(PublicAnswerRow).where(*conditions).order_by(*order).limit(size).offset((number - 1) * size)
    )
    return FoundAnswers(_answers(rows), number, size, total)


def _found(*conditions: ColumnElement[bool]) -> tuple[PublicAnswer, ...]:
    newest = select(PublicAnswerRow).where(*conditions)
    return _answers(db.session.scalars(newest.order_by(PublicAnswerRow.written_at.desc(), PublicAnswerRow.id)))


def _answers(rows: Iterable[PublicAnswerRow]) -> tuple[PublicAnswer, ...]:
    return tuple(map(answer_of, rows))


def answer_of(row: PublicAnswerRow) -> PublicAnswer:
    """The public answer that a row of this feature holds."""
    return PublicAnswer(
        id=row.id,
        thread_id=row.thread_id,
        insurer_id=row.insurer_id,
        product_id=row.product_id,
        product_version_id=row.product_version_id,
        version_number=row.version_number,
        practitioner_id=row.practitioner_id,
        said={locale: Said(**words) for locale, words in row.said.items()},
        state=PublicState(row.state),
        written_at=row.written_at,
        decided_at=row.decided_at,
        refusal=row.refusal,
        withdrawn_at=row.withdrawn_at,
    )
