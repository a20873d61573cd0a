"""The files that views are kept against: which versions of pages lack one, of what it is made, and it itself."""

import logging
from collections.abc import Collection
from time import monotonic
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, and_, exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from marketplace.infra import storage
from marketplace.infra.db import reader
from marketplace.infra.pressing import Reference
from marketplace.kernel.errors import MarketplaceError
from marketplace.kernel.remembering import Remembered
from marketplace.traceability.models import EntryRow, PageReferenceRow
from marketplace.traceability.queries.held import VISITORS, Held, Opening, held, page_of
from marketplace.traceability.rules.alike import NEEDED, Shown, of_different_people

log = logging.getLogger(__name__)

LOOKED_AT_SECONDS = 60.0
"""So long a process presses against a file before it makes sure that it is still kept."""

_LOOKED_AT = 60
"""Journeys that saw a version, among which those of different people are looked for."""

_ready: Remembered[str, tuple[Reference, float]] = Remembered(size=32)


def reference(sha256: str) -> Reference | None:
    """The file made ready for pressing; None where it is not kept as it was: nothing more is pressed against it."""
    found = _ready.get(sha256)
    now = monotonic()
    if found is not None and now - found[1] < LOOKED_AT_SECONDS:
        return found[0]
    try:
        data = storage.get(sha256)
    except MarketplaceError as error:
        log.error("ALARM a file that views are kept against cannot be read: %s", error)  # noqa: TRY400  known errors
        return None
    made = (found[0] if found else Reference(data), now)
    _ready.put(sha256, made)
    return made[0]


def earlier_view(journey_id: UUID, application_id: UUID | None, version_id: str) -> tuple[UUID, bytes] | None:
    """Entry and page of the newest view in the log that another one of this version, journey and application may be
    kept against; None where there is none that can be read. The intake, which has no index for this, is not asked.
    """
    wanted = (
        select(*page_of(EntryRow))
        .where(EntryRow.journey_id == journey_id, EntryRow.application_id.is_not_distinct_from(application_id))
        .where(EntryRow.page_version_id == version_id, EntryRow.page_sealed.is_not(None), EntryRow.page_base.is_(None))
        .order_by(EntryRow.number.desc())
        .limit(1)
    )
    with reader() as connection:
        row = connection.execute(wanted).one_or_none()
    try:
        page = None if row is None else Opening([row]).page_or_none(row)
    except MarketplaceError as error:
        log.error("ALARM a view that was recorded cannot be read: %s", error)  # noqa: TRY400  known errors
        return None
    return None if row is None or page is None else (row.id, page)


def versions_without_reference(limit: int) -> tuple[str, ...]:
    """Versions of pages whose views are kept by themselves and were shown on enough journeys, in no order: one of which
    too much was erased keeps no other waiting.
    """

    def alone(row: Held) -> ColumnElement[bool]:
        has_one = exists().where(PageReferenceRow.page_version_id == row.page_version_id)
        return and_(*_kept_alone(row), ~has_one)

    views = held(lambda row: (row.page_version_id, row.journey_id), alone).subquery()
    wanted = (
        select(views.c.page_version_id)
        .group_by(views.c.page_version_id)
        .having(func.count(views.c.journey_id.distinct()) >= NEEDED)
        .order_by(func.random())
        .limit(limit)
    )
    with reader() as connection:
        return tuple(connection.execute(wanted).scalars())


def shown_to_different_people(version_id: str) -> tuple[bytes, ...]:
    """Pages of this version as they were sent, one for each person who is known to be another."""

    def views(row: Held) -> ColumnElement[bool]:
        return and_(
            row.page_version_id == version_id,
            *_kept_alone(row),
            row.actor_role.in_(VISITORS),
        )

    seen = held(lambda row: (*page_of(row), row.body_sealed, row.recorded_at), views).subquery()
    first = select(seen).ext(distinct_on(seen.c.journey_id)).order_by(seen.c.journey_id, seen.c.recorded_at)
    with reader() as connection:
        rows = sorted(connection.execute(first.limit(_LOOKED_AT)).all(), key=lambda row: (row.recorded_at, row.id))
        accounts = accounts_on(connection, {row.journey_id for row in rows})
    opening, by_id = Opening(rows), {row.id: row for row in rows}
    known = (Shown(row.id, row.journey_id, opening.need(row), row.application_id is not None) for row in rows)
    pages: list[bytes] = []
    for shown in of_different_people(known, accounts):
        page = opening.page_or_none(by_id[shown.entry_id])
        if page is not None:
            pages.append(page)
    return tuple(pages)


def _kept_alone(row: Held) -> tuple[ColumnElement[bool], ...]:
    """The view is kept against nothing else."""
    return row.page_sealed.is_not(None), row.page_reference.is_(None), row.page_base.is_(None)


def accounts_on(connection: Connection, journey_ids: Collection[UUID]) -> dict[UUID, frozenset[UUID]]:
    """Journey id -> the customers' accounts seen on it."""

    def seen(row: Held) -> ColumnElement[bool]:
        return and_(row.journey_id.in_(journey_ids), row.actor_id.is_not(None), row.actor_role.in_(VISITORS))

    found: dict[UUID, set[UUID]] = {}
    for journey_id, account_id in connection.execute(held(lambda row: (row.journey_id, row.actor_id), seen)):
        found.setdefault(journey_id, set()).add(account_id)
    return {journey_id: frozenset(account_ids) for journey_id, account_ids in found.items()}
