"""The sequencer is killed, doubled, cut off and told to stop. Whatever was acknowledged is in the log, exactly once.

`KILLS` says how often it is killed; `make soak` says a hundred.
"""

import os
import random
import signal
import threading
from collections import Counter
from typing import Self
from uuid import UUID

import pytest
from flask import Flask

from marketplace.infra.db import Scope, db, reader, use_scope
from marketplace.kernel.merkle import GrowingTree, leaf_hash
from marketplace.traceability import queries, services
from marketplace.traceability.models import CheckpointRow
from marketplace.traceability.rules.notes import Checkpoint, opened
from marketplace.traceability.rules.tiles import Place
from sandbox.embedded_db import EmbeddedServer
from tests.factories.traceability import a_journey, an_act
from tests.faults.conftest import Sequencers
from tests.faults.waiting import until

KILLS = int(os.environ.get("KILLS", "3"))
WRITERS = 4

pytestmark = pytest.mark.usefixtures("database")


class Load:
    """People who act, all the while. What a commit acknowledged is remembered."""

    def __init__(self, app: Flask) -> None:
        self._app, self._over = app, threading.Event()
        self.acknowledged: list[UUID] = []
        self.journeys: list[UUID] = []
        self._threads = [threading.Thread(target=self._act) for _ in range(WRITERS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _act(self) -> None:
        with self._app.app_context(), use_scope(Scope.all()):
            journey_id = a_journey()
            self.journeys.append(journey_id)
            while not self._over.wait(0.002):
                entry_id = services.record_act(an_act(journey_id))
                db.session.commit()
                self.acknowledged.append(entry_id)


def leaves() -> list[bytes]:
    size, found = queries.checkpoint_size(), []
    for index in range(-(-size // 256)):
        bundle = queries.log_entries(Place(index, min(256, size - 256 * index)).path)
        while bundle:
            end = 2 + int.from_bytes(bundle[:2])
            found.append(bundle[2:end])
            bundle = bundle[end:]
    return found


def checkpoints() -> list[Checkpoint]:
    """All that were ever signed and committed, the first one first."""
    with reader() as connection:
        notes = connection.execute(CheckpointRow.__table__.select().order_by(CheckpointRow.size)).all()
    return [Checkpoint.parse(row.note.rpartition("\n\n")[0] + "\n") for row in notes]


def in_the_log(number: int) -> bool:
    return queries.checkpoint_size() >= number


@pytest.mark.timeout(60 + 20 * KILLS)
@pytest.mark.requirement("T26-33", "T26-41")
def test_killed_under_load_it_loses_nothing_and_takes_nothing_twice(app: Flask, sequencers: Sequencers) -> None:
    chance, seen = random.Random(6962), list[str]()  # noqa: S311  the moments of the kills, the same each time
    with Load(app) as load:
        for _ in range(KILLS):
            process, before = sequencers.start(), queries.checkpoint_size()
            until(lambda before=before: in_the_log(before + 1), "a checkpoint of this life")
            threading.Event().wait(chance.uniform(0, 0.7))
            seen.append(queries.checkpoint())
            process.send_signal(signal.SIGKILL)
            process.wait()
    sequencers.start()
    until(lambda: in_the_log(len(load.acknowledged)), "everything to be in the log")

    entries = [entry for journey_id in load.journeys for entry in queries.journey_entries(journey_id)]
    assert Counter(entry.id for entry in entries) == Counter(load.acknowledged)
    for journey_id in load.journeys:
        numbers = [entry.number for entry in queries.journey_entries(journey_id)]
        assert sorted(map(int, filter(None, numbers))) == list(range(1, len(numbers) + 1))
    signed, tree, roots = checkpoints(), GrowingTree(), {}
    for leaf in leaves():
        tree.append(leaf_hash(leaf))
        roots[tree.size] = tree.root
    assert [each.root for each in signed] == [roots[each.size] for each in signed], "one tree that only grew"
    shown = [Checkpoint.parse(opened(note, sequencers.folder.signer().verifier)) for note in seen]
    assert set(shown) <= set(signed), "what was shown was committed"
    assert len(signed) > KILLS


def test_of_two_one_works_and_the_other_takes_over_when_it_dies(app: Flask, sequencers: Sequencers) -> None:
    first = sequencers.start()
    until(lambda: sequencers.said(" has 0 entries"), "the first to begin")
    second = sequencers.start()
    until(lambda: sequencers.said("another sequencer works"), "the second to see the first")
    with Load(app) as load:
        until(lambda: in_the_log(20), "the first to work")
        assert second.poll() is None
        assert sequencers.said("entries") == 1, "the second has not even looked at the log"
        first.kill()
        first.wait()
        taken = queries.checkpoint_size()
        until(lambda: in_the_log(taken + 20), "the second to work")
    until(lambda: in_the_log(len(load.acknowledged)), "everything to be in the log")
    assert len(leaves()) == len(load.acknowledged)


def test_cut_off_from_the_database_it_waits_and_goes_on(sequencers: Sequencers, server: EmbeddedServer) -> None:
    process = sequencers.start()
    until(lambda: sequencers.said(" has 0 entries"), "it to begin")
    with server.connect_as_superuser() as superuser:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'marketplace_sequencer'"
        )
    until(lambda: sequencers.said("the database does not answer"), "it to notice")
    services.record_act(an_act(a_journey()))
    db.session.commit()
    until(lambda: in_the_log(1), "it to go on")
    assert process.poll() is None


def test_told_to_stop_it_ends_well(sequencers: Sequencers) -> None:
    process = sequencers.start()
    until(lambda: sequencers.said(" has 0 entries"), "it to begin")
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert not sequencers.said("Traceback")


@pytest.mark.requirement("T26-41", "T26-49")
def test_over_a_database_that_went_back_it_says_what_to_do_and_ends(sequencers: Sequencers) -> None:
    signer = sequencers.folder.signer()
    sequencers.folder.keep(signer.note(Checkpoint(signer.name, 7, b"r" * 32).text))
    services.record_act(an_act(a_journey()))
    db.session.commit()
    assert sequencers.start().wait(timeout=60) == 78
    assert sequencers.said("ALARM the log is not signed: the log in the database has 0 entries, and 7 were signed") == 1
    assert queries.checkpoint_size() == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"LOG_KEY_FOLDER": ""}, "Not set: LOG_KEY_FOLDER"),
        ({"LOG_ORIGIN": "two words"}, "LOG_ORIGIN is a name without blanks"),
        ({"LOG_KEY_FOLDER": "/nowhere"}, "/nowhere/log.key is not there; `init` makes the first key"),
        ({"DEMONSTRATION": "0", "DATABASE_SEQUENCER_URL": "postgresql://u@db.example/m"}, "needs ?sslmode=verify-full"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_told_too_little_or_something_unsafe_it_does_not_begin(
    sequencers: Sequencers, changes: dict[str, str], said: str
) -> None:
    sequencers.environment.update(changes)
    assert sequencers.start().wait(timeout=60) == 1
    assert sequencers.said(said) == 1


@pytest.mark.asvs("13.3.2")
def test_a_key_that_others_may_read_signs_nothing(sequencers: Sequencers) -> None:
    (sequencers.folder.path / "log.key").chmod(0o640)
    assert sequencers.start().wait(timeout=60) == 1
    assert sequencers.said("must be readable by its owner only") == 1


def test_production_does_not_sign_with_the_key_of_a_demonstration(sequencers: Sequencers) -> None:
    (sequencers.folder.path / "SPECIMEN").touch()
    sequencers.environment["DEMONSTRATION"] = ""
    assert sequencers.start().wait(timeout=60) == 1
    assert sequencers.said("LOG_KEY_FOLDER holds the key of a demonstration") == 1
