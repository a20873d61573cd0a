"""Orders against the simulator, with the jobs of payment, checkout and policy joined as in the wiring."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import marketplace.checkout.jobs
import marketplace.payment.jobs  # noqa: F401  the tasks of both
from marketplace import wiring
from marketplace.application.values import ApplicationOpened, ApplicationSubmitted
from marketplace.checkout.values import OrderIssued, OrderLapsed, OrderNotIssuable, OrderPlaced
from marketplace.infra import jobs, stripe_gateway
from marketplace.payment.values import PaymentExpired, PaymentFailed, PaymentSucceeded, RefundSucceeded
from marketplace.policy.values import PolicyIssued
from marketplace.quoting.values import JourneyCompared
from tests.simulator_server import SECRET_KEY, WEBHOOK_SECRET, SimulatorServer, running_simulator


@pytest.fixture
def simulator(tmp_path: Path, database: None) -> Iterator[SimulatorServer]:
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
            PaymentSucceeded: ("checkout.take_payment",),
            PaymentFailed: (),
            PaymentExpired: (),
            RefundSucceeded: ("checkout.note_refund",),
            PolicyIssued: ("fact.policy_issued",),
            OrderPlaced: ("fact.order_placed",),
            OrderIssued: ("fact.order_issued",),
            OrderNotIssuable: ("fact.order_not_issuable",),
            OrderLapsed: ("fact.order_lapsed",),
            ApplicationOpened: (),
            ApplicationSubmitted: (),
            JourneyCompared: (),
        }
    )
    yield
    jobs.subscribe(wiring.SUBSCRIBERS)
