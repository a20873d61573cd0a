"""What was entered comes into the log once, in order, and under a signature (T26-31, T26-33, T26-41)."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from flask import Flask
from sqlalchemy import create_engine, pool, select, text

from marketplace.infra import vault
from marketplace.infra.db import db, reader
from marketplace.infra.jobs import conninfo
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.merkle import HASH, GrowingTree, leaf_hash
from marketplace.traceability import queries, services
from marketplace.traceability.jobs import sequencing
from marketplace.traceability.jobs.key_folder import KeyFolder, KeyFolderUnfit
from marketplace.traceability.jobs.sequencing import TreeRefused
from marketplace.traceability.models import CheckpointRow
from marketplace.traceability.rules.leaves import microseconds
from marketplace.traceability.rules.notes import Checkpoint, opened
from marketplace.traceability.rules.rotation import check_statement, journey_of_log
from marketplace.traceability.rules.tiles import Place
from marketplace.traceability.services.recording import record_of_log
from marketplace.traceability.values import EntryNotFound, EntryType, LogIsEmpty, NotInLogYet
from sandbox.embedded_db import EmbeddedServer
from tests.factories.log import ORIGIN, a_key_folder, a_sequencer, integrate
from tests.factories.traceability import a_journey, a_view, an_act

COPIED = """
INSERT INTO traceability_evidence_intake
SELECT (jsonb_populate_record(NULL::traceability_evidence_intake, %s)).*
"""
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return a_key_folder(tmp_path / "log")


@pytest.fixture
def another(app: Flask) -> Iterator[psycopg.Connection[Any]]:
    """Another transaction of the site, to be left open."""
    with psycopg.connect(conninfo(app.config["SQLALCHEMY_DATABASE_URI"])) as connection:
        connection.execute("SELECT set_config('marketplace.scope', 'all', false)")
        connection.commit()
        yield connection
        connection.rollback()


def acts(journey_id: Any, number: int) -> None:
    for _ in range(number):
        services.record_act(an_act(journey_id))
    db.session.commit()


def leaves() -> list[dict[str, Any]]:
    """Of the whole log, read as everybody may read it."""
    size, found = queries.checkpoint_size(), []
    for index in range(-(-size // 256)):
        bundle = queries.log_entries(Place(index, min(256, size - 256 * index)).path)
        while bundle:
            length = int.from_bytes(bundle[:2])
            found.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    assert signed().size == size
    assert signed().root == root_of(found)
    return [json.loads(leaf) for leaf in found]


def root_of(found: list[bytes]) -> bytes:
    tree = GrowingTree()
    for leaf in found:
        tree.append(leaf_hash(leaf))
    return tree.root


def signed() -> Checkpoint:
    return Checkpoint.parse(queries.checkpoint().rpartition("\n\n")[0] + "\n")


@pytest.mark.requirement("T26-31", "T26-41")
def test_entries_are_numbered_and_tied_together_in_each_journey(server: EmbeddedServer, folder: KeyFolder) -> None:
    one, other = a_journey(), a_journey()
    for _ in range(2):
        acts(one, 2)
        services.record_view(a_view(other))
        assert integrate(server, folder) == 3
    found = leaves()
    for journey_id, number in ((one, 4), (other, 2)):
        own = [leaf for leaf in found if leaf["j"] == str(journey_id)]
        assert [leaf["n"] for leaf in own] == list(range(1, number + 1))
        hashes = [leaf_hash(json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode()).hex() for leaf in own]
        assert [leaf["p"] for leaf in own] == [None, *hashes[:-1]]
    assert opened(queries.checkpoint(), folder.signer().verifier) == signed().text
    assert (folder.path / "checkpoint").read_text() == queries.checkpoint()


@pytest.mark.requirement("T26-41")
def test_a_leaf_says_what_the_entry_is_and_binds_what_it_says(server: EmbeddedServer, folder: KeyFolder) -> None:
    journey_id = a_journey()
    services.record_view(a_view(journey_id, b"<!doctype html>shown", body={"status": 200}))
    acts(journey_id, 1)
    before = queries.journey_entries(journey_id)
    assert [(each.log_index, each.number) for each in before] == [(None, None)] * 2
    integrate(server, folder)
    entries, envelopes = queries.journey_entries(journey_id), queries.envelopes_of_journey(journey_id)
    assert [replace(each, log_index=None, number=None) for each in entries] == list(before), "as it was entered"
    assert [(each.log_index, each.number) for each in entries] == [(0, 1), (1, 2)]
    for entry, leaf in zip(entries, leaves(), strict=True):
        envelope = envelopes[entry.id]
        assert leaf["b"] == entry.body_sha256 == sha256_hex(envelope.salt + envelope.data)
        assert (leaf["v"], leaf["t"], leaf["ts"]) == (1, entry.type, microseconds(entry.recorded_at))
        assert (leaf["pv"], leaf["r"]) == (entry.page_version_id, entry.page_sha256)
    assert queries.page_bytes(entries[0].id) == b"<!doctype html>shown"
    assert queries.pages_of_journey(journey_id) == {entries[0].id: b"<!doctype html>shown"}


def test_the_intake_is_empty_afterwards_and_nothing_is_taken_twice(server: EmbeddedServer, folder: KeyFolder) -> None:
    acts(a_journey(), 5)
    assert (integrate(server, folder), integrate(server, folder)) == (5, 0)
    assert queries.waiting_seconds() == 0.0
    assert len(leaves()) == 5


def test_a_large_batch_fills_tiles_and_leaves_its_rest_for_the_next(
    server: EmbeddedServer, folder: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencing, "BATCH", 300)
    journey_id = a_journey()
    acts(journey_id, 700)
    with a_sequencer(server, folder) as sequencer:
        assert [sequencer.integrate() for _ in range(4)] == [300, 300, 100, 0]
    assert [leaf["n"] for leaf in leaves()] == list(range(1, 701))
    tile = queries.log_hashes("0", Place(1).path)
    assert len(tile) == 256 * HASH
    assert queries.log_hashes("0", Place(1, 7).path) == tile[: 7 * HASH], "a tile that was partial is still to be had"
    assert len(queries.log_hashes("0", Place(2, 188).path)) == 188 * HASH
    assert len(queries.log_hashes("1", Place(0, 2).path)) == 2 * HASH
    for level, place in ((0, Place(2)), (0, Place(2, 189)), (1, Place(0, 3)), (2, Place(0, 1)), (0, Place(9))):
        with pytest.raises(LogIsEmpty):
            queries.log_hashes(str(level), place.path)


# --- the horizon ------------------------------------------------------------------------------------------------------


def test_nothing_is_taken_that_an_open_transaction_could_still_precede(
    server: EmbeddedServer, folder: KeyFolder, another: psycopg.Connection[Any]
) -> None:
    another.execute("SELECT pg_current_xact_id()")
    acts(a_journey(), 3)
    assert integrate(server, folder) == 0, "it waits for the older transaction"
    another.rollback()
    assert integrate(server, folder) == 3


def test_a_transaction_that_commits_late_is_not_passed_over(
    app: Flask, server: EmbeddedServer, folder: KeyFolder, another: psycopg.Connection[Any]
) -> None:
    early, late = a_journey(), a_journey()
    acts(early, 1)
    row = _row_of(app, early) | {"id": str(uuid4()), "journey_id": str(late)}
    row["xid"] = another.execute("SELECT pg_current_xact_id()::text").fetchone()[0]  # type: ignore[index]
    another.execute(COPIED, (json.dumps(row),))
    acts(early, 1)
    assert integrate(server, folder) == 1
    another.commit()
    assert integrate(server, folder) == 2
    assert [leaf["j"] for leaf in leaves()] == [str(early), str(late), str(early)]


def _row_of(app: Flask, journey_id: Any) -> dict[str, Any]:
    owner = create_engine(app.config["DATABASE_OWNER_URL"], poolclass=pool.NullPool)
    with owner.begin() as connection:
        connection.execute(text("SET LOCAL marketplace.scope = 'all'"))
        row: dict[str, Any] = connection.execute(
            text("SELECT to_jsonb(i) FROM traceability_evidence_intake i WHERE journey_id = :journey"),
            {"journey": journey_id},
        ).scalar_one()
    return row


def test_transactions_are_ordered_as_numbers_and_not_as_words(server: EmbeddedServer, folder: KeyFolder) -> None:
    """Across a power of ten, where 9… stands behind 10… as text."""
    with server.connect_as_superuser("marketplace") as superuser:
        present = int(superuser.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text").fetchone()[0])  # type: ignore[index,call-overload]
        journey_id = a_journey()
        acts(journey_id, 12)
        superuser.execute("SET session_replication_role = replica")
        superuser.execute(
            "UPDATE traceability_evidence_intake i SET xid = n.xid::text::xid8 FROM "
            "(SELECT id, 94 + row_number() OVER (ORDER BY recorded_at, id) AS xid FROM traceability_evidence_intake) n "
            "WHERE n.id = i.id"
        )
    assert present > 106
    recorded = [entry.id for entry in queries.journey_entries(journey_id)]
    integrate(server, folder)
    entries = sorted(queries.journey_entries(journey_id), key=lambda entry: entry.number or 0)
    assert [entry.id for entry in entries] == recorded


def test_within_a_transaction_the_instant_decides(server: EmbeddedServer, folder: KeyFolder, frozen_clock: Any) -> None:
    journey_id = a_journey()
    for seconds in (2, 0, 1):
        with clock.frozen(frozen_clock + timedelta(seconds=seconds)):
            services.record_act(an_act(journey_id))
    db.session.commit()
    integrate(server, folder)
    assert [entry.number for entry in queries.journey_entries(journey_id)] == [1, 2, 3]


def test_what_a_backup_of_another_server_brought_back_is_taken_in(server: EmbeddedServer, folder: KeyFolder) -> None:
    """Its transactions lie in this server's future, where they would wait for years."""
    acts(a_journey(), 2)
    with server.connect_as_superuser("marketplace") as superuser:
        superuser.execute("UPDATE traceability_evidence_intake SET xid = '4611686018427387904'")
    assert integrate(server, folder) == 2


