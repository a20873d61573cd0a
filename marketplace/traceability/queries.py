"""Read evidence, as `marketplace_reader`: only what is committed, and never through the site's own role."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, exists, or_, select, tuple_

from marketplace.infra import vault
from marketplace.infra.db import reader
from marketplace.kernel.remembering import Remembered
from marketplace.traceability.models import IntakeRow, JourneyRow, PageVersionRow
from marketplace.traceability.values import (
    Actor,
    ActorRole,
    Channel,
    Entry,
    EntryNotFound,
    EntryType,
    Journey,
    JourneyNotFound,
    PageVersion,
    PageVersionNotFound,
)

# Everything but the bytes of the pages, which are fetched one at a time.
_COLUMNS = (
    IntakeRow.id,
    IntakeRow.journey_id,
    IntakeRow.application_id,
    IntakeRow.insurer_id,
    IntakeRow.page_version_id,
    IntakeRow.type,
    IntakeRow.actor_role,
    IntakeRow.actor_id,
    IntakeRow.actor_label,
    IntakeRow.recorded_at,
    IntakeRow.business_at,
    IntakeRow.body_sealed,
    IntakeRow.body_sha256,
    IntakeRow.page_sha256,
)


_AGE = (JourneyRow.business_started_at, JourneyRow.id)
_journeys: Remembered[UUID, Journey] = Remembered(size=4096)
"""Journey id -> journey, which is never changed or deleted. Each page of a visitor asks for the same one."""


def journey(journey_id: UUID) -> Journey:
    """The journey, or JourneyNotFound."""
    found = _journeys.get(journey_id)
    if found is None:
        found = _journey(journey_id)
        _journeys.put(journey_id, found)
    return found


def _journey(journey_id: UUID) -> Journey:
    with reader() as connection:
        row = connection.execute(select(JourneyRow.__table__).where(JourneyRow.id == journey_id)).one_or_none()
    if row is None:
        raise JourneyNotFound
    return Journey(
        id=row.id,
        reference=row.reference,
        channel=Channel(row.channel),
        attribution=row.attribution,
        started_at=row.started_at,
        business_started_at=row.business_started_at,
    )


def journey_entries(journey_id: UUID) -> tuple[Entry, ...]:
    """Every entry of a journey in the order of recording; empty when there is none."""
    return _entries(IntakeRow.journey_id == journey_id)


def entries_of_application(application_id: UUID) -> tuple[Entry, ...]:
    """The entries that concern one application (one contract), in the order of recording."""
    return _entries(IntakeRow.application_id == application_id)


def entry(entry_id: UUID) -> Entry:
    """One entry, or EntryNotFound."""
    found = _entries(IntakeRow.id == entry_id)
    if not found:
        raise EntryNotFound
    return found[0]


def page_bytes(entry_id: UUID) -> bytes:
    """The bytes of the page as they were sent, or EntryNotFound when the entry is unknown or shows no page."""
    wanted = select(IntakeRow.journey_id, IntakeRow.page_sealed).where(IntakeRow.id == entry_id)
    with reader() as connection:
        row = connection.execute(wanted).one_or_none()
    page = row and IntakeRow.page_bytes.opened(entry_id, row.journey_id, row.page_bytes)
    if page is None:
        raise EntryNotFound
    return page


def pages_of_journey(journey_id: UUID) -> dict[UUID, bytes]:
    """Entry id -> the page it shows, as it was sent, for every entry of a journey that shows one, oldest first."""
    statement = (
        select(IntakeRow.id, IntakeRow.page_sealed)
        .where(IntakeRow.journey_id == journey_id, IntakeRow.page_sealed.is_not(None))
        .order_by(IntakeRow.recorded_at, IntakeRow.id)
    )
    with reader() as connection:
        rows = connection.execute(statement).all()
    opened = ((row.id, IntakeRow.page_bytes.opened(row.id, journey_id, row.page_bytes)) for row in rows)
    return {entry_id: page for entry_id, page in opened if page is not None}


def idle_journeys(before: datetime, limit: int, after: UUID | None = None) -> tuple[UUID, ...]:
    """Journeys without an entry since `before` (business time) that led to no contract and are not erased yet, the
    oldest first; those after the journey `after`, if one is named.
    """
    later = exists().where(
        IntakeRow.journey_id == JourneyRow.id,
        or_(
            IntakeRow.business_at >= before,
            IntakeRow.type.in_([EntryType.CONTRACT_CONCLUDED.value, EntryType.DATA_ERASED.value]),
        ),
    )
    statement = (
        select(JourneyRow.id).where(JourneyRow.business_started_at < before, ~later).order_by(*_AGE).limit(limit)
    )
    if after is not None:
        statement = statement.where(tuple_(*_AGE) > select(*_AGE).where(JourneyRow.id == after).scalar_subquery())
    with reader() as connection:
        return tuple(connection.execute(statement).scalars())


def page_version(version_id: str) -> PageVersion:
    """A page version by its id (SHA-256 of its manifest), or PageVersionNotFound."""
    found = page_versions((version_id,))
    if not found:
        raise PageVersionNotFound
    return found[0]


def page_versions(version_ids: Iterable[str]) -> tuple[PageVersion, ...]:
    """Several page versions in one question, in the order of their ids; unknown ids are left out."""
    statement = (
        select(PageVersionRow.__table__).where(PageVersionRow.id.in_(set(version_ids))).order_by(PageVersionRow.id)
    )
    with reader() as connection:
        rows = connection.execute(statement).all()
    return tuple(
        PageVersion(
            id=row.id,
            page=row.page,
            locale=row.locale,
            product_version_id=row.product_version_id,
            manifest=row.manifest,
            first_served_at=row.first_served_at,
        )
        for row in rows
    )


def _entries(condition: ColumnElement[bool]) -> tuple[Entry, ...]:
    statement = select(*_COLUMNS).where(condition).order_by(IntakeRow.recorded_at, IntakeRow.id)
    with reader() as connection:
        rows: Sequence[Row[*tuple[Any, ...]]] = connection.execute(statement).all()
    vault.unlock(row.journey_id for row in rows)
    erased: set[UUID] = set()
    return tuple(_entry(row, _said(row, erased)) for row in rows)


def _said(row: Row[*tuple[Any, ...]], erased: set[UUID]) -> dict[str, Any]:
    """What an entry says; nothing once its journey was erased. `erased` remembers such journeys over the rows."""
    if row.journey_id in erased:
        return {}
    try:
        kept = IntakeRow.body.opened(row.id, row.journey_id, row.body)
    except vault.DataDestroyed:
        erased.add(row.journey_id)
        return {}
    body: dict[str, Any] = {} if kept is None else json.loads(kept)
    return body


def _entry(row: Row[*tuple[Any, ...]], body: dict[str, Any]) -> Entry:
    return Entry(
        id=row.id,
        journey_id=row.journey_id,
        application_id=row.application_id,
        insurer_id=row.insurer_id,
        page_version_id=row.page_version_id,
        type=EntryType(row.type),
        actor=Actor(ActorRole(row.actor_role), row.actor_id, row.actor_label),
        recorded_at=row.recorded_at,
        business_at=row.business_at,
        body=body,
        body_sha256=row.body_sha256,
        page_sha256=row.page_sha256,
    )
