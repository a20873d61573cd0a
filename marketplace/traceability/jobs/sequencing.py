"""Move what was entered from the intake into the log: number it, hash it into the tree, sign the tree, commit.

What is taken are entries that no other can precede any more: of transactions before the oldest that still runs (the
horizon). So the order in the log is that of transactions, and nothing that was committed is passed over. A row whose
transaction is said to lie in the future was brought back from the backup of another server: nothing can precede it.

One batch is one transaction, its signature included; what is signed and not committed was never shown to anybody. The
checkpoint is kept beside the key after the commit, and compared with the tree before anything is signed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from marketplace.infra.failpoints import At, reach
from marketplace.kernel.merkle import HASH, HEIGHT, WIDTH, GrowingTree, Tile, TiledTree, leaf_hash
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.rules.leaves import CHANNEL, Leaf
from marketplace.traceability.rules.notes import Checkpoint, Signer
from marketplace.traceability.rules.rotation import journey_of_log
from marketplace.traceability.values import EntryType

BATCH = 1_000

Connection = psycopg.Connection[tuple[Any, ...]]

# Ordered by the column itself: as text, transaction 1000 would come before 999.
_DUE = """
SELECT ctid::text, journey_id, type, recorded_at, encode(page_version_id, 'hex'), encode(page_sha256, 'hex'),
    encode(body_sha256, 'hex')
FROM traceability_evidence_intake
WHERE xid < (SELECT pg_snapshot_xmin(pg_current_snapshot())) OR xid >= (SELECT pg_snapshot_xmax(pg_current_snapshot()))
ORDER BY xid, recorded_at, id LIMIT %s
"""
_HEADS = """
SELECT asked.journey_id, head.number, head.leaf_hash FROM unnest(%s::uuid[]) asked(journey_id)
CROSS JOIN LATERAL (
    SELECT number, leaf_hash FROM traceability_entry e
    WHERE e.journey_id = asked.journey_id ORDER BY number DESC LIMIT 1
) head
"""
# What they say and show does not leave the database.
_MOVE = """
WITH placed AS (
    SELECT * FROM unnest(%s::tid[], %s::bigint[], %s::integer[], %s::bytea[], %s::bytea[])
        AS placed(place, log_index, number, previous_hash, leaf_hash)
), taken AS (
    DELETE FROM traceability_evidence_intake i USING placed WHERE i.ctid = placed.place
    RETURNING i.*, placed.*
)
INSERT INTO traceability_entry (
    log_index, id, journey_id, number, previous_hash, leaf_hash, application_id, insurer_id, page_version_id, type,
    actor_role, actor_id, actor_label, recorded_at, business_at, body, body_sha256, page_sha256, page_bytes,
    page_reference, page_base
)
SELECT log_index, id, journey_id, number, previous_hash, leaf_hash, application_id, insurer_id, page_version_id, type,
    actor_role, actor_id, actor_label, recorded_at, business_at, body, body_sha256, page_sha256, page_bytes,
    page_reference, page_base
