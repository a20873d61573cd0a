"""What browsers recorded on pages: of one contract, what is still to be put together, and what is alike."""

from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.infra import storage, vault
from marketplace.infra.db import db, reader
from marketplace.infra.pressing import unpress
from marketplace.traceability.models import RecordingChunkRow, RecordingReferenceRow, RecordingRow
from marketplace.traceability.queries.references import accounts_on
from marketplace.traceability.rules.alike import NEEDED, Shown, of_different_people
from marketplace.traceability.values import RecordingKept

_LOOKED_AT = 60
_LONGEST = 16 * 2**20
_KEPT = (RecordingRow.id, RecordingRow.application_id, RecordingRow.sha256, RecordingRow.reference)
_CONTENT = RecordingRow.content_sealed.label("content")


def recordings_of(application_id: UUID) -> tuple[RecordingKept, ...]:
    """What is kept of an application, by the entries of the pages; nothing of an erased one. Raises NotFound and
    Unavailable where a file that one was pressed against is not in the store as it was.
    """
    wanted = select(*_KEPT, _CONTENT).where(RecordingRow.application_id == application_id)
    with reader() as connection:
        rows = connection.execute(wanted.order_by(RecordingRow.kept_at, RecordingRow.id)).all()
    try:
        return tuple(RecordingKept(row.id, row.sha256, _opened(row)) for row in rows)
    except vault.DataDestroyed:
        return ()


def unfinished_recordings(left_before: datetime, silent_since: datetime, limit: int) -> tuple[UUID, ...]:
    """Pages of which parts came that are to be put together: left before an instant, or silent since one."""
    latest = func.max(RecordingChunkRow.received_at)
    over = or_(latest <= silent_since, func.bool_or(RecordingChunkRow.closes) & (latest <= left_before))
    wanted = select(RecordingChunkRow.view_id).group_by(RecordingChunkRow.view_id).having(over)
    return tuple(db.session.scalars(wanted.order_by(latest, RecordingChunkRow.view_id).limit(limit)))


def recording_reference(version_id: str) -> str | None:
    """The SHA-256 of the file that recordings of a version are pressed against, if there is one."""
    wanted = select(RecordingReferenceRow.sha256).where(RecordingReferenceRow.page_version_id == version_id)
    with reader() as connection:
        return connection.execute(wanted).scalar_one_or_none()


def versions_without_recording_reference(limit: int) -> tuple[str, ...]:
    """Versions of pages recorded on enough journeys, in no order."""
    has_one = exists().where(RecordingReferenceRow.page_version_id == RecordingRow.page_version_id)
    wanted = (
        select(RecordingRow.page_version_id)
        .where(RecordingRow.reference.is_(None), ~has_one)
        .group_by(RecordingRow.page_version_id)
        .having(func.count(RecordingRow.journey_id.distinct()) >= NEEDED)
        .order_by(func.random())
        .limit(limit)
    )
    with reader() as connection:
        return tuple(connection.execute(wanted).scalars())


def recorded_of_different_people(version_id: str) -> tuple[bytes, ...]:
    """Recordings on pages of this version, one for each person who is known to be another, as with pages."""
    first = (
        select(*_KEPT, _CONTENT, RecordingRow.journey_id)
        .ext(distinct_on(RecordingRow.journey_id))
        .where(RecordingRow.page_version_id == version_id, RecordingRow.reference.is_(None))
        .order_by(RecordingRow.journey_id, RecordingRow.kept_at)
    )
    with reader() as connection:
        rows = {row.id: row for row in connection.execute(first.limit(_LOOKED_AT)).all()}
        accounts = accounts_on(connection, {row.journey_id for row in rows.values()})
    known = (Shown(row.id, row.journey_id, None, of_application=True) for row in rows.values())
    return _still_opening([rows[shown.entry_id] for shown in of_different_people(known, accounts)])


def _still_opening(rows: Collection[Any]) -> tuple[bytes, ...]:
    found = []
    for row in rows:
        with suppress(vault.DataDestroyed):
            found.append(_opened(row))
    return tuple(found)


def _opened(row: Any) -> bytes:
    pressed = RecordingRow.content.opened(row.id, row.application_id, row.content)
    return unpress(pressed, storage.get(row.reference) if row.reference else b"", longest=_LONGEST)
