"""Payments against the simulator over real HTTP; facts go to names that no task has, so that they can be counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace import wiring
from marketplace.infra import jobs
from marketplace.payment.values import PaymentExpired, PaymentFailed, PaymentSucceeded, RefundSucceeded
from tests.simulator_server import SimulatorServer, simulator_in_use


@pytest.fixture
def simulator(tmp_path: Path, database: None) -> Iterator[SimulatorServer]:
    with simulator_in_use(tmp_path) as running:
        yield running


@pytest.fixture(autouse=True)
def facts(app: object) -> Iterator[None]:
    counted = {
        PaymentSucceeded: ("fact.succeeded",),
        PaymentFailed: ("fact.failed",),
        PaymentExpired: ("fact.expired",),
        RefundSucceeded: ("fact.refunded",),
    }
    jobs.subscribe(wiring.SUBSCRIBERS | counted)
    yield
    jobs.subscribe(wiring.SUBSCRIBERS)
