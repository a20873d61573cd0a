"""A key folder, and a sequencer that works in the test's own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from marketplace.infra.jobs import conninfo
from marketplace.traceability.jobs.key_folder import KeyFolder
from marketplace.traceability.jobs.sequencing import Sequencer
from sandbox.embedded_db import DATABASE, EmbeddedServer

ORIGIN = "localhost/log"


def a_key_folder(path: Path) -> KeyFolder:
    path.mkdir(mode=0o700, exist_ok=True)
    folder = KeyFolder(path, ORIGIN)
    folder.make()
    return folder


@contextmanager
def a_sequencer(server: EmbeddedServer, folder: KeyFolder, database: str = DATABASE) -> Iterator[Sequencer]:
    """One that began just now."""
    url = conninfo(server.url("marketplace_sequencer", database))
    with psycopg.connect(url, autocommit=True) as connection:
        yield Sequencer(connection, folder)


def integrate(server: EmbeddedServer, folder: KeyFolder, database: str = DATABASE) -> int:
    """Take everything that is due into the log; how many entries it had."""
    taken = 0
    with a_sequencer(server, folder, database) as sequencer:
        while batch := sequencer.integrate():
            taken += batch
    return taken
