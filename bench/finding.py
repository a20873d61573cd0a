"""A contract's entries found in a log of ten million beside one of a hundred thousand: what growing costs who looks.

Both are tables like the log's, on the demonstration's server. Contracts are concluded a thousand at a time, so that the
forty entries of each lie far apart, each on a page of the disk of its own.
"""

import random
from collections.abc import Callable, Iterator

import psycopg

from bench.demonstration import Demonstration
from bench.results import Figure
from bench.rounds import compare
from marketplace.infra.jobs import conninfo
from sandbox.embedded_db import EmbeddedServer

FEW, MANY, MOST = 100_000, 10_000_000, 1.5
ENTRIES, AT_ONCE = 40, 1_000
_TABLES = {"bench_few": FEW, "bench_many": MANY}
_MADE = """
DROP TABLE IF EXISTS {table};
CREATE UNLOGGED TABLE {table} (LIKE traceability_entry) WITH (autovacuum_enabled = off);
INSERT INTO {table} (log_index, id, journey_id, number, leaf_hash, application_id, type, actor_role, actor_label,
    recorded_at, business_at, body, body_sha256)
SELECT i, gen_random_uuid(), contract, i / {at_once} % {entries}, '\\x{hash}', contract, 'answer:given', 'customer',
    'customer', now(), now(), '\\x{body}', '\\x{hash}'
FROM generate_series(0, {rows} - 1) i,
    LATERAL (SELECT uuid_in(md5((i / {together} * {at_once} + i % {at_once})::text)::cstring) AS contract) asked;
CREATE UNIQUE INDEX ON {table} (log_index);
CREATE INDEX ON {table} (application_id);
GRANT SELECT ON {table} TO marketplace_reader;
"""
_FIND = """
SELECT id, journey_id, application_id, insurer_id, page_version_id, type, actor_role, actor_id, actor_label,
    recorded_at, business_at, body, body_sha256, page_sha256, log_index, number
FROM {table} WHERE application_id = uuid_in(md5(%s)::cstring) ORDER BY log_index
"""


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    yield measure_server(EmbeddedServer(demonstration.folder / "instance" / "database"))


def measure_server(server: EmbeddedServer) -> Figure:
    """On a server where the tables of the marketplace are."""
    with server.connect_as_superuser("marketplace") as superuser:
        for table, rows in _TABLES.items():
            superuser.execute(_made(table, rows))
            superuser.execute(f"VACUUM ANALYZE {table}")
    try:
        with psycopg.connect(conninfo(server.url("marketplace_reader")), autocommit=True) as reader:
            many, few = (_finding(reader, table, _TABLES[table]) for table in ("bench_many", "bench_few"))
            return Figure.ratio("entries among 10 million", "those among 100 thousand", compare(many, few), MOST)
    finally:
        with server.connect_as_superuser("marketplace") as superuser:
            superuser.execute(f"DROP TABLE {', '.join(_TABLES)}")


def _made(table: str, rows: int) -> str:
    return _MADE.format(
        table=table, rows=rows, at_once=AT_ONCE, entries=ENTRIES, together=AT_ONCE * ENTRIES, hash="55" * 32,
        body="b5" * 64,
    )  # fmt: skip


def _finding(reader: psycopg.Connection[tuple[object, ...]], table: str, rows: int) -> Callable[[], None]:
    """Of any contract whose entries are all there."""
    question, contracts = _FIND.format(table=table), rows // (AT_ONCE * ENTRIES) * AT_ONCE
    chance = random.Random(9162)  # noqa: S311  the same contracts each time

    def find() -> None:
        found = reader.execute(question, (str(chance.randrange(contracts)),), prepare=True).fetchall()
        if len(found) != ENTRIES:
            raise RuntimeError(f"{len(found)} entries of a contract of {ENTRIES}")

    return find
