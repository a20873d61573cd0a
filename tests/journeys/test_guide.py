"""The commands of docs/running.md, as they stand there, with exactly the environment files that are shipped.

systemd is not there to be asked: a small program in its place does what `marketplace-as` asks of systemd-run, and
starts the command with what the environment files say and nothing else. Folders are those of the test, the user is the
test's own; who may read what as which user is tried in tests/unit/test_deployment.py.
"""

import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from marketplace.kernel import ids
from sandbox.demo_pki import make_pki
from sandbox.embedded_db import EmbeddedServer, find_server
from tests.environment import ROOT
from tests.journeys.conftest import START_SECONDS, until

SHIPPED = ROOT / "docs" / "deployment"
GUIDE = re.sub(r"( \\|(?<=\|))\n +", " ", (ROOT / "docs" / "running.md").read_text())  # one command, one line
FILLED = {
    "SECRET_KEY": "a-long-random-secret-of-no-importance", "LICENCE_NUMBER": "L-1",
    "AGENCY_ADDRESS": "1 Example Road, Shanghai",
    "STRIPE_SECRET_KEY": "sk_live_of_nobody", "STRIPE_WEBHOOK_SECRET": "whsec_of_nobody",
    "STRIPE_IDENTITY_KEY": "rk_live_of_nobody",
}  # fmt: skip

SYSTEMD_RUN = f"""#!{sys.executable}
import os, re, sys
from dotenv import dotenv_values

told, words = {{"PATH": "{find_server().folder}:/usr/bin:/bin", "PYTHONPATH": "{ROOT}"}}, sys.argv[1:]
while words[0].startswith("--"):
    option = words.pop(0)
    if option.startswith("--property=EnvironmentFile="):
        told |= dotenv_values(option.split("=", 2)[2], interpolate=False)
    elif option.startswith("--property=LoadCredential="):
        credential = option.rsplit(":", 1)[1]
    elif option.startswith("--setenv=BACKUP_KEY_FILE=/run/credentials/"):
        told["BACKUP_KEY_FILE"] = credential
    elif option.startswith("--property=UMask="):
        os.umask(int(option.rsplit("=", 1)[1], 8))
    elif option.split("=")[0] not in {{"--quiet", "--collect", "--wait", "--pipe", "--pty", "--unit", "--uid",
                                      "--working-directory"}}:
        sys.exit(f"not understood: {{option}}")
program = re.sub("^/srv/marketplace/.venv/bin/", "{Path(sys.executable).parent}/", words[0])
os.chdir("{ROOT}")
os.execve(program, [program, *words[1:]], told)
"""
JOURNALCTL = """#!/bin/sh
cat "$JOURNAL"
"""


