"""What whoever runs the site relies on: reloads that lose nothing, figures of all processes, the shipped proxy."""

import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil

from tests.journeys.conftest import SITE, START_SECONDS, WORKER, Marketplace, until

CLIENTS = 3
RELOADS = 2


class Site:
    """gunicorn with two processes, and visitors who never stop asking."""

    def __init__(self, market: Marketplace, listener: socket.socket, **environment: str) -> None:
        self.address = f"http://localhost:{listener.getsockname()[1]}"
        self.seen: list[int | str] = []
        self._enough = threading.Event()
        self.process = market.started(
            *SITE, "--workers", "2", "--bind", f"fd://{listener.fileno()}", keep=listener.fileno(), **environment
        )

    def ask(self, path: str = "/") -> int | str:
        """The status, or what went wrong on the way."""
        try:
            with urlopen(self.address + path, timeout=START_SECONDS) as answer:  # noqa: S310 (our own address)
                answer.read()
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except (HTTPException, OSError) as error:
            return type(error).__name__

    def workers(self) -> frozenset[int]:
        return frozenset(child.pid for child in psutil.Process(self.process.pid).children())

    def reload(self) -> None:
        """As `systemctl reload` does; returns when no process of before is left."""
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        until(lambda: len(self.workers() - before) == 2 and not self.workers() & before, "the new processes", 60)

    @contextmanager
    def visited(self) -> Iterator[None]:
        """Visitors ask all the while; their answers are in `seen`."""
        with ThreadPoolExecutor(CLIENTS) as visitors:
            for _ in range(CLIENTS):
                visitors.submit(self._visit)
            try:
                until(lambda: len(self.seen) > CLIENTS, "the first answers")
                yield
            finally:
                self._enough.set()

    def _visit(self) -> None:
        while not self._enough.is_set():
            self.seen.append(self.ask())


@contextmanager
def _site(market: Marketplace, **environment: str) -> Iterator[Site]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        site = Site(market, listener, **environment)
        try:
            until(lambda: site.ask("/healthz/ready") == 200, "the site", START_SECONDS)
            yield site
        finally:
            site.process.terminate()
            site.process.wait()


def test_a_rolling_reload_loses_no_request(marketplace: Marketplace) -> None:
    with _site(marketplace) as site:
        with site.visited():
            for _ in range(RELOADS):
                site.reload()
        assert set(site.seen) == {200}
        assert len(site.seen) > RELOADS * CLIENTS


def test_the_visitors_would_notice_a_process_that_is_killed(marketplace: Marketplace) -> None:
    """The control of the test above: without an orderly end, they do see it."""
    with _site(marketplace) as site, site.visited():

        def noticed() -> bool:
            for worker in site.workers():
                psutil.Process(worker).kill()
            return any(answer != 200 for answer in site.seen)

        until(noticed, "a lost request")


def test_the_worker_shows_the_figures_of_the_site(marketplace: Marketplace, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    figures = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "METRICS_PORT": str(port)}
    with _site(marketplace, **figures) as site:
        worker = marketplace.started(*WORKER, **figures)
        try:
            assert [site.ask() for _ in range(3)] == [200, 200, 200]
            assert site.ask("/metrics") == 404
            home = 'marketplace_request_seconds_count{endpoint="home.home",method="GET",status="2xx"} 3.0'
            until(lambda: home in _scraped(port), "the figures")
            assert "marketplace_jobs_oldest_seconds" in _scraped(port)
        finally:
            worker.terminate()
            assert worker.wait(timeout=30) == 0


def test_processes_that_end_leave_their_figures_and_no_files(marketplace: Marketplace, tmp_path: Path) -> None:
    """Each process that starts gathers what those before it left."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    figures = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    with _site(marketplace, **figures) as site:
        assert [site.ask() for _ in range(3)] == [200, 200, 200]
        site.reload()
        assert [site.ask() for _ in range(3)] == [200, 200, 200]
    worker = marketplace.started(*WORKER, **figures, METRICS_PORT=str(port))
    try:
        until(lambda: _scraped(port), "the worker's answer", START_SECONDS)
        assert 'marketplace_request_seconds_count{endpoint="home.home",method="GET",status="2xx"} 6.0' in _scraped(port)
        assert len(list(tmp_path.glob("*.db"))) <= 2, "the sum of the dead, and the worker's own"
    finally:
        worker.terminate()
        assert worker.wait(timeout=30) == 0


def _scraped(port: int) -> str:
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            return str(answer.read().decode())
    except OSError:
        return ""
