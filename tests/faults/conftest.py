"""The sequencer as a process of its own, to be killed."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from marketplace.traceability.jobs.key_folder import KeyFolder
from sandbox.embedded_db import EmbeddedServer
from tests.environment import ROOT
from tests.factories.log import a_key_folder

PATIENCE_SECONDS = 60


def until(ask: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS, turn: float = 0.02) -> None:
    """Ask until the answer is yes."""
    end = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds} s for {what}")
        threading.Event().wait(turn)


@dataclass
class Sequencers:
    """Processes of one log. What they say stands in `log`."""

    folder: KeyFolder
    environment: dict[str, str]
    log: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "marketplace.sequencer"], env=self.environment, cwd=ROOT, stdout=log, stderr=log
            )
        self.running.append(process)
        return process

    def said(self, words: str) -> int:
        """How many times."""
        return self.log.read_text().count(words)

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def sequencers(server: EmbeddedServer, tmp_path: Path) -> Iterator[Sequencers]:
    folder = a_key_folder(tmp_path / "log")
    told = {
        "DEMONSTRATION": "1",
        "PUBLIC_URL": "http://localhost:8000",
        "DATABASE_SEQUENCER_URL": server.url("marketplace_sequencer"),
        "LOG_KEY_FOLDER": str(folder.path),
    }
    started = Sequencers(folder, os.environ | told, tmp_path / "sequencer.log")
    yield started
    started.end()
    sys.stdout.write(started.log.read_text())  # shown where a test failed
