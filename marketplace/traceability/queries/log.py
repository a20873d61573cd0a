"""The verifiable log as everybody may read it, and how long what is entered waits for it.

What is not full yet has no row: a tile that grows is read from the level below it.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, LargeBinary, Row, func, literal, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by

from marketplace.infra.db import reader
from marketplace.infra.metrics import Reading
from marketplace.kernel.merkle import HASH, WIDTH, TiledTree
from marketplace.traceability.models import CheckpointRow, EntryRow, IntakeRow, LogKeyRow, TileRow
from marketplace.traceability.rules import proofs, tiles
from marketplace.traceability.rules.leaves import Leaf
from marketplace.traceability.rules.tiles import Place
from marketplace.traceability.values import EntryNotFound, LogAltered, LogIsEmpty, NotInLogYet

LEAF = (
    EntryRow.log_index,
    EntryRow.type,
    EntryRow.journey_id,
    EntryRow.number,
    EntryRow.previous_hash,
    EntryRow.recorded_at,
    EntryRow.page_version_id,
    EntryRow.page_sha256,
    EntryRow.body_sha256,
)
_NOTHING_BETWEEN = literal(b"", LargeBinary)
_KEYS = select(LogKeyRow.vkey)
_FIRST_KEY = LogKeyRow.first_size, LogKeyRow.made_at
_LATEST_KEY = LogKeyRow.first_size.desc(), LogKeyRow.made_at.desc()
NEWEST = select(CheckpointRow.size, CheckpointRow.note).order_by(CheckpointRow.size.desc()).limit(1)
# How long the last batch waited, the oldest entry of it: from being recorded to the signature over it.
_INTEGRATED = text(
    """
    SELECT extract(epoch FROM newest.made_at - min(e.recorded_at))
    FROM (
        SELECT size, made_at, lag(size, 1, 0) OVER (ORDER BY size) AS before
        FROM (SELECT size, made_at FROM traceability_log_checkpoint ORDER BY size DESC LIMIT 2) last_two
        ORDER BY size DESC LIMIT 1
    ) newest JOIN traceability_entry e ON e.log_index >= newest.before AND e.log_index < newest.size
    GROUP BY newest.made_at
    """
)


def checkpoint() -> str:
    """The newest signed checkpoint, or LogIsEmpty."""
    with reader() as connection:
        return newest(connection)[1]


def checkpoint_size() -> int:
    """Of the tree under the newest checkpoint; 0 where there is none yet."""
    with reader() as connection:
        found = connection.execute(NEWEST).one_or_none()
    return found.size if found else 0


def log_hashes(level: str, place: str) -> bytes:
    """The hashes of a tile, by its address. Raises LogIsEmpty where the signed tree does not have all of it."""
    try:
        height, wanted = tiles.level(level), Place.parse(place)
    except tiles.NoSuchTile:
        raise LogIsEmpty from None
    with reader() as connection:
        _within(connection, wanted, height)
        return _hashes(connection, height, wanted)


def log_entries(place: str) -> bytes:
    """The leaves below a tile, by its address, as a bundle of entries. Raises LogIsEmpty."""
    try:
        wanted = Place.parse(place)
    except tiles.NoSuchTile:
        raise LogIsEmpty from None
    first = wanted.index * WIDTH
    below = EntryRow.log_index >= first, EntryRow.log_index < first + wanted.width
    with reader() as connection:
        _within(connection, wanted, 0)
        rows = connection.execute(select(*LEAF).where(*below).order_by(EntryRow.log_index)).all()
    return tiles.entry_bundle(leaf_of(row).to_bytes() for row in rows)


def log_proof(entry_id: UUID) -> bytes:
    """The bytes of a `.tlog-proof` of an entry under the newest checkpoint. Raises NotInLogYet, EntryNotFound."""
    with reader() as connection:
        row = connection.execute(select(*LEAF).where(EntryRow.id == entry_id)).one_or_none()
        if row is None:
            waits = connection.execute(select(IntakeRow.id).where(IntakeRow.id == entry_id)).first()
            raise NotInLogYet if waits else EntryNotFound
        size, note = newest(connection)
        beside = tree(connection, size).inclusion_proof(row.log_index)
        return proofs.proof_file(leaf_of(row).to_bytes(), row.log_index, beside, note)


def log_key() -> str | None:
    """The key (vkey) that signs the log now; None before it signed anything."""
    with reader() as connection:
        found: str | None = connection.execute(_KEYS.order_by(*_LATEST_KEY).limit(1)).scalar()
    return found


def trust_policy(origin: str) -> bytes:
    """Whose signatures to trust: every key that signed for this log, the first one first."""
    keys = _KEYS.where(LogKeyRow.vkey.startswith(f"{origin}+", autoescape=True)).order_by(*_FIRST_KEY)
    with reader() as connection:
        return proofs.trust_policy(origin, connection.execute(keys).scalars().all())


def waiting_seconds() -> float:
    """For how long the oldest entry waits to be in the log; 0.0 when none does."""
    with reader() as connection:
        waited = connection.execute(select(func.clock_timestamp() - func.min(IntakeRow.recorded_at))).scalar_one()
    return max(waited, timedelta()).total_seconds() if waited is not None else 0.0


def readings() -> tuple[Reading, ...]:
    """For whoever watches over the log."""
    with reader() as connection:
        integrated = connection.execute(_INTEGRATED).scalar()
    oldest, size = waiting_seconds(), checkpoint_size()
    return (
        Reading("marketplace_log_oldest_seconds", "Age of the oldest entry outside the log.", (), (((), oldest),)),
        Reading("marketplace_log_leaves", "Entries under the newest checkpoint.", (), (((), float(size)),)),
        Reading(
            "marketplace_log_integration_seconds",
            "How long the last entries waited for their checkpoint.",
            (),
            (((), float(integrated or 0)),),
        ),
    )


def tree(connection: Connection, size: int) -> TiledTree:
    """The first `size` leaves of the log."""
    return TiledTree(size, lambda level, index, width: _hashes(connection, level, Place(index, width)))


def newest(connection: Connection) -> tuple[int, str]:
    """Size and note of the newest checkpoint. Raises LogIsEmpty."""
    found = connection.execute(NEWEST).one_or_none()
    if found is None:
        raise LogIsEmpty
    return found.size, found.note


def _within(connection: Connection, place: Place, level: int) -> None:
    size, _ = newest(connection)
    if not place.is_within(size, level):
        raise LogIsEmpty


def _hashes(connection: Connection, level: int, place: Place) -> bytes:
    """The first hashes of a tile that is there: of a full one from its row, else one by one from below."""
    full = select(func.substr(TileRow.hashes, 1, place.width * HASH, type_=LargeBinary)).where(
        TileRow.level == level, TileRow.index == place.index
    )
    found: bytes | None = connection.execute(full).scalar_one_or_none()
    if found is not None:
        return found
    column, at = (EntryRow.leaf_hash, EntryRow.log_index) if level == 0 else (TileRow.root, TileRow.index)
    first = place.index * WIDTH
    below = select(func.string_agg(column, aggregate_order_by(_NOTHING_BETWEEN, at))).where(
        at >= first, at < first + place.width
    )
    if level:
        below = below.where(TileRow.level == level - 1)
    growing: bytes = connection.execute(below).scalar_one() or b""
    if len(growing) != place.width * HASH:
        raise LogAltered
    return growing


def leaf_of(row: Row[*tuple[Any, ...]]) -> Leaf:
    return Leaf(
        type=row.type,
        journey_id=row.journey_id,
        number=row.number,
        previous=row.previous_hash,
        recorded_at=row.recorded_at,
        page_version_id=row.page_version_id,
        page_sha256=row.page_sha256,
        body_sha256=row.body_sha256,
    )