@dataclass(frozen=True)
class Host:
    """Folders in place of a machine's, and the commands of the guide."""

    folder: Path

    def here(self, line: str) -> str:
        """The line with the machine's folders where the test has them."""
        line = line.replace("~/", f"{self.folder}/")
        return re.sub(r"(?<![\w/.])/(etc|srv|run)/marketplace(?!/\.venv)", rf"{self.folder}/\1/marketplace", line)

    def told(self, settings: str = "marketplace") -> dict[str, str]:
        path = f"{self.folder}/bin:/usr/bin:/bin"
        return {
            "PATH": path,
            "MARKETPLACE_SETTINGS": f"{self.folder}/etc/{settings}",
            "JOURNAL": f"{self.folder}/journal",
        }

    def run(self, line: str, *, settings: str = "marketplace", typed: str = "") -> str:
        """What a line of the guide prints. It stands there word for word."""
        assert f"\n{line}\n" in GUIDE, line
        done = subprocess.run(
            ["sh", "-c", self.here(line)], env=self.told(settings), input=typed, capture_output=True, text=True,
            check=False, timeout=180,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout

    @contextmanager
    def running(self, service: str, *more: str) -> Iterator[subprocess.Popen[bytes]]:
        """What the unit starts, told what its environment file says; told to stop, it ends well."""
        unit = (SHIPPED / f"marketplace-{service}.service").read_text()
        (start,) = re.findall("^ExecStart=/srv/marketplace/.venv/bin/(.*)$", unit, re.MULTILINE)
        script = [f"{self.folder}/bin/marketplace-as", service, *shlex.split(self.here(start)), *more]
        log = self.folder / f"{service}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(script, env=self.told(), stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(timeout=60)
        assert status == 0, log.read_text()


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """With the names of databases that the guide uses."""
    with EmbeddedServer(tmp_path_factory.mktemp("postgres"), fsync=False) as running:
        running.create_database("drill")
        yield running


@pytest.fixture(scope="module")
def host(own_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """An empty database with the four roles, the folders, the shipped files filled in, and a running keeper."""
    host = Host(tmp_path_factory.mktemp("host"))
    for name in ("bin", "etc/marketplace/seals", "etc/marketplace-keeper", "etc/marketplace-log",
                 "srv/marketplace-storage", "srv/marketplace-backups", "srv/marketplace-drill",
                 "run/marketplace"):  # fmt: skip
        (host.folder / name).mkdir(parents=True)
    script = (SHIPPED / "marketplace-as").read_text()
    for name, content in (("systemd-run", SYSTEMD_RUN), ("marketplace-as", script), ("journalctl", JOURNALCTL)):
        (host.folder / "bin" / name).write_text(content)
        (host.folder / "bin" / name).chmod(0o755)
    seals = host.folder / "etc/marketplace/seals"
    make_pki(seals, {"harbour": "Harbour Life Insurance Co."})
    (seals / "SPECIMEN").unlink()  # production refuses a demonstration's; these stand for real ones
    for name in ("site", "worker", "backup", "sequencer"):
        lines = (SHIPPED / f"{name}.env").read_text().splitlines()
        filled = "\n".join(host.here(_filled_in(line, own_server)) for line in lines)
        (host.folder / "etc/marketplace" / f"{name}.env").write_text(filled + "\n")
    with _keeper(host):
        yield host


def _filled_in(line: str, server: EmbeddedServer) -> str:
    """What stands empty, the databases, and a port that is free; the rest as it is shipped."""
    name, _, value = line.partition("=")
    if name in FILLED and not value:
        return f"{name}={FILLED[name]}"
    if role := re.search(r"//(\w+):PASSWORD@", value):
        return f"{name}={server.url(role[1])}"
    return f"{name}={_free_port()}" if name == "METRICS_PORT" else line


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def _keeper(host: Host) -> Iterator[None]:
    start = [sys.executable, "-m", "marketplace.infra.keeper"]
    keys = str(host.folder / "etc/marketplace-keeper/keys.json")
    path = host.folder / "run/marketplace-keeper/socket"
    path.parent.mkdir()
    subprocess.run([*start, "init", keys], check=True, cwd=ROOT)
    with subprocess.Popen([*start, "serve", keys, str(path)], cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        until(path.is_socket, "the keeper")
        yield
        process.terminate()


def _ready(port: int) -> bool:
    try:
        asked = requests.get(
            f"http://127.0.0.1:{port}/healthz/ready", headers={"Host": "insurance.example"}, timeout=20
        )
    except requests.RequestException:
        return False
    return asked.status_code == 200


def _worked(server: EmbeddedServer) -> bool:
    with server.connect_as_superuser("marketplace") as connection:
        done = connection.execute("SELECT count(*) > 0 FROM procrastinate_jobs WHERE status = 'succeeded'").fetchone()
    return done == (True,)


def _signed(server: EmbeddedServer) -> bool:
    with server.connect_as_superuser("marketplace") as connection:
        types = "SELECT count(*) FROM traceability_entry WHERE type IN ('pages:released', 'log:key_rotated')"
        found = connection.execute(types).fetchone()
    return found == (2,)


@pytest.mark.timeout(600)  # a dozen programs start, one after the other
@pytest.mark.requirement("T26-49")
def test_the_guide_is_followed_from_an_empty_database_to_a_drill(host: Host, own_server: EmbeddedServer) -> None:
    host.run("marketplace-as migrations flask --app wsgi db upgrade")
    release = "marketplace-as site python -m marketplace.cli release-pages"
    release += ' --author "Anna Li" --reviewer "Tom Weber" --reason "The first pages"'
    assert host.run(release).startswith("release 1: ")
    assert host.run("marketplace-as site python -m marketplace.cli publish-wordings").endswith(" new versions\n")
    add = 'marketplace-as site python -m marketplace.cli add-admin anna@insurance.example "Anna Li"'
    assert "anna@insurance.example may sign in" in host.run(add, typed="three words of hers\n" * 2)

    assert host.run("marketplace-as sequencer python -m marketplace.sequencer init").startswith(
        "insurance.example/log+"
    )

    port = _free_port()
    site = host.running("site", "--bind", f"127.0.0.1:{port}")
    with host.running("sequencer"), site, host.running("worker"):
        until(lambda: _ready(port), "the site", START_SECONDS)
        until(lambda: _worked(own_server), "the worker", START_SECONDS)
        for line in re.findall(r"^marketplace-as .*~/rotation.json$", GUIDE, re.MULTILINE):
            host.run(line)
        until(lambda: _signed(own_server), "the release and the new key in the log", START_SECONDS)
    folder = host.folder / "etc/marketplace-log"
    assert sorted(path.name for path in folder.iterdir()) == ["checkpoint", "log.key"], "the new key has taken over"

    (host.folder / "etc/marketplace/backup.key").write_text("5" * 64)
    with host.running("backup") as backup:
        backup.wait(timeout=180)
    (made,) = (host.folder / "srv/marketplace-backups").iterdir()
    assert made.stat().st_mode & 0o777 == 0o700
    made.rename(made.with_name("2026-11-22"))

    for line in re.findall(r"^(?:mkdir -p /etc/marketplace-drill|sed -i -e).*$", GUIDE, re.MULTILINE):
        host.run(line)
    drill = {"settings": "marketplace-drill"}
    assert " tables, as on " in host.run(
        "marketplace-as backup python -m marketplace.cli restore /srv/marketplace-backups/2026-11-22", **drill
    )
    check = "marketplace-as worker python -m marketplace.cli check"
    assert host.run(check, **drill).splitlines()[-1] == "sound"

    host.run("marketplace-as worker python -m marketplace.worker --reconcile", **drill)
    erased = ids.new_id()
    (host.folder / "journal").write_text(
        f'{{"event": "erased", "level": "info", "logger": "marketplace.infra.vault", "subjects": ["{erased}"]}}\n'
    )
    (replay,) = re.findall(r"^journalctl .* replay-erasures -$", GUIDE, re.MULTILINE)
    assert host.run(replay, **drill) == "1 subjects erased again, 0 were erased already\n"
    assert host.run(check, **drill).splitlines()[-1] == "sound"


def test_a_command_that_was_not_told_enough_says_so(host: Host) -> None:
    """The backup's file is enough for a backup and for nothing else."""
    said = subprocess.run(
        [f"{host.folder}/bin/marketplace-as", "backup", "python", "-m", "marketplace.cli", "check"],
        env=host.told(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert said.returncode == 1
    assert said.stderr.startswith("Not set: PUBLIC_URL, SECRET_KEY, DATABASE_URL, ")


def test_a_worker_that_cannot_read_the_seals_does_not_begin(host: Host) -> None:
    root = host.folder / "etc/marketplace/seals/root.pem"
    away = root.rename(root.with_suffix(".away"))
    try:
        said = subprocess.run(
            [f"{host.folder}/bin/marketplace-as", "worker", "python", "-m", "marketplace.worker"],
            env=host.told(), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    finally:
        away.rename(root)
    assert said.returncode == 1
    assert said.stderr.splitlines()[-1].startswith("SEALS_FOLDER: root.pem cannot be read (No such file or directory).")
