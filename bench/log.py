"""The evidence log: what entering costs beside plain INSERTs of the same bytes, how soon an act is in the log, what a
proof costs beside the hashes that it cannot do without, and what the sequencer holds of memory.

Writers are PostgreSQL's own pgbench: its clients cost next to nothing, so the ratio is the database's.
"""

import hashlib
import os
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg

from bench.demonstration import Demonstration
from bench.results import Figure
from bench.rounds import compare
from marketplace.infra.jobs import conninfo
from marketplace.kernel.merkle import HASH, WIDTH, GrowingTree, TiledTree, leaf_hash
from sandbox.embedded_db import EmbeddedServer, find_server

WRITERS, ROUNDS, ROUND_SECONDS = 8, 9, 3
SLOWEST_INTAKE = 1 / 0.9
ACTS_A_SECOND, ACTING_SECONDS = 300, 20
LEAVES, LEVELS, MOST_HASHES = 1_000_000, 20, 50

_COLUMNS = "id, journey_id, type, actor_role, actor_label, recorded_at, business_at, body_sha256, body"
# pgbench would take what stands behind a colon for a variable.
_VALUES = (
    "gen_random_uuid(), {journey}, concat('answer', chr(58), 'given'), 'customer', 'customer', "
    f"clock_timestamp(), clock_timestamp(), '\\x{'55' * 32}', '\\x{'b5' * 300}'"
)
# The bare floor takes bytes and asks nothing. A plain table has a key, and its rows belong to a journey that there is.
_BARE, _PLAIN, _INTAKE = "bench_bare", "bench_plain", "traceability_evidence_intake"
_FLOORS = f"""
DROP TABLE IF EXISTS {_BARE}, {_PLAIN};
CREATE TABLE {_BARE} (
    id uuid, journey_id uuid, type varchar, actor_role varchar, actor_label varchar, recorded_at timestamptz,
    business_at timestamptz, body_sha256 bytea, body bytea
);
CREATE TABLE {_PLAIN} (
    LIKE {_BARE}, PRIMARY KEY (id), FOREIGN KEY (journey_id) REFERENCES traceability_journey (id)
);
GRANT INSERT ON {_BARE}, {_PLAIN} TO marketplace_app;
"""
JOURNEYS = 1_000  # customers do not share theirs
_JOURNEY_IDS = """
INSERT INTO traceability_journey
SELECT uuid_in(md5('bench' || number)::cstring), 'bench ' || number, 'self', '{}', now(), now()
FROM generate_series(1, %s) number ON CONFLICT DO NOTHING
"""
_ONE_OF_THEM = "uuid_in(md5('bench' || {number})::cstring)"


def measure(demonstration: Demonstration, folder: Path) -> Iterator[Figure]:
    """Into the living demonstration, whose sequencer works all the while."""
    server = EmbeddedServer(demonstration.folder / "instance" / "database")
    yield _held(demonstration)
    yield from measure_server(server, folder)
    yield _proving()


def measure_server(server: EmbeddedServer, folder: Path) -> Iterator[Figure]:
    """On a server whose intake a sequencer empties."""
    with server.connect_as_superuser("marketplace") as superuser:
        superuser.execute(_FLOORS)
        superuser.execute(_JOURNEY_IDS, (JOURNEYS,))
    yield from _entering(server, folder)
    with server.connect_as_superuser("marketplace") as superuser:
        superuser.execute(f"DROP TABLE {_BARE}, {_PLAIN}")
    yield _integrating(server)


def _held(demonstration: Demonstration) -> Figure:
    process = next(each for each in demonstration.processes() if "marketplace.sequencer" in each.cmdline())
    memory = psutil.Process(process.pid).memory_full_info()
    detail = f"{memory.rss / 1e6:.0f} MB resident, libraries that others share included"
    return Figure("sequencer idle", round(memory.pss / 1e6), "MB", detail=detail)


# --- entering ---------------------------------------------------------------------------------------------------------


def _entering(server: EmbeddedServer, folder: Path) -> Iterator[Figure]:
    values = _VALUES.format(journey=_ONE_OF_THEM.format(number=":number"))
    scripts = {table: folder / f"{table}.sql" for table in (_BARE, _PLAIN, _INTAKE)}
    for table, script in scripts.items():
        chosen = f"\\set number random(1, {JOURNEYS})\n"
        script.write_text(f"{chosen}INSERT INTO {table} ({_COLUMNS}) VALUES ({values});\n")  # noqa: S608  ours
    rounds = []
    for number in range(ROUNDS + 1):
        order = sorted(scripts, reverse=bool(number % 2))
        rounds.append({table: _a_second(server, scripts[table]) for table in order})
    yield _beside(rounds[1:], _PLAIN, "a plain table's, with its keys", round(SLOWEST_INTAKE, 2))
    yield _beside(rounds[1:], _BARE, "a table's without any", None)


