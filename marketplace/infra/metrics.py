"""Figures for Prometheus: what was asked, what was worked, what waits.

Site and worker are several processes on a host. With `PROMETHEUS_MULTIPROC_DIR` set they add their figures up in that
folder (prometheus_client's multi-process mode); the worker answers scrapes for all of them on a port of its own, so
that no figure is ever reachable through the public address. No label holds anything a visitor chose.

Each process writes a file of its own. What one that has ended has counted stays counted, or every restart would look
like a loss: whoever starts adds the files of the dead up into one (`gather_dead`), so there are never more files than
processes and a few. All users of the folder are processes of one host, and one group (docs/running.md).
"""

import fcntl
import logging
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from marketplace.kernel.errors import MarketplaceError

log = logging.getLogger(__name__)

_DEAD = 0  # no process has this id: its file holds what those that have ended counted
_FILE_OF = re.compile(r"(counter|histogram|summary)_(\d+)\.db")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Histogram(
    "marketplace_request_seconds", "Requests of the site.", ("endpoint", "method", "status"), buckets=_SECONDS
)
JOBS = Histogram("marketplace_job_seconds", "Jobs that were run.", ("job", "outcome"), buckets=(*_SECONDS, 60.0))
NEIGHBOURS = Histogram(
    "marketplace_neighbour_seconds", "Calls of Stripe, the mail server, the time-stamp authority, the bucket.",
    ("neighbour", "outcome"), buckets=_SECONDS,
)  # fmt: skip
RETURNS = Counter("marketplace_mail_reports", "Reports of mail servers on our mails.", ("outcome",))


@contextmanager
def timed(figure: Histogram, *labels: str) -> Iterator[None]:
    """Observe how long the block took, with the outcome as the last label: `ok`, the code of our error, or `failed`."""
    begun, outcome = perf_counter(), "failed"
    try:
        yield
        outcome = "ok"
    except MarketplaceError as error:
        outcome = error.code
        raise
    finally:
        figure.labels(*labels, outcome).observe(perf_counter() - begun)


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that is read when somebody asks: a value for each tuple of labels."""

    name: str
    description: str
    labels: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], float], ...]


class _Readings(Collector):
    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        for reading in self._read():
            family = GaugeMetricFamily(reading.name, reading.description, labels=reading.labels)
            for labels, value in reading.values:
                family.add_metric(labels, value)
            yield family


def serve(address: str, port: int, read: Callable[[], Iterable[Reading]]) -> Callable[[], None]:
    """Answer scrapes at `http://address:port/metrics` from a thread; `read` is called for each. Returns its end."""
    server, thread = start_http_server(port, address, _registry(read))

    def end() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return end


def gather_dead() -> None:
    """Add what processes that have ended have counted to what earlier ones left, and remove their files. For each
    process of ours at its start; without `PROMETHEUS_MULTIPROC_DIR` there is nothing to do.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder or not Path(folder).is_dir():
        return
    with _held(folder, fcntl.LOCK_EX):
        for file in sorted(Path(folder).glob("*.db")):
            found = _FILE_OF.fullmatch(file.name)
            if found and int(found[2]) != _DEAD and not _lives(int(found[2])):
                _gather(file, file.with_name(f"{found[1]}_{_DEAD}.db"))


def _gather(file: Path, into: Path) -> None:
    try:
        counted = list(MmapedDict.read_all_values_from_file(str(file)))  # type: ignore[no-untyped-call]
    except (OSError, RuntimeError, ValueError, struct.error) as error:
        log.warning("the figures of a process that has ended cannot be read (%s)", type(error).__name__)
        counted = []
    sums = MmapedDict(str(into))  # type: ignore[no-untyped-call]
    for key, value, _, _ in counted:
        before, _ = sums.read_value(key)  # type: ignore[no-untyped-call]
        sums.write_value(key, before + value, 0.0)  # type: ignore[no-untyped-call]
    sums.close()  # type: ignore[no-untyped-call]
    file.unlink()


def _lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return True


@contextmanager
def _held(folder: str, how: int) -> Iterator[None]:
    """Nobody reads the figures while the dead are gathered: neither twice nor not at all would be true."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


class _EveryProcess(Collector):
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._files = MultiProcessCollector(None, folder)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        with _held(self._folder, fcntl.LOCK_SH):
            return list(self._files.collect())  # type: ignore[no-untyped-call]


def _registry(read: Callable[[], Iterable[Reading]]) -> CollectorRegistry:
    """Our figures of all processes, or of this one alone when no folder was given, and the readings."""
    registry = CollectorRegistry(auto_describe=False)
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry.register(_EveryProcess(folder))
    else:
        registry.register(REGISTRY)
    registry.register(_Readings(read))
    return registry
