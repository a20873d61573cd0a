"""The three pages a visitor sees most, each against a bare Flask + Jinja page with the same bytes.

Both are served by gunicorn as the demonstration's site is: two processes of four threads, loopback, kept connections.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from bench.browser import Connection
from bench.demonstration import ROOT, Demonstration, free_port
from bench.results import Figure
from bench.rounds import compare
from sandbox.run import PROGRAMS

MOST = 2.5
FIRST_VIEWS = 150


def measure(demonstration: Demonstration, folder: Path) -> Iterator[Figure]:
    visitor = demonstration.visitor()
    paths = {"home": "/", "comparison": visitor.comparison, "product": visitor.product}
    pages = folder / "pages"
    pages.mkdir()
    for name, path in paths.items():
        with Connection(demonstration.port, path, visitor.cookie) as ours:
            text = ours.get().decode()
        (pages / f"{name}.html").write_text(f"{{% raw %}}{text}{{% endraw %}}")
    with _floor(pages) as floor_port:
        for name, path in paths.items():
            with ExitStack() as both:
                ours = both.enter_context(Connection(demonstration.port, path, visitor.cookie))
                floor = both.enter_context(Connection(floor_port, f"/{name}"))
                _refuse_other_bytes(ours, floor)
                yield Figure.ratio(f"page {name}", "bare Flask + Jinja", compare(ours.get, floor.get), most=MOST)


def _refuse_other_bytes(ours: Connection, floor: Connection) -> None:
    """Only what is new in each answer (nonce, tokens) may differ, and those have one length."""
    if len(ours.get()) != len(floor.get()):
        raise RuntimeError("the floor does not send the same page")


@contextmanager
def _floor(pages: Path) -> Iterator[int]:
    """The bare application behind the server of the site; the port."""
    port = free_port()
    site = [word.replace("{address}", f"127.0.0.1:{port}") for word in PROGRAMS["site"]]
    command = [sys.executable, *("bench.floor:app" if word == "wsgi:app" else word for word in site)]
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
    for _ in range(200):
        try:
            requests.get(f"http://127.0.0.1:{port}/home", timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the floor did not start")
