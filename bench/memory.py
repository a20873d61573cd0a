"""Memory of the idle demonstration: the sum of PSS, in which a page shared by n processes counts 1/n for each."""

import time
from collections.abc import Iterator

import psutil

from bench.demonstration import Demonstration
from bench.results import Figure

MOST_MEGABYTES = 600
_SETTLING_SECONDS = 5.0


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    time.sleep(_SETTLING_SECONDS)
    held = {process.pid: _megabytes(process) for process in demonstration.processes()}
    names = f"{len(held)} processes, PostgreSQL among them; the largest {max(held.values()):.0f} MB"
    yield Figure("memory idle", round(sum(held.values())), "MB", most=MOST_MEGABYTES, detail=names)


def _megabytes(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.NoSuchProcess:
        return 0.0
