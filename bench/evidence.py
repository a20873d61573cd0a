"""Evidence of a finished sale, from the customer's wish to the verified file: the first one makes the pictures of its
pages, those after it find them stored.
"""

import re
import time
from collections.abc import Iterator

from bench.demonstration import Demonstration, Visitor
from bench.results import Figure

MOST_SECONDS = 5.0
LONGEST_SECONDS = 180.0
TIMES = 3


def measure(demonstration: Demonstration) -> Iterator[Figure]:
    """By the demonstration's own customer and the oldest of the contracts."""
    visitor = demonstration.customer()
    policy = visitor.find("/account", r"/policies/[0-9a-f-]{36}")[-1]
    with_pictures = _seconds(visitor, policy)
    later = sorted(_seconds(visitor, policy) for _ in range(TIMES))
    yield Figure("evidence, with its pictures", round(with_pictures, 1), "s", detail="made for the first time")
    yield Figure(
        "evidence, pictures stored", round(later[TIMES // 2], 1), "s", low=round(later[0], 1), high=round(later[-1], 1),
        most=MOST_SECONDS, detail="of a finished sale, verified",
    )  # fmt: skip


def _seconds(visitor: Visitor, policy: str) -> float:
    """From asking to the page that hands the file out. Raises RuntimeError where it does not come."""
    begun = time.perf_counter()
    page = visitor.ask(f"{policy}/evidence")
    while time.perf_counter() - begun < LONGEST_SECONDS:
        if visitor.find(page, re.escape(page) + r"/evidence\.zip"):
            return time.perf_counter() - begun
        time.sleep(0.1)
    raise RuntimeError("no evidence came")
