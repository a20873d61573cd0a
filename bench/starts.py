"""From nothing to a ready page (cold: a new database, catalogs loaded, a month and a half of history lived) and again
on what is there (warm), beside what cannot be avoided: Python, a new cluster of PostgreSQL, its server.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.demonstration import Demonstration
from bench.results import Figure
from sandbox.embedded_db import EmbeddedServer

WARM_STARTS = 3


def measure_cold(demonstration: Demonstration, folder: Path) -> Iterator[Figure]:
    """Leaves the demonstration running."""
    demonstration.remove_data()
    floor = _floor(folder / "floor")
    yield _beside("cold start", demonstration.start(), floor, "Python + initdb + postgres")


def measure_warm(demonstration: Demonstration, folder: Path) -> Iterator[Figure]:
    """Leaves the demonstration stopped; the floor starts the cluster that the cold one made."""
    warm, floor = [], []
    for _ in range(WARM_STARTS):
        demonstration.stop()
        floor.append(_floor(folder / "floor"))
        warm.append(demonstration.start())
    demonstration.stop()
    yield _beside("warm start", statistics.median(warm), statistics.median(floor), "Python + postgres")


def _floor(folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    with EmbeddedServer(folder):
        return time.perf_counter() - begun


def _beside(name: str, seconds: float, floor: float, what: str) -> Figure:
    return Figure(name, round(seconds, 1), "s", detail=f"{seconds / floor:.1f} x of {what} ({floor:.1f} s)")
