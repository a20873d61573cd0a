"""The demonstration's insurers have terms in force and accounts at Stripe that work, made as anybody's are."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from marketplace.accounts import queries
from marketplace.accounts.values import PayeeState
from marketplace.catalog import queries as catalog
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from sandbox.demo import linking, loading
from sandbox.instance import Instance
from tests.simulator_server import SimulatorServer, simulator_in_use


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[SimulatorServer]:
    with simulator_in_use(tmp_path) as running:
        yield running


def test_each_insurer_is_paid_and_has_agreed_what_it_pays(
    app: Flask, simulator: SimulatorServer, tmp_path: Path
) -> None:
    instance = Instance(tmp_path / "instance")
    instance.make()
    with app.app_context():
        desks = loading.load(instance)
        linking.link(desks)
        linking.link(loading.load(instance))  # a second start makes nothing twice
        states = {payee and payee.state for payee in (queries.payee(desk.insurer.id) for desk in desks)}
        agreed = [(term.insurer_id, term.line) for term in queries.terms_in_force(clock.today(ZONE))]
        sold = {
            (desk.insurer.id, version.line.value)
            for desk in desks
            for version in catalog.products_of_insurer(desk.insurer.id)
        }
    assert states == {PayeeState.READY}
    assert len(simulator.listed("/v1/accounts", limit=100)) == len(desks)
    assert (len(agreed), set(agreed)) == (len(sold), sold)
