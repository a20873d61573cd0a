"""The sequencer as a process of its own, to be killed; and the whole marketplace in this one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask

from config import Settings
from marketplace.traceability.jobs.key_folder import KeyFolder
from sandbox.embedded_db import EmbeddedServer
from tests.environment import ROOT
from tests.factories.log import a_key_folder
from tests.faults.shop import Shop, a_shop


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


@pytest.fixture(scope="module")
def whole_shop(
    migrated_app: Flask, settings: Settings, server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    with a_shop(migrated_app, settings, server, tmp_path_factory.mktemp("shop")) as shop:
        yield shop


@pytest.fixture
def shop(whole_shop: Shop) -> Shop:
    """Of the module, begun anew."""
    whole_shop.begin_anew()
    return whole_shop
