"""The three pages a visitor sees most, each against a bare Flask + Jinja page with the same bytes.

Both are served by gunicorn as the demonstration's site is: two processes of four threads, loopback, kept connections.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import requests

from bench.browser import Connection
from bench.demonstration import ROOT, Demonstration, free_port
from bench.results import Figure
from bench.rounds import compare
from sandbox.run import PROGRAMS

MOST = 2.5
PAGE, FINISHED = "bare Flask + Jinja", "a finished page from Flask"
_FLOORS = {PAGE: "/page/", FINISHED: "/finished/"}


def measure(demonstration: Demonstration, folder: Path) -> Iterator[Figure]:
    visitor = demonstration.visitor()
    product = visitor.product_of(comparison := visitor.compare())
    (pages := folder / "pages").mkdir()
    with Connection(demonstration.port, visitor.cookie) as ours, _floor(pages) as port, Connection(port) as floor:
        for name, path in {"home": "/", "comparison": comparison, "product": product}.items():
            _save(pages / name, ours.get(path), floor)
            yield _beside(name, path, ours, floor, PAGE, most=MOST)
            yield _beside(name, path, ours, floor, FINISHED)
        # A query keeps a page out of memory: it is read and rendered anew each time.
        _save(pages / "comparison made anew", ours.get(f"{comparison}?anew=1"), floor)
        yield _beside("comparison made anew", f"{comparison}?anew=1", ours, floor, PAGE)
        with Connection(demonstration.port, demonstration.customer_cookie()) as signed_in:
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


@contextmanager
def _floor(pages: Path) -> Iterator[int]:
    """The bare application behind the server of the site; the port."""
    port = free_port()
    _, gunicorn, _, *options = (word.replace("{address}", f"127.0.0.1:{port}") for word in PROGRAMS["site"])
    command = [sys.executable, "-m", gunicorn, "bench.floor:app", *options]
    server = subprocess.Popen(  # noqa: S603  composed of our own words
        command, cwd=ROOT, env=os.environ | {"PAGES": str(pages)}, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(port: int) -> None:
    for _ in range(1200):
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the floor did not start")
