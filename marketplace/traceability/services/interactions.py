"""Keep what a browser records of what is done on a page: part by part while it lives, then as one, with its entry.

The page is known by the entry that showed it. What is kept is sealed for the application and erased with it.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.pressing import press, unpress
from marketplace.kernel import clock, ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.traceability import queries
from marketplace.traceability.models import RecordingChunkRow, RecordingRow
from marketplace.traceability.rules import interactions
from marketplace.traceability.services.apart import or_nothing
from marketplace.traceability.services.recording import record_act
from marketplace.traceability.values import (
    LONGEST_PART,
    SYSTEM,
    Act,
    EntryNotFound,
    EntryType,
    RecordingClosed,
    RecordingInvalid,
    ViewKept,
)


def keep_interactions(view_id: UUID, data: bytes) -> None:
    """Keep what a page sent at once; the same part again changes nothing. Where it becomes too much nothing more is
    kept, and the trail says so. Flushes.

    Raises RecordingInvalid, RecordingClosed, EntryNotFound for a page that stands on the road of no application, and
    DataDestroyed.
    """
    view = queries.view_kept(view_id)
    if view.application_id is None:
        raise EntryNotFound
    if len(data) > LONGEST_PART:
        raise RecordingInvalid("it is too much at once")
    text = interactions.unpacked(data)
    chunk = interactions.chunk_of(text)
    with or_nothing():
        size = _size_so_far(view_id)
    cut = chunk.cut or size + len(text) > interactions.MOST_OF_PAGE
    row_id = ids.new_id()
    kept = press(b"" if cut else text)
    values = {
        "id": row_id,
        "view_id": view_id,
        "number": chunk.number,
        "application_id": view.application_id,
        "received_at": clock.now(),
        "size": len(text),
        "closes": chunk.left or cut,
        "cut": cut,
        "content": RecordingChunkRow.content.sealed(row_id, view.application_id, kept),
    }
    with or_nothing():
        written = db.session.execute(
            upsert(RecordingChunkRow)
            .values(values)
            .on_conflict_do_nothing(index_elements=["view_id", "number"])
            .returning(RecordingChunkRow.id)
        ).scalar_one_or_none()
    if written and cut:
        _note(view, EntryType.RECORDING_CUT, {"view": view_id, "size": size})


def keep_recording(view_id: UUID) -> None:
    """Put together what came of a page, with its entry; its parts are dropped. Where the application was erased
    meanwhile they are dropped alone. Doing it again changes nothing. Flushes.
    """
    _lock(view_id)
    wanted = select(RecordingChunkRow).where(RecordingChunkRow.view_id == view_id)
    rows = db.session.scalars(wanted.order_by(RecordingChunkRow.number)).all()
    if not rows:
        return
    with suppress(vault.DataDestroyed):
        _put_together(view_id, rows)
    db.session.execute(delete(RecordingChunkRow).where(RecordingChunkRow.view_id == view_id))


def _size_so_far(view_id: UUID) -> int:
    """Bytes that came of a page, while there may come more. Raises RecordingClosed."""
    _lock(view_id)
    of_page = RecordingChunkRow.view_id == view_id
    asked = select(
        func.coalesce(func.sum(RecordingChunkRow.size), 0),
        func.coalesce(func.bool_or(RecordingChunkRow.cut), False),
        exists().where(RecordingRow.id == view_id),
    ).where(of_page)
    size, cut, closed = db.session.execute(asked).one()
    if cut or closed:
        raise RecordingClosed
    return int(size)


def _put_together(view_id: UUID, rows: Sequence[RecordingChunkRow]) -> None:
    view = queries.view_kept(view_id)
    whole = [(row, interactions.chunk_of(unpress(row.content))) for row in rows if not row.cut]
    ahead = min((_milliseconds(row.received_at) - chunk.sent_at for row, chunk in whole), default=0)
    cut = any(row.cut for row in rows)
    data = interactions.recording_of(view_id, [chunk for _row, chunk in whole], ahead, cut=cut)
    sha256 = sha256_hex(data)
    named = queries.recording_reference(view.page_version_id)
    reference = queries.reference(named) if named else None
    row = RecordingRow(
        id=view_id,
        application_id=view.application_id,
        journey_id=view.journey_id,
        page_version_id=view.page_version_id,
        kept_at=clock.now(),
        sha256=sha256,
        reference=named if reference else None,
        content=press(data, reference),
    )
    db.session.add(row)
    db.session.flush()
    told = {"view": view_id, "sha256": sha256, "events": sum(len(chunk.events) for _row, chunk in whole), "cut": cut}
    _note(view, EntryType.RECORDING_KEPT, told)


def _note(view: ViewKept, type_: EntryType, body: dict[str, object]) -> None:
    what = {"application_id": view.application_id, "insurer_id": view.insurer_id}
    record_act(Act(view.journey_id, type_, body, SYSTEM, page_version_id=view.page_version_id, **what))


def _lock(view_id: UUID) -> None:
    """One at a time writes what was done on a page."""
    db.session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"traceability.recording:{view_id}", 0)))
    )


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
