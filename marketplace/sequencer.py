"""The sequencer of the evidence log: `python -m marketplace.sequencer`, one for each deployment, a program of its own.

It waits for what is entered, takes it into the log and signs the log (`traceability.jobs.sequencing`). A second one
waits for the lock of the first. While it is down sales go on; what they enter is taken in afterwards. Told to stop, it
ends after the present batch. Where the database went back in time it refuses to sign, says so, and ends with 78.

`… init` makes the first key. `… rotate-key` makes a new one and prints what `marketplace.cli log-key-rotation` enters;
once that is in the log, the new key signs.

It is told four things by the environment and no secret of the site: DATABASE_SEQUENCER_URL, LOG_KEY_FOLDER, and
LOG_ORIGIN or PUBLIC_URL, of which the log has its name.
"""

import argparse
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg

from marketplace.kernel.addresses import NO_ORIGIN, UNGUARDED, is_guarded, is_origin_of_log, origin_of_log
from marketplace.traceability.jobs.key_folder import SPECIMEN, KeyFolder, KeyFolderUnfit
from marketplace.traceability.jobs.sequencing import BATCH, Sequencer, TreeRefused

log = logging.getLogger("marketplace.sequencer")

LOCK = 6_020_034
TURN_SECONDS = 0.5
YIELDING = 10  # as of nice(1): who sells goes first, and what waits is taken in when there is room
LONGEST_PAUSE = 8.0
REFUSED = 78  # EX_CONFIG of sysexits.h: starting it again does not help


class TermsUnfit(Exception):
    """The environment does not say enough, or something unsafe. One line for each."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the environment says; `folder` knows the name of the log."""

    database_url: str
    folder: KeyFolder

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Raises TermsUnfit. As for the site, a demonstration is what DEMONSTRATION=1 says, production all else."""
        url, folder = (environment.get(name, "") for name in ("DATABASE_SEQUENCER_URL", "LOG_KEY_FOLDER"))
        origin = origin_of_log(environment.get("LOG_ORIGIN", ""), environment.get("PUBLIC_URL", ""))
        production = environment.get("DEMONSTRATION") != "1"
        checks = {
            "Not set: DATABASE_SEQUENCER_URL": not url,
            "Not set: LOG_KEY_FOLDER": not folder,
            "Not set: PUBLIC_URL or LOG_ORIGIN": origin == "/log",
            NO_ORIGIN: not is_origin_of_log(origin),
            UNGUARDED: production and not is_guarded(url),
            "LOG_KEY_FOLDER holds the key of a demonstration": production and (Path(folder) / SPECIMEN).exists(),
        }
        problems = [text for text, wrong in checks.items() if wrong]
        if problems:
            raise TermsUnfit("\n".join(problems))
        return cls(url.replace("postgresql+psycopg:", "postgresql:", 1), KeyFolder(Path(folder), origin))

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            self.database_url, autocommit=True, connect_timeout=5, application_name="marketplace-sequencer"
        )


class Work:
    """Takes in what comes, until it is told to stop."""

    def __init__(self, terms: Terms) -> None:
        self._terms, self._told_to_stop = terms, False

    def stop(self, *_signal: object) -> None:
        """Of a signal: end after the present batch."""
        self._told_to_stop = True

    def run(self) -> None:
        """Work, and begin again when the database was away. Raises TreeRefused, KeyFolderUnfit."""
        pause = TURN_SECONDS
        while not self._told_to_stop:
            try:
                with self._terms.connect() as connection:
                    if self._is_alone(connection):
                        sequencer = Sequencer(connection, self._terms.folder)
                        log.info("the log %s has %s entries", self._terms.folder.name, sequencer.size)
                        pause = TURN_SECONDS
                        self._sequence(sequencer)
            except psycopg.OperationalError as error:
                log.warning("the database does not answer (%s); trying again", type(error).__name__)
            except psycopg.Error:
                log.exception("ALARM what was entered cannot be taken into the log; trying again")
            self._wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _sequence(self, sequencer: Sequencer) -> None:
        while not self._told_to_stop:
            if sequencer.integrate() < BATCH:
                sequencer.wait(TURN_SECONDS)

    def _is_alone(self, connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
        """Wait for the lock, which ends with the connection of who holds it; False when told to stop meanwhile."""
        waited = False
        while not self._told_to_stop:
            found = connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
            if found == (True,):
                return True
            if not waited:
                log.info("another sequencer works; waiting for it to end")
            waited = True
            self._wait(TURN_SECONDS)
        return False

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._told_to_stop and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TURN_SECONDS))


def rotate_key(terms: Terms) -> str:
    """Prepare a new key; what is to be entered about it, as a line of JSON."""
    with terms.connect() as connection:
        found = connection.execute("SELECT coalesce(max(size), 0) FROM traceability_log_checkpoint").fetchone()
    return json.dumps(terms.folder.prepare_next(found[0] if found else 0))


def main(arguments: Sequence[str] | None = None) -> None:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.sequencer")
    parser.add_argument("command", nargs="?", choices=("serve", "init", "rotate-key"), default="serve")
    chosen = parser.parse_args(arguments).command
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        terms = Terms.of(os.environ)
        if chosen == "init":
            sys.stdout.write(f"{terms.folder.make().verifier.vkey}\n")
        elif chosen == "rotate-key":
            sys.stdout.write(f"{rotate_key(terms)}\n")
        else:
            _serve(terms)
    except (TermsUnfit, KeyFolderUnfit) as error:
        raise SystemExit(str(error)) from None
    except TreeRefused as error:
        log.critical("ALARM the log is not signed: %s", error)
        raise SystemExit(REFUSED) from None


def _serve(terms: Terms) -> None:
    os.nice(YIELDING)
    work = Work(terms)
    signal.signal(signal.SIGTERM, work.stop)
    with suppress(KeyboardInterrupt):
        work.run()


if __name__ == "__main__":
    main()
