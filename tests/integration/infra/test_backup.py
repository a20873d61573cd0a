"""The drill: a contract is concluded, backed up, and stands again in an empty database, sealed paper and all."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.infra import backup, jobs, storage
from marketplace.infra.backup import DATABASE, FILES, MANIFEST, BackupUnfit, NotEmpty, Place, ProgramFailed
from marketplace.infra.db import db
from marketplace.policy import queries as policies
from marketplace.policy import services as policy
from sandbox.embedded_db import EmbeddedServer, find_server
from tests.deferred_jobs import drain
from tests.factories.policy import a_contract

KEY = bytes(range(32))
DRILL = "drill"


@pytest.fixture
def place(app: Flask, server: EmbeddedServer, instance_folder: Path) -> Place:
    """Where the tests' own data lies."""
    return Place(server.url("marketplace_owner"), instance_folder / "files", find_server().folder)


@pytest.fixture
def empty(server: EmbeddedServer, tmp_path: Path) -> Iterator[Place]:
    """A database with the four roles and nothing in it, and a folder that is not there yet."""
    server.create_database(DRILL)
    yield Place(server.url("marketplace_owner", DRILL), tmp_path / "files", find_server().folder)
    server.drop_database(DRILL)


@pytest.fixture
def contract(database: None) -> str:
    """The number of a contract whose sealed paper is in the store."""
    issued = policy.issue(a_contract())
    drain("policy")
    db.session.commit()
    return issued.number


@pytest.fixture
def kept(contract: str, place: Place, tmp_path: Path) -> Path:
    """An encrypted backup."""
    backup.make(tmp_path / "backup", place, KEY)
    return tmp_path / "backup"


def rows(place: Place) -> dict[str, int]:
    with place.connection() as connection:
        return backup.rows_by_table(connection)


@pytest.mark.requirement("T26-49")
def test_a_backup_stands_again_in_an_empty_database_with_every_row_and_file(
    kept: Path, contract: str, place: Place, empty: Place
) -> None:
    before = rows(place)
    assert before["policy_policy"] == 1
    backup.restore(kept, empty, KEY)
    assert rows(empty) == before
    for original in filter(Path.is_file, place.storage.rglob("*")):
        assert (empty.storage / original.relative_to(place.storage)).read_bytes() == original.read_bytes()


@pytest.mark.requirement("T26-49")
def test_what_was_restored_binds_the_sites_role_as_before(kept: Path, empty: Place, server: EmbeddedServer) -> None:
    backup.restore(kept, empty, KEY)
    with psycopg.connect(jobs.conninfo(server.url("marketplace_app", DRILL))) as connection:
        assert connection.execute("SELECT count(*) FROM policy_policy").fetchone() == (0,)
        connection.execute("SET LOCAL marketplace.scope = 'all'")
        assert connection.execute("SELECT count(*) FROM policy_policy").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM policy_version")


def test_the_marks_of_a_contract_are_nowhere_in_an_encrypted_backup(kept: Path, contract: str) -> None:
    for part in (DATABASE, FILES, MANIFEST):
        data = (kept / part).read_bytes()
        for mark in (b"policy_policy", contract.encode(), b"PGDMP", b"%PDF"):
            assert mark not in data


def test_without_a_key_the_marks_are_there(contract: str, place: Place, tmp_path: Path) -> None:
    """The control of the test above, and a backup without a key is restored like another."""
    backup.make(tmp_path / "open", place, None)
    assert (tmp_path / "open" / DATABASE).read_bytes().startswith(b"PGDMP")
    assert json.loads((tmp_path / "open" / MANIFEST).read_text())["rows"]["policy_policy"] == 1


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def wipe(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", [cut_short, wipe, flip, Path.unlink])
@pytest.mark.parametrize("part", [DATABASE, FILES, MANIFEST])
def test_a_spoilt_backup_is_refused_before_anything_is_written(
    kept: Path, empty: Place, part: str, spoil: Callable[[Path], None]
) -> None:
    spoil(kept / part)
    with pytest.raises(BackupUnfit):
        backup.restore(kept, empty, KEY)
    assert rows(empty) == {}
    assert not empty.storage.exists()


@pytest.mark.parametrize("key", [bytes(32), None])
def test_another_key_opens_nothing(kept: Path, empty: Place, key: bytes | None) -> None:
    with pytest.raises(BackupUnfit):
        backup.restore(kept, empty, key)
    assert rows(empty) == {}


def test_parts_of_one_backup_do_not_pass_for_each_other(kept: Path, empty: Place) -> None:
    shutil.copy(kept / DATABASE, kept / MANIFEST)
    with pytest.raises(BackupUnfit):
        backup.restore(kept, empty, KEY)
    assert rows(empty) == {}


def test_nothing_is_restored_over_data_that_is_there(kept: Path, place: Place, empty: Place) -> None:
    before = rows(place)
    with pytest.raises(NotEmpty):
        backup.restore(kept, place, KEY)
    assert rows(place) == before
    empty.storage.mkdir()
    (empty.storage / "somebodys").write_text("file")
    with pytest.raises(NotEmpty):
        backup.restore(kept, empty, KEY)
    assert rows(empty) == {}


def test_a_backup_is_never_written_over_another(kept: Path, place: Place) -> None:
    before = (kept / DATABASE).read_bytes()
    with pytest.raises(NotEmpty):
        backup.make(kept, place, KEY)
    assert (kept / DATABASE).read_bytes() == before


def test_a_dump_that_fails_is_no_backup(place: Place, tmp_path: Path) -> None:
    (tmp_path / "pg_dump").write_text(f"#!{sys.executable}\nraise SystemExit(1)\n")
    (tmp_path / "pg_dump").chmod(0o700)
    with pytest.raises(ProgramFailed):
        backup.make(tmp_path / "backup", Place(place.database_url, place.storage, tmp_path), KEY)
    assert not (tmp_path / "backup" / MANIFEST).exists()


@pytest.mark.requirement("T26-49")
def test_a_sound_house_has_no_unsound_paper_and_an_altered_one_is_named(contract: str, place: Place) -> None:
    assert policies.unsound_papers() == ()
    (sha256,) = db.session.execute(text("SELECT document_sha256 FROM policy_document")).scalars()
    (kept,) = place.storage.rglob(f"{sha256}*")
    whole = kept.read_bytes()
    try:
        flip(kept)
        ((number, _reason),) = policies.unsound_papers()
        assert number == contract
        kept.unlink()
        ((number, reason),) = policies.unsound_papers()
        assert (number, reason) == (contract, f"no file {sha256[:12]}…")
    finally:
        kept.write_bytes(whole)
    assert storage.get(sha256).startswith(b"%PDF")
