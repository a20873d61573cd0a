"""Payments against the simulator over real HTTP; facts go to names that no task has, so that they can be counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from marketplace import wiring
from marketplace.infra import jobs, stripe_gateway
from marketplace.payment.values import PaymentExpired, PaymentFailed, PaymentSucceeded, RefundSucceeded
from tests.simulator_server import SECRET_KEY, WEBHOOK_SECRET, SimulatorServer, running_simulator


@pytest.fixture
def simulator(tmp_path: Path, database: None, settings: Settings) -> Iterator[SimulatorServer]:
    before = stripe_gateway.gateway()
    with running_simulator(tmp_path) as running:
        stripe_gateway.configure(
            stripe_gateway.Gateway(
                SECRET_KEY, WEBHOOK_SECRET, livemode=False, api_base=running.url, sleep=lambda _: None
            )
        )
        yield running
    stripe_gateway.configure(before)


@pytest.fixture(autouse=True)
def facts(app: object) -> Iterator[None]:
    jobs.subscribe(
        {
            PaymentSucceeded: ("fact.succeeded",),
            PaymentFailed: ("fact.failed",),
            PaymentExpired: ("fact.expired",),
            RefundSucceeded: ("fact.refunded",),
        }
    )
    yield
    jobs.subscribe(wiring.SUBSCRIBERS)
