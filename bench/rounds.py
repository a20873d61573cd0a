"""Two things timed in turn. Machines drift and are shared; what holds is the ratio inside one round."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 40
CALLS = 25


@dataclass(frozen=True, slots=True)
class Compared:
    """Median seconds of one call of each, and the ratio round by round: its median and the middle half of it."""

    seconds: float
    floor_seconds: float
    ratio: float
    low: float
    high: float


def compare(
    subject: Callable[[], object], floor: Callable[[], object], rounds: int = ROUNDS, calls: int = CALLS
) -> Compared:
    """Call both in turn, the first one changing, `calls` times in each round; one round beforehand is not counted."""
    each = [_round(subject, floor, calls) for _ in range(rounds + 1)][1:]
    ratios = [ours / theirs for ours, theirs in each]
    low, middle, high = statistics.quantiles(ratios, n=4)
    ours, theirs = (statistics.median(column) for column in zip(*each, strict=True))
    return Compared(ours, theirs, middle, low, high)


def _round(subject: Callable[[], object], floor: Callable[[], object], calls: int) -> tuple[float, float]:
    """Median seconds of a call of each."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(calls):
        for which in (0, 1) if number % 2 else (1, 0):
            begun = time.perf_counter()
            (subject, floor)[which]()
            times[which].append(time.perf_counter() - begun)
    return statistics.median(times[0]), statistics.median(times[1])
