"""Figures for Prometheus: what was asked, what was worked, what waits.

Site and worker are several processes on a host. With `PROMETHEUS_MULTIPROC_DIR` set they add their figures up in that
folder (prometheus_client's multi-process mode); the worker answers scrapes for all of them on a port of its own, so
that no figure is ever reachable through the public address. No label holds anything a visitor chose.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

from prometheus_client import REGISTRY, CollectorRegistry, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from marketplace.kernel.errors import MarketplaceError

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Histogram(
    "marketplace_request_seconds", "Requests of the site.", ("endpoint", "method", "status"), buckets=_SECONDS
)
JOBS = Histogram("marketplace_job_seconds", "Jobs that were run.", ("job", "outcome"), buckets=(*_SECONDS, 60.0))
NEIGHBOURS = Histogram(
    "marketplace_neighbour_seconds", "Calls of Stripe, the mail server and the time-stamp authority.",
    ("neighbour", "outcome"), buckets=_SECONDS,
)  # fmt: skip


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


def _registry(read: Callable[[], Iterable[Reading]]) -> CollectorRegistry:
    """Our figures of all processes, or of this one alone when no folder was given, and the readings."""
    registry = CollectorRegistry(auto_describe=False)
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
    else:
        registry.register(REGISTRY)
    registry.register(_Readings(read))
    return registry
