"""A clock that ticks at each look, so that the trail has an order; facts go to names that no task has."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import pytest

from marketplace import wiring
from marketplace.application.values import ApplicantAsked, ApplicationMoved, ApplicationOpened, ApplicationSubmitted
from marketplace.infra import jobs
from marketplace.kernel import clock
from marketplace.quoting.values import JourneyCompared


@pytest.fixture(autouse=True)
def facts(app: object) -> Iterator[None]:
    jobs.subscribe(
        {
            JourneyCompared: ("fact.compared",),
            ApplicationOpened: ("fact.opened",),
            ApplicationSubmitted: ("fact.submitted",),
            ApplicationMoved: ("fact.moved",),
            ApplicantAsked: ("fact.asked",),
        }
    )
    yield
    jobs.subscribe(wiring.SUBSCRIBERS)


@pytest.fixture
def ticking_clock(frozen_clock: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """From noon in Shanghai on 22 November 2026, a millisecond each time somebody looks."""
    looks = count()
    monkeypatch.setattr(clock, "now", lambda: frozen_clock + timedelta(milliseconds=next(looks)))
