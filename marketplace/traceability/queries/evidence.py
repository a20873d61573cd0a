"""The evidence of one contract out of the log, and the receipts of it.

Both are told by the first checkpoint that covers them, not by the newest: so they are the same whoever asks and
whenever, and whoever holds a receipt can be shown how the log went on from there.
"""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, func, select

from marketplace.infra.db import reader
from marketplace.kernel import clock
from marketplace.traceability.models import CheckpointRow, EntryRow, IntakeRow
from marketplace.traceability.queries import log, releases, stamps, trail
from marketplace.traceability.rules import bundles, proofs
from marketplace.traceability.rules.leaves import microseconds
from marketplace.traceability.rules.rotation import journey_of_log
from marketplace.traceability.values import (
    LOOKS,
    RECEIPTED,
    EntryNotFound,
    EntryType,
    Envelope,
    EvidenceIncomplete,
    Exhibit,
    Extract,
    LogAltered,
    Logged,
    NoEvidence,
    NotInLogYet,
    Release,
)

PATIENCE = timedelta(seconds=10)
MOMENT, _TURN = 0.5, 0.02  # seconds
_LOOKS = [each.value for each in LOOKS]
_ENTRY = (*log.LEAF, EntryRow.id, EntryRow.application_id, EntryRow.insurer_id, EntryRow.leaf_hash)
_Rows = Sequence[Row[*tuple[Any, ...]]]


def extract(application_id: UUID) -> Extract:
    """What the log holds of the contract (or application), its journeys whole up to its last act.

    What belongs to no application, the visit before it, is in it; of another application only the leaves are.
    Raises EvidenceIncomplete while an act waits for the log, NoEvidence where there is none.
    """
    with reader() as connection:
        last = _last_act(connection, application_id)
        size, note = _covering(connection, last)
        rows = _rows(connection, application_id, last)
        tree = log.tree(connection, size)
        shown = [(row, tree.inclusion_proof(row.log_index)) for row in rows]
        receipts = tuple(sorted({_covering(connection, row.log_index)[0] for row in _receipted(rows, application_id)}))
    opened = _Opened({row.journey_id for row in rows})
    insurers = {row.insurer_id for row in rows if row.application_id == application_id}
    return Extract(
        application_id=application_id,
        origin=note.partition("\n")[0],
        size=size,
        checkpoint=note,
        entries=tuple(opened.logged(row, beside, _other(row, application_id, insurers)) for row, beside in shown),
        versions=_manifests(rows),
        receipt_sizes=receipts,
    )


def core_files(
    found: Extract, policy_no: str | None, documents: Sequence[Exhibit], exhibits: Sequence[Exhibit]
) -> dict[str, bytes]:
    """The files under `core/`, by their names."""
    return bundles.core_files(found, policy_no, documents, exhibits)


def wrapper_files(found: Extract) -> dict[str, bytes]:
    """How the log went on since: the newest checkpoint, the time-stamps that bracket the contract, and the proofs that
    the newest continues what the contract's evidence and its receipts were signed under, and what was stamped. And who
    released the pages that were shown, and how the log's key changed.
    """
    with reader() as connection:
        size, note = log.newest(connection)
        tree = log.tree(connection, size)
        stamped, files = _stamps(connection, found)
        files |= _releases(connection, found)
        rotated, changes = _rotations(connection, found.origin, size)
        files |= changes
        checkpoints = {size: note} | rotated | {each: stamps.note_of(connection, each) for each in stamped}
        earlier = sorted({found.size, *found.receipt_sizes, *stamped, *rotated})
        ways = {each: tree.consistency_proof(each) for each in earlier if each < size}
    files |= {f"wrapper/consistency/{each}-{size}": bundles.consistency_file(way) for each, way in ways.items()}
    newer = {each: text for each, text in checkpoints.items() if each != found.size}
    return files | {f"wrapper/checkpoints/{each}": text.encode() for each, text in newer.items()}


def _stamps(connection: Connection, found: Extract) -> tuple[set[int], dict[str, bytes]]:
    """Of each authority the last stamp that was entered before the contract's first entry, with that entry, and the
    first over all of the contract: the sizes that they are of, and their files. Raises LogAltered.
    """
    from marketplace.infra.timestamping import certificates_of  # noqa: PLC0415  heavy, and the site makes no evidence

    first = min(each.index for each in found.entries)
    before, after = stamps.stamps_before(connection, first), stamps.stamps_after(connection, found.size)
    named = _of_log(connection, found.size, [row for _, row in before])
    chosen = [*after, *(stamp for stamp, _ in before)]
    files: dict[str, bytes] = {}
    for stamp in chosen:
        try:
            files |= bundles.stamp_files(stamp, certificates_of(stamp.token))
        except ValueError as error:
            raise LogAltered from error
    for stamp, row in before:
        files |= bundles.stamp_entry_file(stamp, named[row.id])
    return {each.size for each in chosen}, files


