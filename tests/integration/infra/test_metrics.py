"""Figures: each outcome under its own label, and the queue as it is when somebody asks."""

import pytest
from flask import Flask
from prometheus_client import REGISTRY

from marketplace.infra import jobs, metrics
from marketplace.infra.db import db
from marketplace.infra.mail import MailUnavailable


def _observed(neighbour: str, outcome: str) -> float:
    found = REGISTRY.get_sample_value(
        "marketplace_neighbour_seconds_count", {"neighbour": neighbour, "outcome": outcome}
    )
    return found or 0.0


@pytest.mark.parametrize(
    ("raised", "outcome"), [(None, "ok"), (MailUnavailable("away"), "mail:unavailable"), (ValueError("odd"), "failed")]
)
def test_a_call_is_counted_under_its_outcome(raised: Exception | None, outcome: str) -> None:
    before = {known: _observed("mail", known) for known in ("ok", "mail:unavailable", "failed")}

    def call() -> None:
        with metrics.timed(metrics.NEIGHBOURS, "mail"):
            if raised:
                raise raised

    if raised:
        with pytest.raises(type(raised)):
            call()
    else:
        call()

    after = {known: _observed("mail", known) for known in before}
    assert after == before | {outcome: before[outcome] + 1}


def test_the_queue_tells_what_waits_and_for_how_long(database: Flask) -> None:
    empty, never = jobs.readings()
    assert (empty.values, never.values) == ((), (((), 0.0),))

    jobs.defer("correspondence.send_message", message_id="00000000-0000-0000-0000-000000000000")
    jobs.defer("payment.reconcile", in_seconds=3600)
    db.session.commit()

    waiting, oldest = jobs.readings()
    assert waiting.values == ((("correspondence.send_message", "todo"), 1.0), (("payment.reconcile", "todo"), 1.0))
    assert 0 < oldest.values[0][1] < 60  # the one that is due, not the one of the next hour


@pytest.mark.asvs("13.4.5")
def test_no_figure_is_shown_on_the_public_address(client) -> None:  # type: ignore[no-untyped-def]  # Werkzeug's, wrapped
    assert client.get("/metrics").status_code == 404
