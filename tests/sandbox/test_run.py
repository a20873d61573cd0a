"""`make run` from outside: with small stand-ins for the programs, a real supervisor and real signals."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import processes
from sandbox.instance import MARK
from sandbox.run import CannotStartError, Plan

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0

STEP = "print('did', {name!r})"
LOADING = """
import os, time
while not os.path.exists(os.environ['BORN']) or len(open(os.environ['BORN']).readlines()) % 4 != 3:
    time.sleep(0.01)  # until sequencer, simulator and worker listen to signals; the site is the fourth
{then}
"""
SERVICE = """
import os, signal, sys, threading
over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
with open(os.environ['BORN'], 'a') as born:
    print({name!r}, os.getpid(), file=born)
over.wait()
with open(os.environ['ENDED'], 'a') as ended:
    print({name!r}, file=ended)
"""
TELLING = """
import os
with open(os.environ['ENDED'], 'a') as ended:
    print({name!r}, *os.environ, file=ended)
"""
AFTER = """
import os, time
while not os.path.exists(os.environ['ENDED']) or not open(os.environ['ENDED']).read().endswith(chr(10)):
    time.sleep(0.01)  # until the other one told
"""
DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
with open(os.environ['BORN'], 'a') as born:
    print({name!r}, os.getpid(), file=born)
time.sleep(600)
"""
SITE = """
import http.server, os, signal, sys, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if (self.path, self.headers['Host']) == ('/healthz/ready', {host!r}) else 404)
        self.end_headers()
server = http.server.HTTPServer(('127.0.0.1', {port}), Answer)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
with open(os.environ['BORN'], 'a') as born:
    print('site', os.getpid(), file=born)
server.serve_forever()
with open(os.environ['ENDED'], 'a') as ended:
    print('site', file=ended)
"""
SUPERVISOR = """
import json, sys
from sandbox import run
run.PROGRAMS |= json.loads(sys.argv[1])
sys.exit(run.main())
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Terminal:
    """Somebody who started the supervisor and reads what it says."""

    def __init__(self, folder: Path, port: int, simulator_port: int, **programs: str) -> None:
        standing_in = {
            "migrations": STEP.format(name="migrations"),
            "sequencer": SERVICE.format(name="sequencer"),
            "simulator": SERVICE.format(name="simulator"),
            "worker": SERVICE.format(name="worker"),
            "demonstration": LOADING.format(then=""),
            "site": SITE.format(port=port, host=f"localhost:{port}"),
        } | programs
        # a database that nobody asks: the embedded one has its own tests
        databases = {
            f"DATABASE_{part}URL": f"postgresql+psycopg://role:pw@/none?host={folder}"
            for part in ("", "OWNER_", "READER_", "SEQUENCER_")
        }
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, json.dumps({k: ["-c", v] for k, v in standing_in.items()})],
            cwd=ROOT,
            env=os.environ
            | databases
            | {
                "PORT": str(port),
                "SIMULATOR_PORT": str(simulator_port),
                "INSTANCE_FOLDER": str(folder),
                "BORN": str(folder.with_name("born")),
                "ENDED": str(folder.with_name("ended")),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))

    def until(self, wanted: str) -> str:
        """The next line that contains the words."""
        while wanted not in (line := self._lines.get(timeout=PATIENCE)):
            pass
        return line

    def close(self) -> list[str]:
        """Wait for the end; what was said and not read yet."""
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()
        return list(self._lines.queue)

    def born(self) -> list[tuple[str, int]]:
        rows = [line.split() for line in self.folder.with_name("born").read_text().splitlines()]
        return [(name, int(process_id)) for name, process_id in rows]

    def ended(self) -> list[str]:
        path = self.folder.with_name("ended")
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def start(tmp_path, monkeypatch) -> Iterator:
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    ports = free_port(), free_port()
    terminals = []

    def start_one(**programs: str) -> Terminal:
        terminals.append(Terminal(tmp_path / "instance", *ports, **programs))
        return terminals[-1]

    yield start_one
    for terminal in terminals:
        if terminal.process.poll() is None:
            terminal.process.kill()
        terminal.close()
    processes.end_marked(MARK, str(tmp_path / "instance"), grace_seconds=0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_gets_ready_and_a_signal_ends_everything_in_order(start, number):
    terminal = start()
    assert terminal.until("ready").startswith("ready http://localhost:")
    assert terminal.until("mails").endswith("/inbox")
    assert sorted(dict(terminal.born())) == ["sequencer", "simulator", "site", "worker"]
    terminal.process.send_signal(number)
    terminal.close()
    assert terminal.process.returncode == 0
    assert terminal.ended() == ["site", "worker", "simulator", "sequencer"]
    assert processes.find_marked(MARK, str(terminal.folder)) == []


def test_a_second_signal_does_not_disturb_the_order(start):
    terminal = start()
    terminal.until("Ctrl-C stops it")
    terminal.process.send_signal(signal.SIGINT)
    terminal.until("Stopping")
    terminal.process.send_signal(signal.SIGINT)
    assert "Stopping." not in terminal.close()
    assert terminal.process.returncode == 0
    assert terminal.ended() == ["site", "worker", "simulator", "sequencer"]


def test_a_program_that_is_killed_comes_back(start):
    terminal = start()
    terminal.until("Ctrl-C stops it")
    first = dict(terminal.born())["worker"]
    os.kill(first, signal.SIGKILL)
    assert terminal.until("worker ended") == (
        "worker ended, starting it again in 1 s (signal SIGKILL; its last line: none)"
    )
    while len(terminal.born()) < 5:
        assert terminal.process.poll() is None
    name, second = terminal.born()[-1]
    assert name == "worker"
    assert second != first


@pytest.mark.parametrize("kind", [SERVICE, DEAF], ids=["listening", "deaf"])
def test_after_a_killed_supervisor_the_next_start_takes_over(start, kind):
    killed = start(worker=kind.format(name="worker"))
    killed.until("Ctrl-C stops it")
    old = [process_id for _, process_id in killed.born()]
    killed.process.kill()
    killed.close()
    terminal = start()
    terminal.until("ready")
    assert [process_id for process_id in old if processes.find_living(process_id)] == []
    assert len(processes.find_marked(MARK, str(terminal.folder))) == 5, "the programs and the keeper"


def test_a_demonstration_that_cannot_be_loaded_is_shown_and_nothing_is_called_ready(start):
    failing = "print('catalog of Lindwall: tariff.toml, step 3: unknown kind'); raise SystemExit(1)"
    terminal = start(demonstration=LOADING.format(then=failing))
    lines = terminal.close()
    assert terminal.process.returncode == 1
    assert "demonstration failed (exit status 1):" in lines
    assert "catalog of Lindwall: tariff.toml, step 3: unknown kind" in lines
    assert not [line for line in lines if line.startswith("ready")]
    assert terminal.ended() == ["worker", "simulator", "sequencer"]
    assert sorted(dict(terminal.born())) == ["sequencer", "simulator", "worker"]


def test_a_second_supervisor_leaves_the_first_alone(start):
    first = start()
    first.until("Ctrl-C stops it")
    second = start()
    lines = second.close()
    assert second.process.returncode == 1
    assert lines == [f"This demonstration already runs (process {first.process.pid}); stop it there with Ctrl-C first."]
    assert first.ended() == []
    assert len(processes.find_marked(MARK, str(first.folder))) == 5, "the first one's, with its keeper"


def test_a_public_url_that_is_not_loopback_is_refused(start, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "http://shop.example")
    terminal = start()
    (line,) = terminal.close()
    assert line == "DEMONSTRATION=1 allows PUBLIC_URL on loopback only"
    assert terminal.process.returncode == 1
    assert not terminal.folder.with_name("born").exists()


def test_a_real_key_in_the_environment_does_not_get_in(start, monkeypatch):
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_of_somebody")
    terminal = start(demonstration="import os; raise SystemExit('sk_live' in str(os.environ))")
    assert terminal.until("ready").startswith("ready http://localhost:")


@pytest.mark.asvs("13.2.2")
def test_the_sequencer_alone_is_told_where_the_key_of_the_log_lies_and_no_secret_of_the_site(start):
    terminal = start(
        sequencer=TELLING.format(name="sequencer"), demonstration=AFTER + TELLING.format(name="demonstration")
    )
    terminal.until("ready")
    told = {name: names for name, *names in (line.split() for line in terminal.ended())}
    assert {"LOG_KEY_FOLDER", "DATABASE_SEQUENCER_URL"} <= set(told["sequencer"])
    assert not {"SECRET_KEY", "DATABASE_URL", "STRIPE_SECRET_KEY", "KEEPER_SOCKET"} & set(told["sequencer"])
    assert not {"LOG_KEY_FOLDER", "DATABASE_SEQUENCER_URL"} & set(told["demonstration"])


def test_a_port_in_use_is_named_with_the_way_out():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        plan = Plan.from_environment({"PORT": str(free_port()), "SIMULATOR_PORT": str(port)})
        with pytest.raises(CannotStartError) as refusal:
            plan.refuse_ports_in_use()
    assert str(refusal.value) == (
        f"Port {port} on 127.0.0.1 cannot be used (Address already in use); "
        f"choose another one, for example: make run SIMULATOR_PORT={port + 10}"
    )


@pytest.mark.parametrize("text", ["web", "-1", "0", "65536", "80.5"])
def test_what_is_no_port_is_refused_by_name(text):
    with pytest.raises(CannotStartError, match="PORT must be a port number"):
        Plan.from_environment({"PORT": text})


def test_the_public_address_follows_the_port_unless_it_is_given():
    assert Plan.from_environment({"PORT": "8123"}).public_url == "http://localhost:8123"
    assert Plan.from_environment({"PUBLIC_URL": "http://shop.localhost:9"}).public_url == "http://shop.localhost:9"
    assert Plan.from_environment({"BIND_ADDRESS": "::1"}).site_address == "[::1]:8000"