# --- what may go wrong ------------------------------------------------------------------------------------------------


@pytest.mark.requirement("T26-33")
def test_while_nobody_sequences_acts_go_on_and_come_in_afterwards(server: EmbeddedServer, folder: KeyFolder) -> None:
    journey_id = a_journey()
    acts(journey_id, 2)
    integrate(server, folder)
    acts(journey_id, 3)
    assert [entry.number for entry in queries.journey_entries(journey_id)] == [1, 2, None, None, None], "seen at once"
    assert queries.checkpoint_size() == 2
    assert queries.waiting_seconds() > 0
    assert integrate(server, folder) == 3
    assert [entry.number for entry in queries.journey_entries(journey_id)] == [1, 2, 3, 4, 5]


def test_a_batch_that_fails_leaves_everything_as_it_was(
    server: EmbeddedServer, folder: KeyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts(a_journey(), 1)
    integrate(server, folder)
    acts(a_journey(), 4)
    kept = queries.checkpoint()

    def fail(_self: object, _text: str) -> str:
        raise psycopg.DataError("the disk is full")

    with monkeypatch.context() as broken, a_sequencer(server, folder) as sequencer:
        broken.setattr("marketplace.traceability.rules.notes.Signer.note", fail)
        with pytest.raises(psycopg.DataError):
            sequencer.integrate()
    assert (queries.checkpoint(), (folder.path / "checkpoint").read_text()) == (kept, kept)
    assert queries.checkpoint_size() == 1
    assert integrate(server, folder) == 4


@pytest.mark.parametrize("before", [0, 1], ids=["the first batch", "a later one"])
def test_killed_between_commit_and_file_it_goes_on(
    server: EmbeddedServer, folder: KeyFolder, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    acts(a_journey(), before)
    assert integrate(server, folder) == before
    acts(a_journey(), 1)
    with monkeypatch.context() as killed, a_sequencer(server, folder) as sequencer:
        killed.setattr(KeyFolder, "keep", lambda _self, _note: (_ for _ in ()).throw(InterruptedError))
        with pytest.raises(InterruptedError):
            sequencer.integrate()
    assert folder.checkpoint() != signed(), "the file is behind what was committed"
    acts(a_journey(), 1)
    assert integrate(server, folder) == 1
    assert folder.checkpoint() == signed()


@pytest.mark.requirement("T26-41", "T26-49")
def test_a_database_that_went_back_is_not_signed(app: Flask, server: EmbeddedServer, folder: KeyFolder) -> None:
    journey_id = a_journey()
    acts(journey_id, 3)
    integrate(server, folder)
    with server.connect_as_superuser("marketplace") as superuser:
        superuser.execute("DROP TABLE IF EXISTS earlier_entry, earlier_checkpoint")
        superuser.execute("CREATE TABLE earlier_entry AS TABLE traceability_entry")
        superuser.execute("CREATE TABLE earlier_checkpoint AS TABLE traceability_log_checkpoint")
    acts(journey_id, 2)
    integrate(server, folder)
    with server.connect_as_superuser("marketplace") as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("DELETE FROM traceability_entry")
        superuser.execute("DELETE FROM traceability_log_checkpoint")
        superuser.execute("INSERT INTO traceability_entry TABLE earlier_entry")
        superuser.execute("INSERT INTO traceability_log_checkpoint TABLE earlier_checkpoint")
        superuser.execute("DROP TABLE earlier_entry, earlier_checkpoint")
    acts(journey_id, 1)
    with pytest.raises(TreeRefused, match="has 3 entries, and 5 were signed: the database went back in time"):
        integrate(server, folder)
    assert queries.checkpoint_size() == 3, "nothing was signed"
    assert queries.journey_entries(journey_id)[-1].number is None


@pytest.mark.requirement("T26-41")
def test_a_log_that_was_altered_is_not_signed(server: EmbeddedServer, folder: KeyFolder) -> None:
    acts(a_journey(), 3)
    integrate(server, folder)
    with server.connect_as_superuser("marketplace") as superuser:
        superuser.execute("SET session_replication_role = replica")
        superuser.execute("UPDATE traceability_entry SET leaf_hash = sha256('x') WHERE log_index = 1")
    with pytest.raises(TreeRefused, match="does not fit its own newest checkpoint of 3: it was altered"):
        integrate(server, folder)


@pytest.mark.requirement("T26-41")
def test_another_log_under_the_same_key_is_not_signed(server: EmbeddedServer, folder: KeyFolder) -> None:
    """A fork: as large as the signed one or larger, fitting its own checkpoint, and made of other entries."""
    acts(a_journey(), 3)
    integrate(server, folder)
    signed_before = (folder.path / "checkpoint").read_text()
    forged = Checkpoint(ORIGIN, 2, b"f" * HASH)
    folder.keep(folder.signer().note(forged.text))
    with pytest.raises(TreeRefused, match="first 2 entries of the log in the database are not those that were signed"):
        integrate(server, folder)
    folder.keep(signed_before)
    assert integrate(server, folder) == 0


def test_a_folder_without_its_checkpoint_signs_a_log_of_its_own_only(
    server: EmbeddedServer, folder: KeyFolder, tmp_path: Path
) -> None:
    acts(a_journey(), 1)
    integrate(server, folder)
    (folder.path / "checkpoint").unlink()
    with pytest.raises(TreeRefused, match="has lost its newest checkpoint"):
        integrate(server, folder)
    acts(a_journey(), 1)
    begun_anew = a_key_folder(tmp_path / "new")
    assert integrate(server, begun_anew) == 1, "a new key continues the tree as a new log"


def test_a_folder_of_another_log_is_refused(server: EmbeddedServer, folder: KeyFolder) -> None:
    acts(a_journey(), 1)
    integrate(server, folder)
    with pytest.raises(KeyFolderUnfit, match=f"belongs to the log {ORIGIN}, not to elsewhere.example/log"):
        integrate(server, KeyFolder(folder.path, "elsewhere.example/log"))


# --- proofs and keys --------------------------------------------------------------------------------------------------


def test_a_proof_is_given_once_the_entry_is_in_the_log(server: EmbeddedServer, folder: KeyFolder) -> None:
    with pytest.raises(LogIsEmpty):
        queries.checkpoint()
    entry_id = services.record_act(an_act(a_journey()))
    db.session.commit()
    with pytest.raises(NotInLogYet):
        queries.log_proof(entry_id)
    integrate(server, folder)
    assert queries.log_proof(entry_id).decode().endswith(f"\n\n{queries.checkpoint()}")
    with pytest.raises(EntryNotFound):
        queries.log_proof(uuid4())


@pytest.mark.requirement("T26-41")
def test_the_key_changes_once_the_log_says_so(server: EmbeddedServer, folder: KeyFolder) -> None:
    acts(a_journey(), 2)
    integrate(server, folder)
    old = folder.signer().verifier
    said = folder.prepare_next(2)
    assert folder.prepare_next(99) == said, "asked again it says the same"
    acts(a_journey(), 1)
    integrate(server, folder)
    assert folder.signer().verifier == old
    assert opened(queries.checkpoint(), old)

    services.record_rotation(ORIGIN, said)
    db.session.commit()
    integrate(server, folder)
    new = check_statement(said, ORIGIN)
    assert opened(queries.checkpoint(), old), "the change itself is under the old key"
    assert folder.signer().verifier == new
    acts(a_journey(), 1)
    integrate(server, folder)
    assert opened(queries.checkpoint(), new)
    keys = [line for line in queries.trust_policy(ORIGIN).decode().splitlines() if line.startswith("log ")]
    assert keys == [f"log {old.vkey}", f"log {new.vkey}"]
    (entry,) = queries.journey_entries(journey_of_log(ORIGIN))
    assert (entry.type, entry.body) == (EntryType.LOG_KEY_ROTATED, said)
    assert not folder.waits()


@pytest.mark.requirement("T26-41")
def test_the_change_of_the_key_is_the_last_entry_under_the_old_one(server: EmbeddedServer, folder: KeyFolder) -> None:
    """Whatever is entered beside it: the old key signs no tree that has more."""
    acts(a_journey(), 2)
    integrate(server, folder)
    old, said = folder.signer().verifier, folder.prepare_next(2)
    acts(a_journey(), 1)
    services.record_rotation(ORIGIN, said)
    acts(a_journey(), 3)
    assert integrate(server, folder) == 5
    sizes = select(CheckpointRow.size, CheckpointRow.note).order_by(CheckpointRow.size)
    with reader() as connection:
        notes = {row.size: row.note for row in connection.execute(sizes)}
    assert list(notes) == [2, 4, 7]
    assert opened(notes[4], old)
    assert opened(notes[7], check_statement(said, ORIGIN))


@pytest.mark.requirement("T26-41")
def test_the_key_does_not_change_for_another_entry_of_the_log_itself(server: EmbeddedServer, folder: KeyFolder) -> None:
    """A sequencer that begins anew while a prepared key waits signs with the old one, whatever else was entered."""
    acts(a_journey(), 1)
    integrate(server, folder)
    old = folder.signer().verifier
    folder.prepare_next(1)
    record_of_log(ORIGIN, EntryType.LOG_STAMPED, {"authority": "local"})
    db.session.commit()
    integrate(server, folder)
    acts(a_journey(), 1)
    integrate(server, folder)
    assert folder.waits()
    assert opened(queries.checkpoint(), old)


def test_the_logs_own_journey_is_never_idle(server: EmbeddedServer, folder: KeyFolder, frozen_clock: Any) -> None:
    services.record_rotation(ORIGIN, folder.prepare_next(0))
    db.session.commit()
    idle = a_journey()
    assert queries.idle_journeys(frozen_clock + timedelta(days=4000), 10) == (idle,)
    integrate(server, folder)
    assert queries.idle_journeys(frozen_clock + timedelta(days=4000), 10) == (idle,)


def test_a_contract_wakes_the_sequencer_and_nothing_else_does(server: EmbeddedServer) -> None:
    url = conninfo(server.url("marketplace_sequencer"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("LISTEN traceability_log")
        acts(a_journey(), 1)
        services.record_view(a_view(a_journey()))
        assert list(connection.notifies(timeout=0)) == []
        services.record_act(an_act(a_journey(), EntryType.CONTRACT_CONCLUDED))
        db.session.rollback()
        services.record_act(an_act(a_journey(), EntryType.CONTRACT_CONCLUDED))
        db.session.commit()
        assert len(list(connection.notifies(timeout=5, stop_after=1))) == 1
        assert list(connection.notifies(timeout=0)) == []


@pytest.mark.requirement("T26-47")
def test_an_erased_entry_stays_in_the_log_and_says_nothing(server: EmbeddedServer, folder: KeyFolder) -> None:
    journey_id = a_journey()
    entry_id = services.record_act(an_act(journey_id, EntryType.ANSWER_GIVEN, body={"question": "heart"}))
    db.session.commit()
    integrate(server, folder)
    proof, before = queries.log_proof(entry_id), leaves()
    vault.destroy(journey_id)
    db.session.commit()
    assert (queries.log_proof(entry_id), leaves()) == (proof, before)
    assert queries.entry(entry_id).body == {}
    assert queries.envelopes_of_journey(journey_id) == {}