FROM taken
"""
_ADD_TILE = "INSERT INTO traceability_log_tile (level, index, hashes, root) VALUES (%s, %s, %s, %s)"
_ADD_CHECKPOINT = (
    "INSERT INTO traceability_log_checkpoint (size, root, note, made_at) VALUES (%s, %s, %s, clock_timestamp())"
)
_ADD_KEY = """
INSERT INTO traceability_log_key (vkey, first_size, made_at) VALUES (%s, %s, clock_timestamp()) ON CONFLICT DO NOTHING
"""
_KNOWS_KEY = "SELECT EXISTS (SELECT FROM traceability_log_key WHERE vkey = %s)"
_SIZE = "SELECT coalesce(max(log_index) + 1, 0) FROM traceability_entry"
_NEWEST = "SELECT size, root FROM traceability_log_checkpoint ORDER BY size DESC LIMIT 1"
_LEAVES = """
SELECT string_agg(leaf_hash, ''::bytea ORDER BY log_index) FROM traceability_entry
WHERE log_index >= %s AND log_index < %s
"""
_ROOTS = """
SELECT string_agg(root, ''::bytea ORDER BY index) FROM traceability_log_tile
WHERE index >= %s AND index < %s AND level = %s
"""
_ROTATED = """
SELECT EXISTS (SELECT FROM traceability_entry WHERE journey_id = %s AND log_index >= %s AND type = 'log:key_rotated')
"""


class TreeRefused(Exception):
    """The tree in the database is not the one that was signed: nothing is signed. The text says what to do."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """An entry of the intake with its place in the log."""

    place: str
    log_index: int
    leaf: Leaf
    leaf_hash: bytes


class Sequencer:
    """The log on one connection, which holds the lock. Whatever goes wrong, it is given up and begun again."""

    def __init__(self, connection: Connection, folder: KeyFolder) -> None:
        """Raises TreeRefused, KeyFolderUnfit."""
        self._connection, self._folder = connection, folder
        self._signer = folder.signer()
        self._tree = _tree(connection)
        _compare_with_what_was_signed(connection, self._tree, folder, self._signer)
        self._take_next_key()
        connection.execute(f"LISTEN {CHANNEL}")

    @property
    def size(self) -> int:
        """How many entries there are in the log."""
        return self._tree.size

    def integrate(self) -> int:
        """Take one batch into the log and keep its checkpoint; how many entries it had."""
        with self._connection.transaction():
            due = _up_to_rotation(self._connection.execute(_DUE, (BATCH,)).fetchall())
            if not due:
                return 0
            placed, tiles = self._place(due)
            reach(At.LEAVES_PLACED)
            self._move(placed)
            reach(At.ENTRIES_MOVED)
            for tile in tiles:
                self._connection.execute(_ADD_TILE, (tile.level, tile.index, tile.hashes, tile.root))
            reach(At.TILES_WRITTEN)
            note = self._sign()
            reach(At.TREE_SIGNED)
        reach(At.CHECKPOINT_COMMITTED)
        self._folder.keep(note)
        reach(At.CHECKPOINT_KEPT)
        if any(each.leaf.type == EntryType.LOG_KEY_ROTATED for each in placed):
            self._take_next_key()
        return len(placed)

    def wait(self, seconds: float) -> None:
        """Until somebody waits for an entry, which is told with its commit, and for so long at most."""
        for _told in self._connection.notifies(timeout=seconds, stop_after=1):
            pass

    def _place(self, due: Sequence[tuple[Any, ...]]) -> tuple[list[_Placed], list[Tile]]:
        """Number the entries and add them to the tree."""
        journeys = list({row[1] for row in due})
        heads = {row[0]: (row[1], row[2]) for row in self._connection.execute(_HEADS, (journeys,))}
        placed, tiles = [], []
        for place, journey_id, type_, recorded_at, version, page, body in due:
            number, previous = heads.get(journey_id, (0, None))
            leaf = Leaf(type_, journey_id, number + 1, previous, recorded_at, version, page, body)
            hashed = leaf_hash(leaf.to_bytes())
            heads[journey_id] = number + 1, hashed
            placed.append(_Placed(place, self._tree.size, leaf, hashed))
            tiles += self._tree.append(hashed)
        return placed, tiles

    def _move(self, placed: Sequence[_Placed]) -> None:
        columns = (
            [each.place for each in placed],
            [each.log_index for each in placed],
            [each.leaf.number for each in placed],
            [each.leaf.previous for each in placed],
            [each.leaf_hash for each in placed],
        )
        moved = self._connection.execute(_MOVE, columns).rowcount
        if moved != len(placed):
            raise psycopg.DataError(f"of {len(placed)} entries {moved} were there to be moved")

    def _sign(self) -> str:
        checkpoint = Checkpoint(self._signer.name, self._tree.size, self._tree.root)
        note = self._signer.note(checkpoint.text)
        self._connection.execute(_ADD_CHECKPOINT, (checkpoint.size, checkpoint.root, note))
        self._connection.execute(_ADD_KEY, (self._signer.verifier.vkey, checkpoint.size))
        return note

    def _take_next_key(self) -> None:
        """Sign with the prepared key once the log says so."""
        if not self._folder.waits():
            return
        said = self._folder.statement()
        asked = journey_of_log(self._signer.name), said["size"]
        if _one(self._connection, _ROTATED, asked):
            self._signer = self._folder.take_next()


def _up_to_rotation(due: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
    """No further than a change of the key, whose entry is the last one under the old key: so whoever sees it knows from
    which size on that key signs nothing.
    """
    types = [row[2] for row in due]
    return due[: types.index(EntryType.LOG_KEY_ROTATED) + 1] if EntryType.LOG_KEY_ROTATED in types else due


def _tree(connection: Connection) -> GrowingTree:
    """The tree as the tables hold it; only its right edge is read. Raises TreeRefused."""
    size = int(_one(connection, _SIZE))
    edge = []
    for level in range((size.bit_length() + HEIGHT - 1) // HEIGHT):
        width, index = (size >> HEIGHT * level) % WIDTH, size >> HEIGHT * (level + 1)
        found = _hashes(connection, level, index, width)
        edge.append([found[place : place + HASH] for place in range(0, len(found), HASH)])
    tree = GrowingTree(edge)
    newest = connection.execute(_NEWEST).fetchone() or (0, GrowingTree().root)
    if (tree.size, tree.root) != newest or tree.size != size:
        raise TreeRefused(
            f"the log in the database has {size} entries and does not fit its own newest checkpoint of {newest[0]}: "
            "it was altered. Sign nothing, keep a copy, and bring back a database of before (docs/running.md)."
        )
    return tree


def _compare_with_what_was_signed(connection: Connection, tree: GrowingTree, folder: KeyFolder, signer: Signer) -> None:
    """A log never takes back what it signed. Raises TreeRefused."""
    kept = folder.checkpoint()
    if kept is None:
        if _one(connection, _KNOWS_KEY, (signer.verifier.vkey,)):
            raise TreeRefused(
                f"{folder.path} has lost its newest checkpoint, by which a database that went back is known: "
                "put it back from your copy, or begin a new log (docs/running.md)."
            )
        # There from before the first commit under this key: whatever happens between that and its file, one is there.
        folder.keep(signer.note(Checkpoint(signer.name, tree.size, tree.root).text))
        return
    if kept.size > tree.size:
        raise TreeRefused(
            f"the log in the database has {tree.size} entries, and {kept.size} were signed: the database went back in "
            "time. Bring the newer one back; if it is lost, begin a new log (docs/running.md)."
        )
    before = TiledTree(kept.size, lambda level, index, width: _hashes(connection, level, index, width))
    if before.root != kept.root:
        raise TreeRefused(
            f"the first {kept.size} entries of the log in the database are not those that were signed: it is another "
            "log, or was altered. Sign nothing, keep a copy, and bring back the right database (docs/running.md)."
        )


def _hashes(connection: Connection, level: int, index: int, width: int) -> bytes:
    """The first hashes of a tile, from the level below it."""
    begin, end = index * WIDTH, index * WIDTH + width
    found = _one(connection, _LEAVES, (begin, end)) if level == 0 else _one(connection, _ROOTS, (begin, end, level - 1))
    return bytes(found or b"")


def _one(connection: Connection, question: str, values: tuple[Any, ...] = ()) -> Any:
    row = connection.execute(question, values).fetchone()
    if row is None:
        raise psycopg.DataError("the database gave no answer")
    return row[0]
