"""A program that nobody here wrote reads the log as our server hands it out, and sees when something is wrong."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.infra.db import db
from marketplace.kernel.merkle import WIDTH
from marketplace.traceability import services
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.rules.tiles import Place
from sandbox.embedded_db import EmbeddedServer
from tests.factories.log import a_key_folder, integrate
from tests.factories.traceability import a_journey, an_act

GO, SUMDB = shutil.which("go"), Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
ENTRIES = 600
REST = ENTRIES % WIDTH

pytestmark = [
    pytest.mark.skipif(
        GO is None or not SUMDB.exists(),
        reason="no golang-go and golang-golang-x-mod-dev: the log is not shown to Go's own code",
    ),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("go")
    program = folder / "other_tools"
    told = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "GOCACHE": str(folder / "cache")}
    source = Path(__file__).with_name("other_tools.go")
    built = subprocess.run(
        [str(GO), "build", "-o", program, source], env=os.environ | told, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture
def folder(app: Flask, server: EmbeddedServer, tmp_path: Path) -> KeyFolder:
    folder = a_key_folder(tmp_path / "log")
    with app.app_context():
        for number in (ENTRIES // 2, ENTRIES // 2):
            journey_id = a_journey()
            for _ in range(number):
                services.record_act(an_act(journey_id))
            db.session.commit()
            integrate(server, folder)
    return folder


@pytest.fixture
def copied(client: FlaskClient, folder: KeyFolder, tmp_path: Path) -> Callable[[], Path]:
    """Fetch the whole log; the folder with what was answered at each address."""

    def copy() -> Path:
        places = [Place(number).path for number in range(ENTRIES // WIDTH)] + [Place(ENTRIES // WIDTH, REST).path]
        addresses = ["checkpoint", f"tile/1/{Place(0, ENTRIES // WIDTH).path}"]
        addresses += [f"tile/{kind}/{place}" for kind in ("0", "entries") for place in places]
        for address in addresses:
            answer = client.get(f"/log/{address}")
            assert answer.status_code == 200, address
            file = tmp_path / "copy" / address
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(answer.data)
        return tmp_path / "copy"

    return copy


def asked(program: Path, log: Path, key: KeyFolder) -> subprocess.CompletedProcess[str]:
    told = [program, log, key.signer().verifier.vkey]
    return subprocess.run(told, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.requirement("T26-41")
def test_gos_own_code_proves_every_entry_of_our_log(
    program: Path, copied: Callable[[], Path], folder: KeyFolder
) -> None:
    said = asked(program, copied(), folder)
    assert (said.returncode, said.stdout, said.stderr) == (0, f"{ENTRIES}\n", "")


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize(
    "alter",
    [
        "UPDATE traceability_entry SET type = 'email:verified' WHERE log_index = 300",
        "UPDATE traceability_entry SET recorded_at = recorded_at - interval '1 day' WHERE log_index = 0",
        "UPDATE traceability_entry SET number = 7000 WHERE log_index = 599",
        "UPDATE traceability_log_tile SET hashes = overlay(hashes placing '\\x00' from 33)",
    ],
)
def test_it_sees_what_was_altered_behind_our_back(
    program: Path, copied: Callable[[], Path], folder: KeyFolder, server: EmbeddedServer, alter: str
) -> None:
    with server.connect_as_superuser("marketplace") as superuser:
        superuser.execute("SET session_replication_role = replica")
        assert superuser.execute(alter).rowcount > 0
    said = asked(program, copied(), folder)
    assert said.returncode == 1
    assert "inconsistent tile" in said.stderr or "invalid transparency proof" in said.stderr


@pytest.mark.requirement("T26-41")
def test_it_trusts_no_other_key(program: Path, copied: Callable[[], Path], tmp_path: Path) -> None:
    said = asked(program, copied(), a_key_folder(tmp_path / "stranger"))
    assert said.returncode == 1
    assert "no verifiable signatures" in said.stderr
