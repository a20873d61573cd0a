"""The simulator on a real port, the real library as its client, and a shop that receives webhooks."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args, get_origin

import html5lib
import requests
import stripe
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.stripe_simulator import Simulator, SimulatorSettings, create_simulator
from sandbox.stripe_simulator.parameters import Part

KEY = "sk_test_simulator"
GOOD, DECLINED, NO_FUNDS = "4242 4242 4242 4242", "4000 0000 0000 0002", "4000 0000 0000 9995"
EXPIRED, WRONG_CODE = "4000 0000 0000 0069", "4000 0000 0000 0127"
CHALLENGED = ("4000 0025 0000 3155", "4000 0027 6000 3184")
XHTML = "{http://www.w3.org/1999/xhtml}"


class Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Instant:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = float(int(time.time()))

    def __call__(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds


def client_for(url: str, key: str = KEY, retries: int = 2) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": url},
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=(3, 10)),
    )


@dataclass(frozen=True)
class Running:
    url: str
    simulator: Simulator
    instant: Instant

    @property
    def client(self) -> stripe.StripeClient:
        return client_for(self.url)

    def switch(self, **faults: Any) -> None:
        answer = requests.post(f"{self.url}/_simulator/faults", json=faults, timeout=5)
        assert answer.status_code == 200, answer.text


@contextmanager
def running(database: Path, instant: Instant, **settings: Any) -> Iterator[Running]:
    """Ask for a port, tell the simulator, serve from a thread."""
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True, request_handler=Quiet)
    url = f"http://127.0.0.1:{server.server_port}"
    given = {"secret_key": KEY, "first_pause_seconds": 0.02, "webhook_timeout_seconds": 2.0} | settings
    simulator = create_simulator(SimulatorSettings(database=database, public_url=url, clock=instant, **given))
    server.app = simulator
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Running(url, simulator, instant)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        simulator.close()


SESSION: dict[str, Any] = {
    "mode": "payment",
    "success_url": "http://localhost:8000/back?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "http://localhost:8000/cancelled",
    "customer_email": "wang@example.com",
    "client_reference_id": "order-7",
    "metadata": {"order": "7"},
    "payment_intent_data": {"metadata": {"order": "7"}, "description": "Household cover"},
    "line_items": [
        {
            "quantity": 1,
            "price_data": {
                "currency": "cny",
                "unit_amount": 128_400,
                "product_data": {"name": "Household cover, one year"},
            },
        }
    ],
}


def open_session(client: stripe.StripeClient, **changes: Any) -> stripe.checkout.Session:
    return client.v1.checkout.sessions.create({**SESSION, **changes})


def type_card(url: str, number: str = GOOD, **fields: str) -> requests.Response:
    """Press the pay button with a card; redirects are left to the test."""
    form = {"email": "wang@example.com", "number": number, "expiry": "12 / 34", "cvc": "123"} | fields
    return requests.post(url, data=form, timeout=10, allow_redirects=False)


def paid_session(client: stripe.StripeClient, **changes: Any) -> stripe.checkout.Session:
    session = open_session(client, **changes)
    assert type_card(str(session.url)).status_code == 303
    return client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})


def page_of(answer: requests.Response) -> Any:
    """The page as a tree; invalid HTML fails the test."""
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return html5lib.HTMLParser(strict=True).parse(answer.text)


def words_of(tree: Any) -> str:
    return " ".join("".join(tree.find(f"{XHTML}body").itertext()).split())


def an_account(sim: Running, **params: Any) -> str:
    """A connected account whose people have given everything: money can be sent to it."""
    account = sim.client.v1.accounts.create(
        {"type": "express", "country": "HK", "capabilities": {"transfers": {"requested": True}}, **params}  # type: ignore[typeddict-item]
    )
    link = sim.client.v1.account_links.create(
        {
            "account": account.id,
            "type": "account_onboarding",
            "refresh_url": "http://localhost:8000/again",
            "return_url": "http://localhost:8000/joined",
        }
    )
    done = requests.post(link.url, data={"answer": "finish"}, timeout=5, allow_redirects=False)
    assert done.headers["Location"] == "http://localhost:8000/joined"
    return account.id


@dataclass
class Shop:
    """Receives webhooks. `answers` are the statuses it gives, the last one for ever; None hangs up."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [200])
    received: list[tuple[bytes, str]] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, body: bytes, signature: str) -> int:
        with self.arrived:
            self.received.append((body, signature))
            self.arrived.notify_all()
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def wait_for(self, number: int, seconds: float = 10) -> list[dict[str, Any]]:
        with self.arrived:
            came = self.arrived.wait_for(lambda: len(self.received) >= number, seconds)
            assert came, f"{len(self.received)} of {number} webhooks came"
            return self.events()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for body, _ in self.received]

    def types(self) -> list[str]:
        return [event["type"] for event in self.events()]


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for what a thread of the simulator is about to do."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        threading.Event().wait(0.01)


def kinds_in(annotation: Any) -> Iterator[tuple[Any, bool]]:
    """The kinds a parameter may have, each with whether it comes in a list."""
    if get_origin(annotation) is tuple:
        yield from ((kind, True) for kind, _ in kinds_in(get_args(annotation)[0]))
    elif get_origin(annotation) is not None and get_origin(annotation) is not dict and get_args(annotation):
        for inner in get_args(annotation):
            yield from kinds_in(inner)
    else:
        yield annotation, False


def groups(model: type[Part], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], type[Part]]]:
    """Every group of parameters of a request, the request itself among them, with the model that names its members."""
    yield path, model
    for name, parameter in model.model_fields.items():
        for kind, listed in kinds_in(parameter.annotation):
            if isinstance(kind, type) and issubclass(kind, Part):
                yield from groups(kind, (*path, name, "0") if listed else (*path, name))
