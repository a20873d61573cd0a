"""Memory of the idle demonstration: the sum of PSS, in which a page shared by n processes counts 1/n for each."""

import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from bench.demonstration import Demonstration
from bench.results import Figure
from marketplace.infra import typesetter

MOST_MEGABYTES = 600
_SETTLING_SECONDS = typesetter.IDLE_SECONDS + 5.0


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    time.sleep(_SETTLING_SECONDS)
    held = sorted(((_megabytes(each), _name(each)) for each in demonstration.processes()), reverse=True)
    largest = ", ".join(f"{name} {megabytes:.0f}" for megabytes, name in held[:4])
    detail = f"{len(held)} processes, PostgreSQL among them; the largest: {largest}"
    yield Figure("memory idle", round(sum(each for each, _ in held)), "MB", most=MOST_MEGABYTES, detail=detail)


def _megabytes(process: psutil.Process) -> float:
    try:
        return float(process.memory_full_info().pss) / 1e6
    except psutil.NoSuchProcess:
        return 0.0


def _name(process: psutil.Process) -> str:
    """The module that Python runs, or the program."""
    try:
        words = process.cmdline()
    except psutil.NoSuchProcess:
        return ""
    return words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name if words else ""
