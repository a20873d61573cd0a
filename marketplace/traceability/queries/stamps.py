"""Time-stamps of the log: what is to be stamped, when it was last, and which stamps bracket a contract."""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, true

from marketplace.infra import seals
from marketplace.infra.db import reader
from marketplace.infra.metrics import Reading
from marketplace.kernel import clock
from marketplace.traceability.models import CheckpointRow, EntryRow, TimeAuthorityRow, TimestampRow
from marketplace.traceability.queries import log
from marketplace.traceability.rules.proofs import authorities_file
from marketplace.traceability.values import EntryType, Stamped

_STAMP = TimestampRow.authority, TimestampRow.size, TimestampRow.token, TimestampRow.stamped_at
_NAMES = select(TimeAuthorityRow.name).distinct().subquery("names")
_NOT_A_STAMP = EntryRow.type != EntryType.LOG_STAMPED.value
_NEWEST = TimestampRow.size.desc()


def to_be_stamped(authority: str, *, unchanged_too: bool) -> tuple[int, str] | None:
    """Size and note of the newest checkpoint, where the authority has not stamped it. None where the log has grown by
    nothing but the entries about its stamps, unless those are asked for too.
    """
    with reader() as connection:
        stamped = _stamped_size(connection, authority)
        newest = connection.execute(log.NEWEST).one_or_none()
        if newest is None or newest.size <= stamped:
            return None
        if not unchanged_too and _waits_since(connection, stamped, newest.size) is None:
            return None
    return newest.size, newest.note


def newest_stamps() -> tuple[Stamped, ...]:
    """The newest one of each authority, by name."""
    with reader() as connection:
        return tuple(map(_stamped, connection.execute(_one_of_each(select(*_STAMP).order_by(_NEWEST)))))


def time_authorities() -> bytes:
    """The certificates (PEM) that stamps lead to, under the names of their authorities."""
    wanted = select(TimeAuthorityRow.name, TimeAuthorityRow.root)
    with reader() as connection:
        known = connection.execute(wanted.order_by(TimeAuthorityRow.name, TimeAuthorityRow.first_at)).all()
    return authorities_file((row.name, row.root) for row in known)


def unstamped_seconds() -> dict[str, float]:
    """For how long the oldest entry of the log waits to be stamped by each authority that we ask."""
    with reader() as connection:
        since = {each: _waits_since(connection, _stamped_size(connection, each)) for each in seals.authorities()}
    now = clock.now()
    return {each: max(now - (at or now), timedelta()).total_seconds() for each, at in since.items()}


def stamp_readings() -> tuple[Reading, ...]:
    """For whoever watches over the time-stamps."""
    now = clock.now()
    ages = tuple(((each.authority,), (now - each.stamped_at).total_seconds()) for each in newest_stamps())
    waiting = tuple(((name,), seconds) for name, seconds in unstamped_seconds().items())
    labels = ("authority",)
    return (
        Reading("marketplace_log_stamp_age_seconds", "Age of the newest time-stamp of the log.", labels, ages),
        Reading("marketplace_log_unstamped_seconds", "How long the oldest entry waits for one.", labels, waiting),
    )


def stamps_after(connection: Connection, size: int) -> tuple[Stamped, ...]:
    """The first stamp of each authority over a tree that has the first `size` entries."""
    first = select(*_STAMP).where(TimestampRow.size >= size).order_by(TimestampRow.size)
    return tuple(map(_stamped, connection.execute(_one_of_each(first))))


def stamps_before(connection: Connection, index: int) -> tuple[tuple[Stamped, Row[*tuple[Any, ...]]], ...]:
    """The last stamp of each authority that stands in the log before the entry `index`, and that entry: what comes
    behind it was put there after it was stamped.
    """
    named = select(*_STAMP, EntryRow.id, *log.LEAF).join(EntryRow, EntryRow.id == TimestampRow.entry_id)
    last = named.where(TimestampRow.size <= index, EntryRow.log_index < index).order_by(_NEWEST)
    return tuple((_stamped(row), row) for row in connection.execute(_one_of_each(last)))


def note_of(connection: Connection, size: int) -> str:
    """The checkpoint of a size that was stamped."""
    found: str = connection.execute(select(CheckpointRow.note).where(CheckpointRow.size == size)).scalar_one()
    return found


def _one_of_each(wanted: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """The first row of each authority."""
    one = wanted.where(TimestampRow.authority == _NAMES.c.name).limit(1).lateral()
    return select(one).select_from(_NAMES.join(one, true())).order_by(_NAMES.c.name)


def _stamped_size(connection: Connection, authority: str) -> int:
    found = connection.execute(select(func.max(TimestampRow.size)).where(TimestampRow.authority == authority))
    return found.scalar() or 0


def _waits_since(connection: Connection, stamped: int, size: int | None = None) -> Any:
    """When the oldest entry was recorded that is no stamp and not in the tree of `stamped`; None if there is none."""
    wanted = select(EntryRow.recorded_at).where(EntryRow.log_index >= stamped, _NOT_A_STAMP)
    if size is not None:
        wanted = wanted.where(EntryRow.log_index < size)
    return connection.execute(wanted.order_by(EntryRow.log_index).limit(1)).scalar()


def _stamped(row: Row[*tuple[Any, ...]]) -> Stamped:
    return Stamped(row.authority, row.size, row.token, row.stamped_at)
