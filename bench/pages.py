"""The three pages a visitor sees most, each against a bare Flask + Jinja page with the same bytes.

Both are served by gunicorn as the demonstration's site is: two processes of four threads, loopback, kept connections.
"""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote

from bench.browser import Connection
from bench.demonstration import Demonstration
from bench.results import Figure
from bench.rounds import compare
from bench.servers import beside

MOST = 2.5
PAGE, FINISHED = "bare Flask + Jinja", "a finished page from Flask"
_FLOORS = {PAGE: "/page/", FINISHED: "/finished/"}


def measure(demonstration: Demonstration, folder: Path) -> Iterator[Figure]:
    visitor = demonstration.visitor()
    product = visitor.product_of(comparison := visitor.compare())
    (pages := folder / "pages").mkdir()
    bare = beside("bench.floor:app", os.environ | {"PAGES": str(pages)})
    with Connection(demonstration.port, visitor.cookie) as ours, bare as port, Connection(port) as floor:
        for name, path in {"home": "/", "comparison": comparison, "product": product}.items():
            _save(pages / name, ours.get(path), floor)
            yield _beside(name, path, ours, floor, PAGE, most=MOST)
            yield _beside(name, path, ours, floor, FINISHED)
        # A query keeps a page out of memory: it is read and rendered anew each time.
        _save(pages / "comparison made anew", ours.get(f"{comparison}?anew=1"), floor)
        yield _beside("comparison made anew", f"{comparison}?anew=1", ours, floor, PAGE)
        with Connection(demonstration.port, demonstration.customer().cookie) as signed_in:
            _save(pages / "home signed in", signed_in.get("/"), floor)
            yield _beside("home signed in", "/", signed_in, floor, PAGE)


def _beside(
    name: str, path: str, ours: Connection, floor: Connection, what: str, *, most: float | None = None
) -> Figure:
    bare = partial(floor.get, _FLOORS[what] + quote(name))
    title = f"page {name}" if what == PAGE else f"page {name}, finished"
    return Figure.ratio(title, what, compare(partial(ours.get, path), bare), most)


def _save(file: Path, page: bytes, floor: Connection) -> None:
    """Have the floor send this very page: the same bytes, those that are new in each of our answers included."""
    file.write_bytes(page)
    for path in _FLOORS.values():
        if floor.get(path + quote(file.name)) != page:
            raise RuntimeError("the floor does not send the same bytes")
