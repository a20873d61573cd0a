"""Somebody is woken when the log stands still, and not before; the figures say how it goes (T26-33)."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.traceability import queries, services
from marketplace.traceability.jobs.watching import watch_log
from sandbox.embedded_db import EmbeddedServer
from tests.factories.log import a_key_folder, integrate
from tests.factories.traceability import a_journey, an_act

pytestmark = pytest.mark.usefixtures("database")


def act(ago: timedelta) -> None:
    """Recorded so long ago."""
    journey_id = a_journey()
    with clock.frozen(clock.now() - ago):
        services.record_act(an_act(journey_id))
    db.session.commit()


def figures() -> dict[str, float]:
    return {reading.name: reading.values[0][1] for reading in queries.readings()}


@pytest.mark.requirement("T26-33")
def test_the_alarm_rings_while_an_entry_waits_too_long_and_no_longer(
    server: EmbeddedServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = a_key_folder(tmp_path / "log")
    with caplog.at_level(logging.ERROR):
        watch_log()
        act(timedelta(seconds=2))
        watch_log()
        assert caplog.text == "", "nothing waits, or not for long"
        act(timedelta(hours=1))
        watch_log()
        assert "ALARM the evidence log stands still: its oldest entry waits for 3600 seconds" in caplog.text
        caplog.clear()
        assert integrate(server, folder) == 2
        watch_log()
        assert caplog.text == ""


def test_figures_say_what_waits_how_much_is_signed_and_how_long_it_took(server: EmbeddedServer, tmp_path: Path) -> None:
    folder = a_key_folder(tmp_path / "log")
    assert figures() == dict.fromkeys(
        ("marketplace_log_oldest_seconds", "marketplace_log_leaves", "marketplace_log_integration_seconds"), 0.0
    )
    act(timedelta(minutes=10))
    integrate(server, folder)
    act(timedelta(minutes=1))
    assert 60 <= figures()["marketplace_log_oldest_seconds"] < 90
    integrate(server, folder)
    found = figures()
    assert (found["marketplace_log_oldest_seconds"], found["marketplace_log_leaves"]) == (0.0, 2.0)
    assert 60 <= found["marketplace_log_integration_seconds"] < 90, "of the last ones, not of those before"


def test_the_log_is_watched_every_ten_seconds() -> None:
    from marketplace.infra import jobs  # noqa: PLC0415  beside what it knows

    assert jobs.known_tasks()["traceability.watch_log"].every == "* * * * * */10"
