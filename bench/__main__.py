"""`python -m bench`: measure, print a line for each figure, and all of them as one line of JSON at the end.

Exit status 1 where a promise is not kept.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import (
    documents,
    drill,
    evidence,
    finding,
    importing,
    log,
    memory,
    offers,
    pages,
    purchasing,
    rating,
    recording,
    sealing,
    starts,
    views,
)
from bench.demonstration import Demonstration
from bench.results import Figure, as_json


def main() -> int:
    figures = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for figure in _measured(Path(folder)):
            print(figure, flush=True)
            figures.append(figure)
    print(as_json(figures))
    return 0 if all(figure.kept for figure in figures) else 1


def _measured(folder: Path) -> Iterator[Figure]:
    demonstration = Demonstration(folder)
    try:
        yield from starts.measure_cold(demonstration, folder)
        yield from memory.measure(demonstration)
        yield from pages.measure(demonstration, folder)
        yield from offers.measure(demonstration)
        yield from views.measure(demonstration)
        yield from recording.measure(demonstration)
        yield from purchasing.measure(demonstration)
        yield from sealing.measure()
        yield from documents.measure()
        yield from rating.measure()
        yield from evidence.measure(demonstration)
        yield from drill.measure(demonstration, folder)
        yield from importing.measure(demonstration, folder)
        yield from log.measure(demonstration, folder)
        yield from finding.measure(demonstration)
        yield from starts.measure_warm(demonstration, folder)
    finally:
        demonstration.stop()


if __name__ == "__main__":
    sys.exit(main())
