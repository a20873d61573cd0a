"""The bytes a further view of a page takes: pressed against what others were shown alike, and sealed."""

import time
from collections.abc import Iterator

from sqlalchemy import Engine, create_engine, pool, text

from bench.browser import Connection
from bench.demonstration import Demonstration
from bench.results import Figure
from sandbox.embedded_db import EmbeddedServer

VIEWS = 5
WANTED = 512
OTHERS = range(35, 50)
"""The ages of others who looked before: what is alike for them is no longer kept with each view."""

_PATIENCE_SECONDS = 150  # a job makes the files once a minute

_KEPT = text("""
    WITH kept AS (
        SELECT page_version_id, page_reference, page_bytes, recorded_at FROM traceability_entry
        UNION ALL SELECT page_version_id, page_reference, page_bytes, recorded_at FROM traceability_evidence_intake
    ), newest AS (
        SELECT length(page_bytes) AS bytes, page_reference
        FROM kept JOIN traceability_page_version v ON v.id = page_version_id
        WHERE v.page = :page AND page_bytes IS NOT NULL ORDER BY kept.recorded_at DESC LIMIT :views
    )
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY bytes), bool_and(page_reference IS NOT NULL) FROM newest
""")


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    for age in OTHERS:
        other = demonstration.visitor()
        with Connection(demonstration.port, other.cookie) as theirs:
            theirs.get(f"{(other_comparison := other.compare(age=str(age)))}/side-by-side?offers=1,2")
            theirs.get(other.product_of(other_comparison))
    visitor = demonstration.visitor()
    product = visitor.product_of(comparison := visitor.compare())
    pages = {
        "product.offer": product,
        "compare.comparison": comparison,
        "beside.side_by_side": f"{comparison}/side-by-side?offers=1,2",
    }
    owner = EmbeddedServer(demonstration.folder / "instance" / "database").url("marketplace_owner")
    engine = create_engine(owner, poolclass=pool.NullPool)
    with Connection(demonstration.port, visitor.cookie) as ours:
        for page, path in pages.items():
            yield _figure(engine, ours, page, path)


def _figure(engine: Engine, ours: Connection, page: str, path: str) -> Figure:
    """Of a page made anew each time, so that the file is used as soon as it is there."""
    anew = f"{path}{'&' if '?' in path else '?'}anew=1"
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        for _ in range(VIEWS):
            sent = len(ours.get(anew))
        size, against = _newest(engine, page)
        if against or time.monotonic() > end:
            detail = f"of {sent} sent" if against else f"of {sent} sent, alone: too few people were shown it"
            return Figure(f"kept of {page}", size, "bytes", detail=f"{detail}, wanted <= {WANTED}")
        time.sleep(5)


def _newest(engine: Engine, page: str) -> tuple[int, bool]:
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        size, against = connection.execute(_KEPT, {"page": page, "views": VIEWS}).one()
    return int(size), bool(against)
