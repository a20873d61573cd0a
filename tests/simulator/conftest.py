"""Fixtures: the simulator on a real port with its client, and shops that receive webhooks."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import stripe

from tests.simulator.harness import Instant, Running, Shop, running


@pytest.fixture
def instant() -> Instant:
    return Instant()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "stripe.sqlite3"


@pytest.fixture
def sim(database: Path, instant: Instant) -> Iterator[Running]:
    with running(database, instant) as simulator:
        yield simulator


@pytest.fixture
def client(sim: Running) -> stripe.StripeClient:
    return sim.client


@pytest.fixture
def open_shop() -> Iterator[Callable[[], Shop]]:
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def build() -> Shop:
        shop = Shop()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(shop.take(body, self.headers["Stripe-Signature"]))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        servers.append((server, thread))
        shop.url = f"http://127.0.0.1:{server.server_port}/webhook"
        return shop

    yield build
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def shop(open_shop: Callable[[], Shop]) -> Shop:
    return open_shop()
