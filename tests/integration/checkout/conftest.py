"""Orders against the simulator; facts that leave checkout also go to names that no task has, so they can be counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace import wiring
from marketplace.checkout.values import OrderIssued, OrderLapsed, OrderNotIssuable, OrderPlaced
from marketplace.infra import jobs
from marketplace.policy.values import PolicyIssued
from tests.simulator_server import SimulatorServer, simulator_in_use


@pytest.fixture
def simulator(tmp_path: Path, database: None) -> Iterator[SimulatorServer]:
    with simulator_in_use(tmp_path) as running:
        yield running


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