def _beside(rounds: list[dict[str, float]], floor: str, beside: str, most: float | None) -> Figure:
    """How much longer the intake takes than the floor, round by round."""
    ratios = [each[floor] / each[_INTAKE] for each in rounds]
    theirs, ours = (statistics.median(each[table] for each in rounds) for table in (floor, _INTAKE))
    low, middle, high = (round(each, 2) for each in statistics.quantiles(ratios, n=4))
    detail = f"{ours:.0f} a second against {theirs:.0f}, the same bytes, each its own transaction"
    return Figure(f"intake, {WRITERS} writers", middle, "x", beside, low, high, most, detail)


def _a_second(server: EmbeddedServer, script: Path) -> float:
    """How many transactions a second pgbench's clients make of it."""
    address = conninfo(server.url("marketplace_app"))
    command = [
        str(find_server().folder / "pgbench"), "--no-vacuum", f"--client={WRITERS}", "--jobs=2", "--protocol=prepared",
        f"--time={ROUND_SECONDS}", f"--file={script}", address,
    ]  # fmt: skip
    told = os.environ | {"PGOPTIONS": "-c marketplace.scope=all"}
    said = subprocess.run(command, env=told, capture_output=True, text=True, check=True).stdout  # noqa: S603  ours
    (found,) = re.findall(r"^tps = ([\d.]+)", said, re.MULTILINE)
    return float(found)


# --- integrating ------------------------------------------------------------------------------------------------------


def _integrating(server: EmbeddedServer) -> Figure:
    """From the commit of an act until somebody else sees it in the log."""
    acknowledged: dict[UUID, float] = {}
    arrived: dict[UUID, float] = {}
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, arrived, over))
    watcher.start()
    writers = [
        threading.Thread(target=_act, args=(server, number, acknowledged, ACTS_A_SECOND / 4)) for number in range(1, 5)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    end = time.monotonic() + 60
    while not acknowledged.keys() <= arrived.keys() and time.monotonic() < end:
        time.sleep(0.1)
    over.set()
    watcher.join()
    waited = sorted(arrived[each] - at for each, at in acknowledged.items())
    detail = f"median {statistics.median(waited):.2f} s; {len(waited)} acts at {ACTS_A_SECOND} a second"
    return Figure("act in the log, p99", round(waited[int(len(waited) * 0.99)], 2), "s", most=1.0, detail=detail)


def _act(server: EmbeddedServer, journey: int, acknowledged: dict[UUID, float], a_second: float) -> None:
    values = _VALUES.format(journey=_ONE_OF_THEM.format(number=journey)).replace("gen_random_uuid()", "%s")
    begun = time.monotonic()
    with _connected(server, "marketplace_app") as connection:
        for number in range(int(a_second * ACTING_SECONDS)):
            time.sleep(max(0.0, begun + number / a_second - time.monotonic()))
            entry_id = uuid4()
            connection.execute(
                f"INSERT INTO traceability_evidence_intake ({_COLUMNS}) VALUES ({values})",  # noqa: S608  ours
                (entry_id,),
            )
            acknowledged[entry_id] = time.monotonic()


def _watch(server: EmbeddedServer, arrived: dict[UUID, float], over: threading.Event) -> None:
    question = "SELECT log_index, id FROM traceability_entry WHERE log_index > %s ORDER BY log_index"
    with _connected(server, "marketplace_reader") as connection:
        found = connection.execute("SELECT coalesce(max(log_index), -1) FROM traceability_entry").fetchone()
        newest = found[0] if found else -1
        while not over.wait(0.02):
            for index, entry_id in connection.execute(question, (newest,)).fetchall():
                newest, arrived[entry_id] = index, time.monotonic()


def _connected(server: EmbeddedServer, role: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(conninfo(server.url(role)), autocommit=True, options="-c marketplace.scope=all")


# --- proving ----------------------------------------------------------------------------------------------------------


def _proving() -> Figure:
    """From tiles in memory: what the database needs to hand them over is not the proof's."""
    tree, leaves = GrowingTree(), [leaf_hash(number.to_bytes(4)) for number in range(LEAVES)]
    tiles = {(tile.level, tile.index): tile for leaf in leaves for tile in tree.append(leaf)}

    def read(level: int, index: int, width: int) -> bytes:
        if tile := tiles.get((level, index)):
            return tile.hashes[: width * HASH]
        places = range(index * WIDTH, index * WIDTH + width)
        return b"".join(leaves[at] if level == 0 else tiles[level - 1, at].root for at in places)

    numbers, data = count(), bytes(64)

    def prove() -> None:
        TiledTree(LEAVES, read).inclusion_proof(next(numbers) * 7919 % LEAVES)

    def hash_each_level() -> None:
        for _ in range(LEVELS):
            hashlib.sha256(data).digest()

    compared = compare(prove, hash_each_level)
    return Figure.ratio("proof among a million", f"{LEVELS} SHA-256 of 64 bytes", compared, most=MOST_HASHES)
