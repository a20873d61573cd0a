"""Servers beside the demonstration's: gunicorn with the same options on a port of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

from bench.demonstration import ROOT, free_port
from sandbox.run import PROGRAMS


@contextmanager
def beside(application: str, environment: Mapping[str, str] = os.environ) -> Iterator[int]:
    """`application` served as the demonstration's site is; the port."""
    port = free_port()
    _, gunicorn, _, *options = (word.replace("{address}", f"127.0.0.1:{port}") for word in PROGRAMS["site"])
    command = [sys.executable, "-m", gunicorn, application, *options]
    server = subprocess.Popen(  # noqa: S603  composed of our own words
        command, cwd=ROOT, env=dict(environment), stderr=subprocess.DEVNULL
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
    raise RuntimeError("the server did not start")
