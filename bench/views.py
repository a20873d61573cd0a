"""The bytes a view of a page takes, sealed: the first of a journey, kept against what others were shown alike, and one
that it repeats, kept against its own first where that one is not little.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Engine, create_engine, pool, text

from bench.browser import Connection
from bench.demonstration import Demonstration
from bench.results import Figure
from sandbox.embedded_db import EmbeddedServer

REPEATED = 512
OTHERS = range(35, 50)
"""The ages of others who looked before: what is alike for them is no longer kept with each view."""

_IN_THE_LOG_SECONDS = 3  # its turn is each second
_PATIENCE_SECONDS = 150  # a job makes the files once a minute

_KEPT = text("""
    WITH kept AS (
        SELECT page_version_id, page_reference, page_base, page_bytes, recorded_at FROM traceability_entry
        UNION ALL
        SELECT page_version_id, page_reference, page_base, page_bytes, recorded_at FROM traceability_evidence_intake
    )
    SELECT length(page_bytes), page_reference IS NOT NULL, page_base IS NOT NULL
    FROM kept JOIN traceability_page_version v ON v.id = page_version_id
    WHERE v.page = :page AND page_bytes IS NOT NULL ORDER BY kept.recorded_at DESC LIMIT 1
""")


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    for age in OTHERS:
        other = demonstration.visitor()
        with Connection(demonstration.port, other.cookie) as theirs:
            theirs.get(f"{(other_comparison := other.compare(age=str(age)))}/side-by-side?offers=1,2")
            theirs.get(other.product_of(other_comparison))
    owner = EmbeddedServer(demonstration.folder / "instance" / "database").url("marketplace_owner")
    engine = create_engine(owner, poolclass=pool.NullPool)
    for page in ("product.offer", "compare.comparison", "beside.side_by_side"):
        yield from _figures(engine, demonstration, page)


def _figures(engine: Engine, demonstration: Demonstration, page: str) -> Iterator[Figure]:
    """Of somebody who comes when the file is there, and looks again once the log has the first look."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        first, sent, again = _seen_by_another(engine, demonstration, page)
        if first.against_file or time.monotonic() > end:
            break
        time.sleep(5)
    alone = "" if first.against_file else ", alone: too few people were shown it"
    yield Figure(f"kept of {page}, first", first.size, "bytes", detail=f"of {sent} sent{alone}")
    how = "against the first" if again.against_own else "against the file, which is little" if alone == "" else "alone"
    yield Figure(f"kept of {page}, repeated", again.size, "bytes", most=REPEATED, detail=how)


def _seen_by_another(engine: Engine, demonstration: Demonstration, page: str) -> tuple["_Kept", int, "_Kept"]:
    """How the first view of a new visitor is kept, how many bytes were sent, and how a second one is kept."""
    visitor = demonstration.visitor()
    comparison = visitor.compare()
    path = {
        "product.offer": lambda: visitor.product_of(comparison),
        "compare.comparison": lambda: comparison,
        "beside.side_by_side": lambda: f"{comparison}/side-by-side?offers=1,2",
    }[page]()
    with Connection(demonstration.port, visitor.cookie) as ours:
        sent = len(ours.get(path))
        first = _newest(engine, page)
        time.sleep(_IN_THE_LOG_SECONDS)
        ours.get(path)
    return first, sent, _newest(engine, page)


class _Kept(NamedTuple):
    size: int
    against_file: bool
    against_own: bool


def _newest(engine: Engine, page: str) -> _Kept:
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        return _Kept(*connection.execute(_KEPT, {"page": page}).one())
