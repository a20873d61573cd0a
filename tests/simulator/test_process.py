"""The simulator as a process: it starts by environment, survives a kill and leaves cleanly."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import stripe

from sandbox.stripe_simulator import LiveKeyRefusedError, SimulatorSettings
from tests.simulator.harness import KEY, Instant, Shop, client_for, open_session, running, type_card, until

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "sandbox.stripe_simulator"]
SECRET = "whsec_of_the_shop"


def environment(database: Path, **given: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIMULATOR_")}
    wanted = {"SIMULATOR_PORT": "0", "SIMULATOR_DATABASE": str(database), "SIMULATOR_SECRET_KEY": KEY}
    return kept | wanted | given


@contextmanager
def process(database: Path, **given: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running simulator and its address; killed at the end if it still runs."""
    with subprocess.Popen(
        COMMAND, env=environment(database, **given), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as child:
        try:
            assert child.stdout is not None
            ready = child.stdout.readline()
            assert ready.startswith("stripe simulator ready on http://127.0.0.1:")
            yield child, ready.split()[-1]
        finally:
            child.kill()


def test_everything_is_still_there_after_kill_9(tmp_path: Path, shop: Shop):
    database = tmp_path / "new" / "stripe.sqlite3"
    hooked = {"SIMULATOR_WEBHOOK_URL": shop.url, "SIMULATOR_WEBHOOK_SECRET": SECRET}
    shop.answers = [503, 503, 503, 503, 200]
    with process(database, **hooked) as (child, url):
        client = client_for(url)
        session = open_session(client)
        assert type_card(f"{url}/c/pay/{session.id}").status_code == 303
        customer = client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"})
        shop.wait_for(1)
        child.send_signal(signal.SIGKILL)
        child.wait()
    with process(database, **hooked) as (child, url):
        client = client_for(url)
        paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
        assert paid.payment_status == "paid"
        assert client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"}).id == customer.id
        assert len(client.v1.customers.list().data) == 1
        until(lambda: client.v1.events.list({"delivery_success": False}).data == [], seconds=20)
        kinds = {client.construct_event(body, signature, SECRET).type for body, signature in shop.received}
        assert {"checkout.session.completed", "customer.created"} <= kinds


def test_it_leaves_cleanly_when_asked(tmp_path: Path):
    with process(tmp_path / "s.sqlite3") as (child, url):
        assert requests.get(f"{url}/_simulator/health", timeout=5).json()["status"] == "ok"
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=10) == 0


def refused_start(tmp_path: Path, **given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        COMMAND,
        env=environment(tmp_path / "s.sqlite3", **given),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"SIMULATOR_SECRET_KEY": "sk_live_secret"}, 2, "begins with sk_test_"),
        ({"SIMULATOR_SECRET_KEY": "rk_test_secret"}, 2, "begins with sk_test_"),
        ({"SIMULATOR_PORT": "eighty"}, 2, "SIMULATOR_PORT"),
        ({"SIMULATOR_WEBHOOK_URL": "http://127.0.0.1:9/"}, 2, "webhook_secret"),
    ],
)
def test_it_refuses_to_start_in_one_clear_line(tmp_path: Path, given: dict[str, str], code: int, words: str):
    refusal = refused_start(tmp_path, **given)
    assert refusal.returncode == code
    assert refusal.stderr.count("\n") == 1
    assert words in refusal.stderr
    assert "secret\n" not in refusal.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_one_clear_line(tmp_path: Path):
    with process(tmp_path / "first.sqlite3") as (_, url):
        refusal = refused_start(tmp_path, SIMULATOR_PORT=url.rsplit(":", 1)[1])
    assert refusal.returncode == 1
    assert refusal.stderr == f"stripe simulator: cannot start on {url[7:]}: Address already in use\n"


def test_a_live_key_can_not_be_expected(tmp_path: Path):
    with pytest.raises(LiveKeyRefusedError):
        SimulatorSettings(tmp_path / "s.sqlite3", "http://127.0.0.1:1", secret_key="sk_live_x")


def test_the_real_library_does_not_notice_the_difference_between_two_starts(tmp_path: Path):
    database = tmp_path / "s.sqlite3"
    with process(database) as (child, url):
        first = open_session(client_for(url)).id
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=10)
    with process(database) as (_, url):
        second = open_session(client_for(url)).id
        listed = client_for(url).v1.checkout.sessions.list({"limit": 1})
        assert listed.has_more
        assert [s.id for s in listed.auto_paging_iter()] == [second, first]
        with pytest.raises(stripe.InvalidRequestError):
            client_for(url).v1.checkout.sessions.retrieve("cs_test_x")


def test_a_file_of_an_older_layout_is_emptied_and_used(
    database: Path, instant: Instant, caplog: pytest.LogCaptureFixture
):
    with sqlite3.connect(database) as old:
        old.execute("CREATE TABLE object (id TEXT, kind TEXT, body TEXT)")
        old.execute("INSERT INTO object VALUES ('cus_old', 'customer', '{}')")
    old.close()
    for expected in (1, 2):  # the second start finds its own layout and keeps what is there
        with running(database, instant) as sim:
            sim.client.v1.customers.create()
            assert len(sim.client.v1.customers.list().data) == expected
    assert [record.message for record in caplog.records] == [
        "stripe.sqlite3 was written by another version and is emptied"
    ]