def _releases(connection: Connection, found: Extract) -> dict[str, bytes]:
    """Each release under which pages were shown, with what the log says of it. They are no part of the core: it stays
    the same as it was handed out before releases were entered.
    """
    online = releases.ways_online(connection, found.versions)
    shown: dict[int, tuple[Release, list[int]]] = {}
    for entry in found.entries:
        if (release := _release_of(entry, online.get(entry.page_version_id or "", ()))) is not None:
            shown.setdefault(release.number, (release, []))[1].append(entry.index)
    ids = [release.entry_id for release, _ in shown.values() if release.entry_id is not None]
    rows = connection.execute(select(*log.LEAF, EntryRow.id).where(EntryRow.id.in_(ids))).all()
    named = _of_log(connection, found.size, rows)
    files: dict[str, bytes] = {}
    for release, views in shown.values():
        said = None if release.entry_id is None else named.get(release.entry_id)
        files |= bundles.release_file(release, sorted(views), said)
    return files


def _rotations(connection: Connection, origin: str, size: int) -> tuple[dict[int, str], dict[str, bytes]]:
    """Each change of the log's key up to the newest tree, whoever's key the reader has: the last checkpoint under the
    old key by its size, and the files. Of a key the first change counts, however often it was entered.
    """
    own = EntryRow.journey_id == journey_of_log(origin), EntryRow.type == EntryType.LOG_KEY_ROTATED.value
    wanted = (
        select(*log.LEAF, EntryRow.id, CheckpointRow.note)
        .join(CheckpointRow, CheckpointRow.size == EntryRow.log_index + 1)
        .where(*own, EntryRow.log_index < size)
    )
    rows = connection.execute(wanted.order_by(EntryRow.log_index)).all()
    notes: dict[int, str] = {}
    files: dict[str, bytes] = {}
    known = {None}
    for row in rows:
        entry = _of_log(connection, row.log_index + 1, [row])[row.id]
        old = None if entry.envelope is None else json.loads(entry.envelope.data)["body"]["old"]
        if old not in known:
            known.add(old)
            notes[row.log_index + 1] = row.note
            files |= bundles.rotation_file(entry)
    return notes, files


def _release_of(entry: Logged, ways: Sequence[tuple[datetime, Release]]) -> Release | None:
    """The release by which the page of an entry was online then: the newest that was not later. A host whose clock is
    ahead says of a release that it was later than its first view; the first one it is then.
    """
    if entry.leaf["r"] is None or not ways:
        return None
    at = entry.leaf["ts"]
    return next((release for since, release in reversed(ways) if microseconds(since) <= at), ways[0][1])


def _of_log(connection: Connection, size: int, rows: _Rows) -> dict[UUID, Logged]:
    """Entries of the log itself, by their ids, with the proof in the tree of `size`; without one where it is later."""
    tree = log.tree(connection, size)
    envelopes = trail.envelopes([row.id for row in rows])
    return {
        row.id: Logged(
            index=row.log_index,
            type=EntryType(row.type),
            leaf=log.leaf_of(row).to_json(),
            proof=tree.inclusion_proof(row.log_index) if row.log_index < size else (),
            envelope=envelopes.get(row.id),
            page=None,
            withheld=None,
        )
        for row in rows
    }


def receipt(application_id: UUID, kind: EntryType) -> bytes:
    """The bytes of a `.tlog-proof` of the newest such entry of a contract. Raises NotInLogYet, EntryNotFound."""
    with reader() as connection:
        if _waits(connection, application_id, IntakeRow.type == kind.value):
            raise NotInLogYet
        wanted = select(*log.LEAF).where(EntryRow.application_id == application_id, EntryRow.type == kind.value)
        row = connection.execute(wanted.order_by(EntryRow.log_index.desc()).limit(1)).one_or_none()
        if row is None:
            raise EntryNotFound
        size, note = _covering(connection, row.log_index)
        beside = log.tree(connection, size).inclusion_proof(row.log_index)
    return proofs.proof_file(log.leaf_of(row).to_bytes(), row.log_index, beside, note)


def said_of(application_id: UUID, kind: EntryType) -> bytes:
    """What the newest such entry of a contract says, by which a receipt of it is read: the canonical JSON of `envelope`
    and `salt` (hex), whose hash stands in its leaf. Raises EntryNotFound.
    """
    with reader() as connection:
        wanted = select(EntryRow.id).where(EntryRow.application_id == application_id, EntryRow.type == kind.value)
        entry_id = connection.execute(wanted.order_by(EntryRow.log_index.desc()).limit(1)).scalar()
    found = None if entry_id is None else trail.envelopes([entry_id]).get(entry_id)
    if found is None:
        raise EntryNotFound
    return bundles.salted(found)


