"""Facts go to names that no task has."""

from collections.abc import Iterator

import pytest

from marketplace import wiring
from marketplace.infra import jobs
from marketplace.quoting.values import JourneyCompared


@pytest.fixture(autouse=True)
def facts(app: object) -> Iterator[None]:
    jobs.subscribe({JourneyCompared: ("fact.compared",)})
    yield
    jobs.subscribe(wiring.SUBSCRIBERS)
