"""The drill: a contract is concluded, backed up, and stands again in an empty database, sealed paper and all."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result
from flask import Flask
from sqlalchemy import text

from config import Settings
from marketplace import cli
from marketplace.infra import backup, jobs, storage
from marketplace.infra.backup import DATABASE, FILES, MANIFEST, BackupUnfit, NotEmpty, Place, ProgramFailed
from marketplace.infra.db import db
from marketplace.infra.storage.folder import Folder
from marketplace.infra.storage.objects import Objects
from marketplace.kernel import clock
from marketplace.kernel.canonical import sha256_hex
from marketplace.policy import queries as policies
from marketplace.policy import services as policy
from marketplace.traceability import services as trail
from sandbox.embedded_db import EmbeddedServer, find_server
from tests.deferred_jobs import drain
from tests.factories.policy import a_contract
from tests.factories.restored import in_the_restored_house
from tests.factories.traceability import a_journey, a_release, a_view

KEY = bytes(range(32))
DRILL = "drill"
LATE = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)  # the next day already in Shanghai


@pytest.fixture
def place(app: Flask, server: EmbeddedServer, instance_folder: Path) -> Place:
    """Where the tests' own data lies."""
    return Place(server.url("marketplace_owner"), Folder(instance_folder / "files"), find_server().folder)


@pytest.fixture
def empty(server: EmbeddedServer, tmp_path: Path) -> Iterator[Place]:
    """A database with the four roles and nothing in it, and a folder that is not there yet."""
    server.create_database(DRILL)
    yield Place(server.url("marketplace_owner", DRILL), Folder(tmp_path / "files"), find_server().folder)
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
    return backup.make(tmp_path / "backups", place, KEY).folder


def rows(place: Place) -> dict[str, int]:
    with place.connection() as connection:
        return backup.rows_by_table(connection)


def contents(files: Objects) -> dict[str, bytes]:
    """But what a process that died had not finished: nobody has that back."""
    return {name: files.get(name) for name in files.names() if not name.rpartition("/")[2].startswith(".")}


@pytest.mark.requirement("T26-49")
def test_a_backup_stands_again_in_an_empty_database_with_every_row_and_file(
    kept: Path, contract: str, place: Place, empty: Place
) -> None:
    before = rows(place)
    assert before["policy_policy"] == 1
    backup.restore(kept, empty, KEY)
    assert rows(empty) == before
    assert contents(empty.files) == contents(place.files) != {}


@pytest.fixture
def check_there(settings: Settings, server: EmbeddedServer, tmp_path: Path) -> Callable[[], Result]:
    """`check` of what was restored into the empty place, by an application of its own."""

    def check() -> Result:
        with in_the_restored_house(settings, server, DRILL, tmp_path / "files"):
            return CliRunner().invoke(cli.main, ["check"])

    return check


@pytest.mark.requirement("T26-49", "T26-33")
def test_check_finds_what_a_restored_house_lacks_of_its_pages(
    database: None, place: Place, empty: Place, tmp_path: Path, check_there: Callable[[], Result]
) -> None:
    words, page = f"<p>{uuid4()}</p>", "".join(f"<p>{sha256_hex(bytes([each]))}</p>" for each in range(60)).encode()
    a_release(words)
    journey_id = a_journey()
    first, again = (trail.record_view(a_view(journey_id, page)) for _ in range(2))
    backup.restore(backup.make(tmp_path / "backups", place, KEY).folder, empty, KEY)
    said = check_there()
    assert (said.exit_code, said.output) == (0, "sound\n")
    sha256 = sha256_hex(words.encode())
    (file,) = (tmp_path / "files").rglob(f"{sha256}*")
    file.unlink()
    with psycopg.connect(jobs.conninfo(empty.database_url)) as owner:
        owner.execute("SET LOCAL marketplace.scope = 'all'")
        assert owner.execute("DELETE FROM traceability_evidence_intake WHERE id = %s", (first,)).rowcount == 1
    said = check_there()
    assert (said.exit_code, said.output.splitlines()) == (
        1,
        [
            f"release 1: not in the store as they were put there: {sha256}",
            f"the view {again}: the earlier view that it is kept against is not there",
        ],
    )


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
    folder = backup.make(tmp_path / "open", place, None).folder
    assert (folder / DATABASE).read_bytes().startswith(b"PGDMP")
    assert json.loads((folder / MANIFEST).read_text())["rows"]["policy_policy"] == 1


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
    assert contents(empty.files) == {}


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


def test_nothing_is_restored_over_data_that_is_there(kept: Path, place: Place, empty: Place, tmp_path: Path) -> None:
    before = rows(place)
    with pytest.raises(NotEmpty):
        backup.restore(kept, place, KEY)
    assert rows(place) == before
    somebodys = tmp_path / "files" / "somebodys"
    somebodys.parent.mkdir()
    somebodys.write_text("file")
    with pytest.raises(NotEmpty):
        backup.restore(kept, empty, KEY)
    assert rows(empty) == {}


def names(backups: Path) -> list[str]:
    return sorted(each.name for each in backups.iterdir())