def receipt_or_none(application_id: UUID, kind: EntryType) -> bytes | None:
    """The same; None where there is none yet."""
    try:
        return receipt(application_id, kind)
    except (NotInLogYet, EntryNotFound, EvidenceIncomplete):
        return None


def receipt_soon(application_id: UUID, kind: EntryType, since: datetime) -> bytes | None:
    """As `receipt_or_none`, of what was done at `since`. The sequencer is woken by its commit and takes some hundredths
    of a second, so whoever comes right behind waits for `MOMENT` seconds at the most.
    """
    end = time.monotonic() + MOMENT
    while (found := receipt_or_none(application_id, kind)) is None:
        if time.monotonic() >= end or not worth_waiting(since):
            return None
        time.sleep(_TURN)
    return found


def worth_waiting(since: datetime, patience: timedelta = PATIENCE) -> bool:
    """Whether what was done, or asked for, at `since` may be in the log within moments: it is alive, and the patience
    is not over. Where nobody keeps a log, nothing is waited for.
    """
    return clock.now() - since < patience and log.checkpoint_size() > 0


def journey_head(journey_id: UUID) -> str | None:
    """The leaf hash (hex) of the newest entry of a journey in the log; None where it has none there."""
    wanted = select(EntryRow.leaf_hash).where(EntryRow.journey_id == journey_id)
    with reader() as connection:
        found = connection.execute(wanted.order_by(EntryRow.number.desc()).limit(1)).scalar()
    return None if found is None else found.hex()


def _last_act(connection: Connection, application_id: UUID) -> int:
    """The place in the log of the last thing that was done about the application; that it was looked at is none."""
    if _waits(connection, application_id, IntakeRow.page_sha256.is_(None), IntakeRow.type.not_in(_LOOKS)):
        raise EvidenceIncomplete
    acts = EntryRow.application_id == application_id, EntryRow.page_sha256.is_(None), EntryRow.type.not_in(_LOOKS)
    last = connection.execute(select(func.max(EntryRow.log_index)).where(*acts)).scalar()
    if last is None:
        raise NoEvidence
    return int(last)


def _waits(connection: Connection, application_id: UUID, *which: Any) -> bool:
    waiting = select(IntakeRow.id).where(IntakeRow.application_id == application_id, *which).limit(1)
    return connection.execute(waiting).first() is not None


def _covering(connection: Connection, index: int) -> tuple[int, str]:
    """Size and note of the first checkpoint whose tree has this leaf."""
    wanted = select(CheckpointRow.size, CheckpointRow.note).where(CheckpointRow.size > index)
    found = connection.execute(wanted.order_by(CheckpointRow.size).limit(1)).one_or_none()
    if found is None:
        raise EvidenceIncomplete
    return found.size, found.note


def _rows(connection: Connection, application_id: UUID, last: int) -> _Rows:
    """Every entry up to the last act of the journeys in which the contract came about."""
    journeys = select(EntryRow.journey_id).where(
        EntryRow.application_id == application_id, EntryRow.log_index <= last, EntryRow.type.not_in(_LOOKS)
    )
    wanted = select(*_ENTRY).where(EntryRow.journey_id.in_(journeys), EntryRow.log_index <= last)
    rows = connection.execute(wanted).all()
    return sorted(rows, key=lambda row: (str(row.journey_id), row.number))


def _receipted(rows: _Rows, application_id: UUID) -> list[Row[*tuple[Any, ...]]]:
    return [row for row in rows if row.application_id == application_id and row.type in RECEIPTED]


def _other(row: Row[*tuple[Any, ...]], application_id: UUID, insurers: set[UUID | None]) -> str | None:
    """Why an entry is not to be read here, where it is of another application."""
    if row.application_id in (None, application_id):
        return None
    return "other_contract" if row.insurer_id in insurers else "other_insurer"


def _manifests(rows: _Rows) -> dict[str, Mapping[str, Any]]:
    versions = trail.page_versions({row.page_version_id for row in rows if row.page_version_id})
    return {version.id: version.manifest for version in versions}


class _Opened:
    """What the entries of some journeys say and show, opened at once."""

    def __init__(self, journey_ids: set[UUID]) -> None:
        self._envelopes: dict[UUID, Envelope] = {}
        self._pages: dict[UUID, bytes] = {}
        for journey_id in sorted(journey_ids):
            self._envelopes |= trail.envelopes_of_journey(journey_id)
            self._pages |= trail.pages_of_journey(journey_id)

    def logged(self, row: Row[*tuple[Any, ...]], proof: tuple[bytes, ...], other: str | None) -> Logged:
        envelope = None if other else self._envelopes.get(row.id)
        return Logged(
            index=row.log_index,
            type=EntryType(row.type),
            leaf=log.leaf_of(row).to_json(),
            proof=proof,
            envelope=envelope,
            page=None if envelope is None else self._pages.get(row.id),
            withheld=other or ("erased" if envelope is None else None),
        )
