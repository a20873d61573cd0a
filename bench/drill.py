"""The drill of docs/running.md with the demonstration's data: a backup, restored elsewhere and checked."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.demonstration import ROOT, Demonstration
from bench.results import Figure
from sandbox.embedded_db import EmbeddedServer, find_server

DRILLS = 3
_DATABASE = "drill"


def measure(demonstration: Demonstration, folder: Path) -> Iterator[Figure]:
    """The living demonstration is backed up; only the drill's own database and folder are written."""
    server = EmbeddedServer(demonstration.folder / "instance" / "database")
    living = demonstration.environment_of("marketplace.worker")
    living |= {"DATABASE_OWNER_URL": server.url("marketplace_owner"), "BACKUP_KEY_FILE": str(folder / "key")}
    (folder / "key").write_text(os.urandom(32).hex())
    backups, files = folder / "backups", folder / "drill"
    roles = {"DATABASE_URL": "app", "DATABASE_OWNER_URL": "owner", "DATABASE_READER_URL": "reader"}
    there = {name: server.url(f"marketplace_{role}", _DATABASE) for name, role in roles.items()}
    making, bringing = [], []
    for _ in range(DRILLS):
        shutil.rmtree(backups, ignore_errors=True)
        shutil.rmtree(files, ignore_errors=True)
        making.append(_seconds(living, "backup", str(backups)))
        (made,) = backups.iterdir()
        server.create_database(_DATABASE)
        told = living | there | {"STORAGE_FOLDER": str(files)}
        bringing.append(_seconds(told, "restore", str(made)) + _seconds(told, "check"))
        server.drop_database(_DATABASE)
    size = f"{sum(part.stat().st_size for part in made.iterdir()) / 1e6:.1f} MB"
    yield Figure("backup", round(statistics.median(making), 1), "s", detail=size)
    yield Figure("restore and check", round(statistics.median(bringing), 1), "s", detail=size)


def _seconds(environment: Mapping[str, str], command: str, *words: str) -> float:
    """Of one command from its start to its end. Raises CalledProcessError where it does not end well."""
    programs = () if command == "check" else ("--programs", str(find_server().folder))
    begun = time.perf_counter()
    subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "marketplace.cli", command, *words, *programs],
        env=dict(environment), cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return time.perf_counter() - begun