def test_a_backup_is_named_by_its_day_and_never_written_over_another(place: Place, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    with clock.frozen(LATE):
        first = backup.make(backups, place, KEY).folder
        before = {part: (first / part).read_bytes() for part in backup.PARTS}
        backup.make(backups, place, KEY)
    with clock.frozen(LATE + timedelta(hours=1)):
        backup.make(backups, place, KEY)
    assert names(backups) == ["2026-11-22", "2026-11-22-2", "2026-11-23"], "the day of UTC, wherever the host stands"
    assert {part: (first / part).read_bytes() for part in backup.PARTS} == before
    for name in names(backups):
        assert backup.read_manifest(backups / name, KEY).rows
        assert (backups / name).stat().st_mode & 0o777 == 0o700


@pytest.fixture
def failing(place: Place, tmp_path: Path) -> Place:
    """A place whose pg_dump writes something and fails."""
    (tmp_path / "pg_dump").write_text(f"#!{sys.executable}\nprint('PGDMP')\nraise SystemExit(1)\n")
    (tmp_path / "pg_dump").chmod(0o700)
    return Place(place.database_url, place.files, tmp_path)


def test_a_dump_that_fails_leaves_nothing_and_the_next_one_succeeds(
    place: Place, failing: Place, tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    with pytest.raises(ProgramFailed):
        backup.make(backups, failing, KEY)
    assert names(backups) == []
    assert backup.make(backups, place, KEY).manifest.rows
    assert len(names(backups)) == 1


def test_what_a_killed_backup_left_does_not_hinder_the_next(place: Place, tmp_path: Path) -> None:
    left = tmp_path / "backups" / backup.UNFINISHED
    left.mkdir(parents=True)
    (left / DATABASE).write_text("half")
    made = backup.make(tmp_path / "backups", place, KEY)
    assert names(tmp_path / "backups") == [made.folder.name]
    assert backup.read_manifest(made.folder, KEY) == made.manifest


def test_a_backup_that_does_not_read_back_is_none(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that loses what it took."""
    pack = backup._pack

    def lossy(path: Path, *rest: Any) -> str:
        digest = pack(path, *rest)
        cut_short(path)
        return digest

    monkeypatch.setattr(backup, "_pack", lossy)
    with pytest.raises(BackupUnfit):
        backup.make(tmp_path / "backups", place, KEY)
    assert names(tmp_path / "backups") == []


def test_two_backups_are_not_written_at_once(place: Place, tmp_path: Path) -> None:
    with backup._alone(tmp_path), pytest.raises(backup.AlreadyRunning):
        backup.make(tmp_path, place, KEY)
    assert names(tmp_path) == []
    backup.make(tmp_path, place, KEY)


def a_kept(backups: Path, name: str, parts: tuple[str, ...] = backup.PARTS) -> None:
    (backups / name).mkdir(parents=True)
    for part in parts:
        (backups / name / part).write_text("part")


@pytest.mark.requirement("T26-47")
def test_older_whole_backups_are_removed_and_nothing_else(tmp_path: Path) -> None:
    for name in ("2026-10-17", "2026-10-17-2", "2026-10-18", "2026-11-22"):
        a_kept(tmp_path, name)
    a_kept(tmp_path, "2026-10-01", (DATABASE, FILES))  # somebody took the manifest: a person must look
    a_kept(tmp_path, "before-the-move")
    a_kept(tmp_path, "2026-02-31")
    (tmp_path / "2026-10-02").write_text("a note")
    with clock.frozen(LATE):
        assert [each.name for each in backup.prune(tmp_path, 35)] == ["2026-10-17", "2026-10-17-2"]
    left = ["2026-02-31", "2026-10-01", "2026-10-02", "2026-10-18", "2026-11-22", "before-the-move"]
    assert names(tmp_path) == left


@pytest.fixture
def run(place: Place, instance_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """A command that is told what backing up needs, and nothing else."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / "key").write_text(KEY.hex())

    def invoke(*words: str, place: Place = place) -> Result:
        told = {"DATABASE_OWNER_URL": place.database_url, "STORAGE_FOLDER": str(instance_folder / "files"),
                "BACKUP_KEY_FILE": str(tmp_path / "key")}  # fmt: skip
        return CliRunner().invoke(cli.main, [*words, "--programs", str(place.programs)], env=told)

    return invoke


def test_the_old_go_after_a_good_backup_only(run: Callable[..., Result], failing: Place, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    a_kept(backups, "2026-01-01")
    result = run("backup", str(backups), "--keep", "35", place=failing)
    assert (result.exit_code, result.output.startswith("Error: pg_dump")) == (1, True)
    assert names(backups) == ["2026-01-01"]
    result = run("backup", str(backups), "--keep", "35")
    assert result.exit_code == 0, result.output
    made, removed = result.output.splitlines()
    assert made.startswith(f"{backups / names(backups)[0]}: ")
    assert removed == f"{backups / '2026-01-01'}: removed, older than 35 days"
    assert len(names(backups)) == 1


def test_without_keep_nothing_is_removed(run: Callable[..., Result], tmp_path: Path) -> None:
    a_kept(tmp_path / "backups", "2026-01-01")
    assert run("backup", str(tmp_path / "backups")).exit_code == 0
    assert names(tmp_path / "backups")[0] == "2026-01-01"


def test_backing_up_says_what_it_was_not_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    result = CliRunner().invoke(cli.main, ["backup", str(tmp_path / "backups")])
    assert str(result.exception).startswith("Not set: DATABASE_OWNER_URL ")
    assert not (tmp_path / "backups").exists()


@pytest.mark.requirement("T26-49")
def test_a_sound_house_has_no_unsound_paper_and_an_altered_one_is_named(contract: str, instance_folder: Path) -> None:
    assert policies.unsound_papers() == ()
    (sha256,) = db.session.execute(text("SELECT document_sha256 FROM policy_document WHERE kind = 'policy'")).scalars()
    (kept,) = (instance_folder / "files").rglob(f"{sha256}*")
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
