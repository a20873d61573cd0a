"""Figures: each outcome under its own label, and the queue as it is when somebody asks."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client import REGISTRY

from marketplace.infra import jobs, metrics
from marketplace.infra.db import db
from marketplace.infra.mail import MailUnavailable
from tests.environment import ROOT


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


# --- processes that have ended ----------------------------------------------------------------------------------------

COUNT = """
from marketplace.infra import metrics
metrics.REQUESTS.labels("home.home", "GET", "2xx").observe(0.1)
print("counted", flush=True)
input()
"""
TRY = "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)"
COUNTED = "marketplace_request_seconds_count"


@pytest.fixture
def counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], subprocess.Popen[str]]:
    """A process that has counted one request and lives until it is told a line."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    def begin() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", COUNT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
        return process

    return begin


def _ended(process: subprocess.Popen[str]) -> None:
    process.communicate("\n")
    assert process.returncode == 0


def _requests() -> float | None:
    registry = metrics._registry(tuple)
    return registry.get_sample_value(COUNTED, {"endpoint": "home.home", "method": "GET", "status": "2xx"})


def test_what_the_dead_counted_stays_counted_in_one_file(
    tmp_path: Path, counting: Callable[[], subprocess.Popen[str]]
) -> None:
    living = counting()
    for _ in range(3):
        _ended(counting())
    assert (_requests(), len(list(tmp_path.glob("*.db")))) == (4.0, 4)
    metrics.gather_dead()
    names = {f"histogram_{living.pid}.db", "histogram_0.db"}
    assert (_requests(), {path.name for path in tmp_path.glob("*.db")}) == (4.0, names)
    _ended(living)
    metrics.gather_dead()
    metrics.gather_dead()
    assert (_requests(), [path.name for path in tmp_path.glob("*.db")]) == (4.0, ["histogram_0.db"])


def test_a_file_that_cannot_be_read_hinders_nobody(
    tmp_path: Path, counting: Callable[[], subprocess.Popen[str]], caplog: pytest.LogCaptureFixture
) -> None:
    ended = counting()
    _ended(ended)
    lost = counting()
    _ended(lost)
    (tmp_path / f"histogram_{lost.pid}.db").write_bytes(b"")
    metrics.gather_dead()
    assert (_requests(), [path.name for path in tmp_path.glob("*.db")]) == (1.0, ["histogram_0.db"])
    assert "the figures of a process that has ended cannot be read (error)" in caplog.text


def test_nobody_reads_half_gathered_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While somebody reads, the dead are not gathered: the lock that `gather_dead` wants is held."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    tried: list[int] = []

    class Reading(metrics.MultiProcessCollector):
        def collect(self) -> list[object]:
            asked = subprocess.run([sys.executable, "-c", TRY, str(tmp_path)], capture_output=True, check=False)
            tried.append(asked.returncode)
            return []

    monkeypatch.setattr(metrics, "MultiProcessCollector", Reading)
    assert _requests() is None
    assert len(tried) >= 1
    assert set(tried) == {1}


def test_without_a_folder_there_is_nothing_to_gather(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    metrics.gather_dead()
