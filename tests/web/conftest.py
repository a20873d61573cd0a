"""A marketplace with one insurer's term life on sale, a payment simulator, and a visitor."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.correspondence import queries as correspondence
from marketplace.disclosure import services as disclosure
from marketplace.infra import stripe_gateway
from marketplace.infra.db import db
from sandbox.demo.visitor import Visitor
from tests.deferred_jobs import drain
from tests.factories.catalog import harbour_term
from tests.simulator_server import SECRET_KEY, WEBHOOK_SECRET, SimulatorServer, running_simulator

ANSWERS = {
    "age": "34", "sex": "female", "smoker": "no", "sum_insured": "1000000", "term_years": "20",
    "occupation_class": "1", "region": "shanghai",
}  # fmt: skip


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorServer]:
    with running_simulator(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@pytest.fixture
def shop(app: Flask, simulator: SimulatorServer) -> Iterator[Flask]:
    """Wordings published, Harbour Term on sale, the gateway speaking to the simulator."""
    before = stripe_gateway.gateway()
    stripe_gateway.configure(stripe_gateway.Gateway(SECRET_KEY, WEBHOOK_SECRET, livemode=False, api_base=simulator.url))
    with app.app_context():
        disclosure.publish_wordings()
        harbour_term()
        db.session.commit()
    yield app
    stripe_gateway.configure(before)


@pytest.fixture
def visitor(shop: Flask, client: FlaskClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
def work(shop: Flask) -> Callable[[], list[str]]:
    """Run what the worker would run."""

    def run() -> list[str]:
        with shop.app_context():
            return drain()

    return run


@pytest.fixture
def code_for(shop: Flask, work: Callable[[], list[str]]) -> Callable[[str], str]:
    """The newest code mailed to an address."""

    def read(address: str) -> str:
        work()
        with shop.app_context():
            newest = next(mail for mail in correspondence.inbox(recipient=address) if "code" in mail.kind)
            text = correspondence.message_parts(newest.id).text
            return next(word for word in text.split() if word.isdigit() and len(word) == 6)

    return read
