"""Sales pages with their evidence beside the same pages of a site that records no view, for one client and for four at
once, from memory and made for one customer; and the bytes that the evidence of a whole sale takes.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

from sqlalchemy import create_engine, pool, text

from bench.browser import Connection
from bench.demonstration import ROOT, Demonstration
from bench.results import Figure
from bench.rounds import Compared, compare
from bench.servers import beside
from sandbox.embedded_db import EmbeddedServer

MOST = {1: 1.12, 4: 1.08}
MOST_OF_SALE = 35_000

# Rows with what the indexes of their tables take for each row; a leaf takes 32 bytes of tiles besides.
_OF_SALE = text("""
    WITH sale AS (
        SELECT journey_id, application_id FROM policy_policy ORDER BY concluded_at DESC LIMIT 1
    ), entry AS (
        SELECT count(*) AS entries, count(page_sha256) AS pages, sum(pg_column_size(e.*)) AS bytes
        FROM traceability_entry e JOIN sale USING (journey_id)
    ), recording AS (
        SELECT coalesce(sum(pg_column_size(r.*)), 0) AS bytes
        FROM traceability_recording r JOIN sale USING (application_id)
    )
    SELECT entries, pages, entry.bytes + recording.bytes
        + entries * (32 + pg_indexes_size('traceability_entry') / (SELECT count(*) FROM traceability_entry))
    FROM entry, recording
""")


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    visitor = demonstration.visitor()
    product = visitor.product_of(comparison := visitor.compare())
    customer = demonstration.customer()
    environment = demonstration.environment_of("sandbox.site:demonstration()")
    with beside("bench.unrecorded:site()", environment) as port:
        pages = (
            ("comparison", comparison, visitor.cookie),
            ("product", product, visitor.cookie),
            # Who has a journey already: a cookie without one would begin another with each page.
            ("product made for a customer", customer.product_of(customer.compare()), customer.cookie),
        )
        for name, path, cookie in pages:
            for clients, most in MOST.items():
                compared = _compared(demonstration.port, port, cookie, path, clients)
                title = f"recorded {name}, {clients} at once"
                yield Figure.ratio(title, "the same page, not recorded", compared, most)
    yield _sale(demonstration, "evidence of a sale", None)
    subprocess.run([sys.executable, "-m", "bench.buying"], cwd=ROOT, env=environment, capture_output=True, check=True)
    yield _sale(demonstration, "evidence of a later sale", MOST_OF_SALE)


def _compared(ours: int, theirs: int, cookie: str, path: str, clients: int) -> Compared:
    """The page from both ports, by so many clients at once."""
    with ExitStack() as opened, ThreadPoolExecutor(clients) as asked:
        recorded, unrecorded = (
            [opened.enter_context(Connection(port, cookie, public_port=ours)) for _ in range(clients)]
            for port in (ours, theirs)
        )
        return compare(_at_once(asked, recorded, path), _at_once(asked, unrecorded, path))


def _at_once(asked: ThreadPoolExecutor, connections: list[Connection], path: str) -> Callable[[], object]:
    if len(connections) == 1:
        return partial(connections[0].get, path)
    return lambda: list(asked.map(lambda each: each.get(path), connections))


def _sale(demonstration: Demonstration, name: str, most: float | None) -> Figure:
    """Of the newest contract: all of its journey. A later sale shows what others have seen before."""
    owner = EmbeddedServer(demonstration.folder / "instance" / "database").url("marketplace_owner")
    engine = create_engine(owner, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        entries, pages, size = connection.execute(_OF_SALE).one()
    detail = f"{entries} entries, {pages} pages among them; rows, indexes, tiles"
    return Figure(name, int(size), "bytes", most=most, detail=detail)
