"""The Stripe simulator behind real HTTP, and a door that keeps the webhooks it sends."""

import json
import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from marketplace.infra import payment_gateway
from marketplace.infra.stripe_gateway import Gateway
from sandbox.stripe_simulator import Simulator, SimulatorSettings, create_simulator

GOOD_CARD = "4242424242424242"
DECLINED_CARD = "4000000000000002"
WEBHOOK_SECRET = "whsec_of_the_tests"
SECRET_KEY = "sk_test_of_the_tests"
PATIENCE = 10.0


@dataclass(frozen=True)
class Delivery:
    """A webhook as it came in."""

    payload: bytes
    signature: str

    @property
    def type(self) -> str:
        return str(json.loads(self.payload)["type"])


class QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


@dataclass
class SimulatorServer:
    """`pay` does what a customer does on the hosted page; `webhook` waits for an event of a type.

    `ahead` is how many seconds the simulator's clock is before the real one.
    """

    url: str
    simulator: Simulator
    deliveries: "queue.Queue[Delivery]" = field(default_factory=queue.Queue)
    ahead: list[float] = field(default_factory=lambda: [0.0])

    def pay(self, page: str, card: str = GOOD_CARD) -> requests.Response:
        form = {"email": "li.na@example.com", "number": card, "expiry": "12/34", "cvc": "123", "name": "Li Na"}
        return requests.post(page, data=form, allow_redirects=False, timeout=PATIENCE)

    def pay_by_wallet(self, page: str, kind: str, answer: str = "confirm") -> requests.Response:
        """Choose `alipay` or `wechat_pay` and answer there: `confirm`, `refuse`, `later` or `never`."""
        form = {"email": "li.na@example.com", "method": kind}
        led = requests.post(page, data=form, allow_redirects=False, timeout=PATIENCE).headers["Location"]
        wallet = led.removesuffix("/code")
        return requests.post(wallet, data={"answer": answer}, allow_redirects=False, timeout=PATIENCE)

    def wait_for_wallets(self) -> None:
        """What wallets promised comes now, or stays away."""
        self.ahead[0] += self.simulator.settings.later_seconds
        self.simulator.keep_house()

    def switch(self, **switches: Any) -> None:
        requests.post(f"{self.url}/_simulator/faults", json=switches, timeout=PATIENCE).raise_for_status()

    def webhook(self, kind: str) -> Delivery:
        """The next delivery of `kind`; others before it are dropped."""
        while True:
            delivery = self.deliveries.get(timeout=PATIENCE)
            if delivery.type == kind:
                return delivery

    def listed(self, path: str, **params: Any) -> list[dict[str, Any]]:
        """What Stripe's list API shows under `/v1/…`."""
        answer = requests.get(f"{self.url}{path}", params=params, auth=(SECRET_KEY, ""), timeout=PATIENCE)
        answer.raise_for_status()
        return list(answer.json()["data"])


@contextmanager
def running_simulator(folder: Path, site_webhook: str | None = None) -> Iterator[SimulatorServer]:
    """A simulator of its own on a free port, with its webhooks going to a door of the test, or to a site's."""
    received: queue.Queue[Delivery] = queue.Queue()

    @Request.application
    def door(request: Request) -> Response:
        received.put(Delivery(request.get_data(), request.headers["Stripe-Signature"]))
        return Response(status=200)

    with _listening() as (door_listener, webhook_url), _listening() as (listener, url), _serving(door, door_listener):
        ahead = [0.0]
        simulator = create_simulator(
            SimulatorSettings(
                folder / "simulator.sqlite3",
                url,
                site_webhook or webhook_url,
                WEBHOOK_SECRET,
                SECRET_KEY,
                clock=lambda: time.time() + ahead[0],
            )
        )
        with _serving(simulator, listener):
            simulator.start_deliveries()
            yield SimulatorServer(url, simulator, received, ahead)
        simulator.close()


@contextmanager
def simulator_in_use(folder: Path) -> Iterator[SimulatorServer]:
    """A running simulator that this process pays through until the block ends."""
    before = payment_gateway.gateway()
    with running_simulator(folder) as running:
        payment_gateway.configure(
            Gateway(SECRET_KEY, WEBHOOK_SECRET, livemode=False, api_base=running.url, sleep=lambda _: None)
        )
        yield running
    payment_gateway.configure(before)


@contextmanager
def _listening() -> Iterator[tuple[socket.socket, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _serving(application: Any, listener: socket.socket) -> Iterator[None]:
    host, port = listener.getsockname()
    server = make_server(host, port, application, threaded=True, request_handler=QuietHandler, fd=listener.fileno())
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()
