"""Orders against the simulator; facts that leave checkout also go to names that no task has, so they can be counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace import wiring
from marketplace.checkout import services
from marketplace.checkout.values import Order, OrderIssued, OrderLapsed, OrderNotIssuable, OrderPlaced, PaymentUrls
from marketplace.infra import jobs
from marketplace.infra.db import db
from marketplace.payment import services as payment
from marketplace.policy.values import PolicyIssued
from tests.factories.accounts import a_guest
from tests.factories.checkout import an_accepted_application
from tests.simulator_server import SimulatorServer, simulator_in_use

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")


@pytest.fixture
def simulator(tmp_path: Path, database: None) -> Iterator[SimulatorServer]:
    with simulator_in_use(tmp_path) as running:
        yield running


@pytest.fixture
def paid(simulator: SimulatorServer) -> Order:
    """Paid at the provider; nothing of ours has heard of it yet."""
    customer = a_guest("li.na@example.com")
    order = services.place_order([an_accepted_application(customer).id], customer.id)
    attempt = services.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    assert simulator.pay(url).status_code == 303
    return order


@pytest.fixture(autouse=True)
def facts(app: object) -> Iterator[None]:
    counted = {
        PolicyIssued: "fact.policy_issued",
        OrderPlaced: "fact.order_placed",
        OrderIssued: "fact.order_issued",
        OrderNotIssuable: "fact.order_not_issuable",
        OrderLapsed: "fact.order_lapsed",
    }
    jobs.subscribe(wiring.SUBSCRIBERS | {fact: (*wiring.SUBSCRIBERS[fact], name) for fact, name in counted.items()})
    yield
    jobs.subscribe(wiring.SUBSCRIBERS)
