"""Closing and forgetting with money in play: a payment simulator."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator_server import SimulatorServer, simulator_in_use


@pytest.fixture
def simulator(tmp_path: Path, database: None) -> Iterator[SimulatorServer]:
    with simulator_in_use(tmp_path) as running:
        yield running
