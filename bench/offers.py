"""A comparison of 64, 640 and 6,400 offers, made anew each time: a whole request grows no faster than its offers.

A page shows twenty of them at most; marks and filters look at all. The offers are those of one comparison over and
over, put into the tables by their owner: what counts is how many rows are read, not what they say.
"""

import statistics
import time
from collections.abc import Iterator
from itertools import pairwise

from sqlalchemy import create_engine, pool, text

from bench.browser import Connection
from bench.demonstration import Demonstration
from bench.results import Figure
from sandbox.embedded_db import EmbeddedServer

COUNTS = (64, 640, 6400)
CALLS = 15

# Ten times the offers may take ten times as long, and not more.
MOST = 10.0

_NEED = text("""
    INSERT INTO quoting_need (id, reference, line, risk, assumed, stated, start_on, journey_id, ranking_rule, panel,
        created_at, business_at, expires_at)
    SELECT gen_random_uuid(), :copy, line, risk, assumed, stated, start_on, journey_id, ranking_rule, panel,
        created_at, business_at, expires_at
    FROM quoting_need WHERE reference = :reference RETURNING id
""")
_OFFERS = text("""
    INSERT INTO quoting_offer (id, need_id, place, product_version_id, insurer_id, premium_minor, payments, total_minor,
        currency, breakdown, fits, tariff_root, content_sha256, expires_at)
    SELECT gen_random_uuid(), :need_id, place + n * (SELECT count(*) FROM quoting_offer WHERE need_id = o.need_id),
        product_version_id, insurer_id, premium_minor, payments, total_minor, currency, breakdown, fits, tariff_root,
        content_sha256, o.expires_at
    FROM quoting_offer o, generate_series(0, :rounds) n
    WHERE need_id = (SELECT id FROM quoting_need WHERE reference = :reference)
    ORDER BY n, place LIMIT :count
""")


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    visitor = demonstration.visitor()
    path, _, reference = visitor.compare().rpartition("/")
    owner = EmbeddedServer(demonstration.folder / "instance" / "database").url("marketplace_owner")
    times = []
    with Connection(demonstration.port, visitor.cookie) as ours:
        for count in COUNTS:
            _copy(owner, reference, count)
            times.append(_median(ours, f"{path}/Q-BENCH-{count}?anew=1"))
    for (fewer, before), (more, after) in pairwise(zip(COUNTS, times, strict=True)):
        detail = f"{after * 1e3:.1f} ms against {before * 1e3:.1f} ms"
        name, beside = f"comparison of {more} offers", f"that of {fewer}"
        yield Figure(name, round(after / before, 2), "x", beside, most=MOST, detail=detail)


def _copy(owner: str, reference: str, count: int) -> None:
    engine = create_engine(owner, poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        need_id = connection.scalar(_NEED, {"reference": reference, "copy": f"Q-BENCH-{count}"})
        values = {"need_id": need_id, "reference": reference, "rounds": count, "count": count}
        connection.execute(_OFFERS, values)
    engine.dispose()


def _median(ours: Connection, path: str) -> float:
    """Seconds of one request, the first ones not counted."""
    times = []
    for number in range(CALLS + 3):
        begun = time.perf_counter()
        ours.get(path)
        if number >= 3:  # noqa: PLR2004  each process has read it once by then
            times.append(time.perf_counter() - begun)
    return statistics.median(times)
