"""What was done and shown. An entry is in the intake or, moments later, in the log; who asks does not see which."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Row,
    and_,
    exists,
    null,
    or_,
    select,
    tuple_,
)
from sqlalchemy import cast as as_type
from sqlalchemy.orm import aliased

from marketplace.infra.db import reader
from marketplace.kernel.remembering import Remembered
from marketplace.traceability.models import EntryRow, IntakeRow, JourneyRow, PageVersionRow
from marketplace.traceability.queries.held import VISITORS, Columns, Held, Opening, body_of, held, page_of
from marketplace.traceability.rules import leaves
from marketplace.traceability.values import (
    READINGS_OF_CONTRACT,
    READINGS_OF_VISIT,
    Actor,
    ActorRole,
    Channel,
    Entry,
    EntryNotFound,
    EntryType,
    Envelope,
    Journey,
    JourneyNotFound,
    PageVersion,
    PageVersionNotFound,
    ViewKept,
)

# What makes a journey more than a visit beside a contract: it is the log's own.
_KEEPS_A_JOURNEY = (
    EntryType.LOG_KEY_ROTATED.value,
    EntryType.LOG_STAMPED.value,
    EntryType.PAGES_RELEASED.value,
    EntryType.ANNOUNCEMENT_RELEASED.value,
)


def _frame(row: Held) -> Columns:
    """Everything but the bytes of the pages, which are fetched one at a time."""
    return (
        row.id,
        row.journey_id,
        row.application_id,
        row.insurer_id,
        row.page_version_id,
        row.type,
        row.actor_role,
        row.actor_id,
        row.actor_label,
        row.recorded_at,
        row.business_at,
        row.body_sealed,
        row.body_sha256,
        row.page_sha256,
        row.log_index if row is EntryRow else as_type(null(), BigInteger).label("log_index"),
        row.number if row is EntryRow else as_type(null(), Integer).label("number"),
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
    return _journey_of(row)


def _journey_of(row: Row[*tuple[Any, ...]]) -> Journey:
    return Journey(
        id=row.id,
        reference=row.reference,
        channel=Channel(row.channel),
        attribution=row.attribution,
        started_at=row.started_at,
        business_started_at=row.business_started_at,
        visit_to=row.visit_to,
    )


def visits_to(application_ids: Collection[UUID]) -> tuple[Journey, ...]:
    """The later visits to the contracts of these applications, the earliest first."""
    wanted = select(JourneyRow.__table__).where(JourneyRow.visit_to.in_(set(application_ids)))
    with reader() as connection:
        rows = connection.execute(wanted.order_by(JourneyRow.started_at, JourneyRow.id)).all()
    return tuple(map(_journey_of, rows))


def contracts_visited(references: Collection[str]) -> frozenset[UUID]:
    """The applications to whose contracts journeys of these references are later visits."""
    named = select(JourneyRow.visit_to).where(JourneyRow.reference.in_(set(references)))
    with reader() as connection:
        return frozenset(each for each in connection.execute(named).scalars() if each is not None)


def entries_of_visits(application_id: UUID) -> tuple[Entry, ...]:
    """Every entry of the later visits to one contract in the order of recording."""
    visits = select(JourneyRow.id).where(JourneyRow.visit_to == application_id)
    return _entries(lambda row: row.journey_id.in_(visits))


def journey_entries(journey_id: UUID) -> tuple[Entry, ...]:
    """Every entry of a journey in the order of recording; empty when there is none."""
    return _entries(lambda row: row.journey_id == journey_id)


def entries_by(account_id: UUID, journey_id: UUID, since: datetime) -> tuple[Entry, ...]:
    """What one person did or looked at in a journey since an instant, in the order of recording."""
    return _entries(
        lambda row: and_(row.journey_id == journey_id, row.actor_id == account_id, row.recorded_at >= since)
    )


def entries_of_application(application_id: UUID) -> tuple[Entry, ...]:
    """The entries that concern one application (one contract), in the order of recording."""
    return _entries(lambda row: row.application_id == application_id)


def entries_of_type(kind: EntryType) -> tuple[Entry, ...]:
    """Every entry of a type, in the order of recording. Looks at the whole log: for checks."""
    return _entries(lambda row: row.type == kind.value)


def entry(entry_id: UUID) -> Entry:
    """One entry, or EntryNotFound."""
    found = _entries(lambda row: row.id == entry_id)
    if not found:
        raise EntryNotFound
    return found[0]


def envelopes_of_journey(journey_id: UUID) -> dict[UUID, Envelope]:
    """Entry id -> what its hash is of, for every entry of a journey. What was erased is left out."""
    return _envelopes(lambda row: row.journey_id == journey_id)


def envelopes(entry_ids: Collection[UUID]) -> dict[UUID, Envelope]:
    """The same of these entries."""
    return _envelopes(lambda row: row.id.in_(set(entry_ids)))


def _envelopes(condition: Callable[[Held], ColumnElement[bool]]) -> dict[UUID, Envelope]:
    with reader() as connection:
        rows = connection.execute(held(_frame, condition)).all()
    opening = Opening(rows)
    opened = ((row, opening.opened_or_none(IntakeRow.body, row, row.body)) for row in rows)
    return {row.id: _envelope(row, salted) for row, salted in opened if salted is not None}


def page_bytes(entry_id: UUID) -> bytes:
    """The bytes of the page as they were sent, or EntryNotFound when the entry is unknown or shows no page.

    Raises DataDestroyed where what it concerns was erased.
    """
    with reader() as connection:
        row = connection.execute(held(page_of, lambda row: row.id == entry_id)).one_or_none()
    page = None if row is None else Opening([row]).page(row)
    if page is None:
        raise EntryNotFound
    return page


def pages_of_journey(journey_id: UUID) -> dict[UUID, bytes]:
    """Entry id -> the page it shows, as it was sent, for every entry of a journey that shows one, oldest first. What
    was erased is left out.
    """
    shown = held(
        page_of,
        lambda row: and_(row.journey_id == journey_id, row.page_sealed.is_not(None)),
        lambda row: (row.recorded_at,),
    )
    with reader() as connection:
        rows = connection.execute(shown.order_by("recorded_at", "id")).all()
    opening = Opening(rows)
    opened = ((row.id, opening.page_or_none(row)) for row in rows)
    return {entry_id: page for entry_id, page in opened if page is not None}


def view_kept(entry_id: UUID) -> ViewKept:
    """What a page that was shown concerns, or EntryNotFound."""
    shown = held(
        lambda row: (row.journey_id, row.page_version_id, row.application_id, row.insurer_id),
        lambda row: and_(row.id == entry_id, row.page_sha256.is_not(None)),
    )
    with reader() as connection:
        row = connection.execute(shown).one_or_none()
    if row is None:
        raise EntryNotFound
    return ViewKept(*row)


def idle_journeys(before: datetime, limit: int, after: UUID | None = None) -> tuple[UUID, ...]:
    """Journeys that nobody visited since `before` (business time), that led to no contract which is still kept and are
    not erased yet, the oldest first; those after the journey `after`, if one is named. That one of its applications was
    erased does not make a journey erased. A later visit to a contract is kept, and erased, with the contract, and so
    are its readings; those of a visit that led to none are kept as long as if each were a visit.
    """
    readings = JourneyRow.attribution.has_key

    def kept(row: Held) -> ColumnElement[bool]:
        return exists().where(
            row.journey_id == JourneyRow.id,
            or_(
                and_(row.business_at >= before, or_(row.actor_role.in_(VISITORS), readings(READINGS_OF_VISIT))),
                row.type.in_(_KEEPS_A_JOURNEY),
                and_(row.type == EntryType.CONTRACT_CONCLUDED.value, ~_erased(row)),
                and_(row.type == EntryType.DATA_ERASED.value, row.application_id.is_(None)),
            ),
        )

    of_contract = or_(JourneyRow.visit_to.is_not(None), readings(READINGS_OF_CONTRACT))
    idle = ~of_contract, JourneyRow.business_started_at < before, ~kept(EntryRow), ~kept(IntakeRow)
    statement = select(JourneyRow.id).where(*idle).order_by(*_AGE).limit(limit)
    if after is not None:
        statement = statement.where(tuple_(*_AGE) > select(*_AGE).where(JourneyRow.id == after).scalar_subquery())
    with reader() as connection:
        return tuple(connection.execute(statement).scalars())


def _erased(row: Held) -> ColumnElement[bool]:
    """Whether what the application of this entry told is erased."""
    return or_(
        *(
            exists().where(said.application_id == row.application_id, said.type == EntryType.DATA_ERASED.value)
            for said in (aliased(EntryRow), aliased(IntakeRow))
        )
    )


def visits_since(journey_ids: Collection[UUID], since: datetime) -> frozenset[tuple[UUID, UUID | None]]:
    """What was visited in these journeys since an instant of business time: (journey, application), the application
    None for a look at something else than an application.
    """
    visited = held(
        lambda row: (row.journey_id, row.application_id),
        lambda row: and_(row.journey_id.in_(set(journey_ids)), row.business_at >= since, row.actor_role.in_(VISITORS)),
    )
    with reader() as connection:
        return frozenset((row.journey_id, row.application_id) for row in connection.execute(visited).all())


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
            series=row.series,
            number=row.number,
        )
        for row in rows
    )


def _entries(condition: Callable[[Held], ColumnElement[bool]]) -> tuple[Entry, ...]:
    with reader() as connection:
        rows = connection.execute(held(_frame, condition).order_by("recorded_at", "id")).all()
    opening = Opening(rows)
    said = (opening.opened_or_none(IntakeRow.body, row, row.body) for row in rows)
    return tuple(_entry(row, body_of(salted)) for row, salted in zip(rows, said, strict=True))


def _envelope(row: Row[*tuple[Any, ...]], salted: bytes) -> Envelope:
    salt, body = leaves.parted(salted)
    frame = leaves.Frame(
        entry_id=row.id,
        application_id=row.application_id,
        insurer_id=row.insurer_id,
        actor_role=row.actor_role,
        actor_id=row.actor_id,
        actor_label=row.actor_label,
        business_at=row.business_at,
    )
    return Envelope(salt, frame.envelope(body))


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
        log_index=row.log_index,
        number=row.number,
    )
