"""The embedded PostgreSQL: roles that mean something, no leftovers, no confusion about who runs it."""

import os
import pwd
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sandbox import embedded_db, processes
from sandbox.embedded_db import ROLES, EmbeddedDatabaseError, EmbeddedServer

ROOT = Path(__file__).parents[2]


def connect(server: EmbeddedServer, role: str, database: str = "marketplace") -> psycopg.Connection:
    return psycopg.connect(server.url(role, database).replace("postgresql+psycopg", "postgresql"))


def is_running(process_id: int) -> bool:
    return processes.find_living(process_id) is not None


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(tmp_path_factory.mktemp("embedded"), fsync=False) as running:
        yield running


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "database"


@pytest.mark.asvs("13.2.1", "13.2.2")
@pytest.mark.parametrize("role", ROLES)
def test_each_role_logs_in_as_itself_without_powers(server, role):
    with connect(server, role) as connection:
        row = connection.execute(
            "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (role, False, False, False, False, False)


@pytest.mark.asvs("13.2.1")
def test_a_role_does_not_log_in_with_the_password_of_another(server):
    url = server.url("marketplace_owner").replace("postgresql+psycopg", "postgresql")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace("marketplace_owner:", "marketplace_app:"))


def test_the_owner_owns_database_and_schema_and_the_others_make_no_table(server):
    with connect(server, "marketplace_owner") as connection:
        owners = connection.execute(
            "SELECT pg_get_userbyid(datdba), pg_get_userbyid(nspowner) FROM pg_database, pg_namespace"
            " WHERE datname = current_database() AND nspname = 'public'"
        ).fetchone()
        connection.execute("CREATE TABLE owned (id int)")
        connection.rollback()
    assert owners == ("marketplace_owner", "marketplace_owner")
    for role in ROLES[1:]:
        with connect(server, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE stolen (id int)")


def test_it_listens_on_a_private_socket_only(server):
    with server.connect_as_superuser() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        (sockets,) = connection.execute("SHOW unix_socket_directories").fetchone()
        encoding = connection.execute("SHOW server_encoding").fetchone()
    folder = Path(sockets.strip('"'))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.data_folder / "passwords.json").stat().st_mode) == 0o600
    assert encoding == ("UTF8",)


def test_databases_come_and_go_with_the_roles_rights(server):
    server.create_database("template_of_tests")
    with connect(server, "marketplace_owner", "template_of_tests") as connection:
        connection.execute("CREATE TABLE carried (id int)")
    server.create_database("copy_of_tests", template="template_of_tests")
    still_open = connect(server, "marketplace_owner", "copy_of_tests")
    assert still_open.execute("SELECT count(*) FROM carried").fetchone() == (0,)
    server.drop_database("template_of_tests")
    server.drop_database("copy_of_tests")
    with pytest.raises(psycopg.errors.AdminShutdown):
        still_open.execute("SELECT 1")
    still_open.close()
    with server.connect_as_superuser() as connection:
        left = connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE '%_of_tests'").fetchone()
    assert left == (0,)


def test_a_restart_keeps_the_data_and_a_stop_leaves_nothing_running(folder):
    server = EmbeddedServer(folder, fsync=False)
    server.start()
    with connect(server, "marketplace_owner") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    process_id = server.process.pid
    server.stop()
    server.stop()
    assert server.process is None
    assert not is_running(process_id)
    assert not (folder / "cluster/postmaster.pid").exists()
    with server, connect(server, "marketplace_owner") as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_one_process_at_a_time_runs_it_and_others_may_connect(folder):
    other = EmbeddedServer(folder, fsync=False)
    with EmbeddedServer(folder, fsync=False) as server:
        with pytest.raises(EmbeddedDatabaseError, match="already run by another process"):
            other.start()
        assert is_running(server.process.pid)
        assert other.url("marketplace_app") == server.url("marketplace_app")
        with connect(other, "marketplace_reader") as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("marketplace_reader",)


START_AND_BE_KILLED = """
import os, sys
from pathlib import Path
from sandbox import processes
from sandbox.embedded_db import EmbeddedServer
if sys.argv[2] == "untethered":
    processes.tethered = lambda command, *_: list(command)
server = EmbeddedServer(Path(sys.argv[1]), fsync=False)
server.start()
print(server.process.pid, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("how", ["tethered", "untethered"])
def test_after_a_killed_starter_the_next_one_takes_over(folder, how):
    killed = subprocess.run(
        [sys.executable, "-c", START_AND_BE_KILLED, str(folder), how], cwd=ROOT, capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    first = int(killed.stdout)
    if how == "untethered":
        assert is_running(first)
    with EmbeddedServer(folder, fsync=False) as server:
        assert server.process.pid != first
        assert not is_running(first)
        with connect(server, "marketplace_app") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_it_starts_after_the_server_itself_was_killed(folder):
    server = EmbeddedServer(folder, fsync=False)
    server.start()
    server.process.kill()
    server.process.wait()
    server.stop()
    assert (folder / "cluster/postmaster.pid").exists()
    with server, connect(server, "marketplace_app") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_process_id_that_now_belongs_to_another_program_is_not_believed(folder):
    server = EmbeddedServer(folder, fsync=False)
    server.initialise()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        try:
            stale = f"{bystander.pid}\n{server.cluster}\n0\n5432\n{folder}/socket\n\n0 0\nready\n"
            (server.cluster / "postmaster.pid").write_text(stale)
            with server:
                assert server.process.pid != bystander.pid
            assert bystander.poll() is None
        finally:
            bystander.kill()


def test_an_interrupted_initialisation_is_begun_anew(folder):
    unfinished = folder / "cluster.unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(folder, fsync=False) as server:
        assert is_running(server.process.pid)
    assert not unfinished.exists()


def test_a_deep_folder_gets_its_socket_elsewhere_and_keeps_it(tmp_path):
    deep = tmp_path / ("a clone's folder, deep " * 4) / "instance"
    with EmbeddedServer(deep, fsync=False) as server:
        url = server.url("marketplace_app")
        with connect(server, "marketplace_app") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    sockets = Path((deep / "socket-folder").read_text())
    assert len(os.fsencode(sockets)) < 100
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    assert server.url("marketplace_app") == url
    sockets.rmdir()


def test_why_it_did_not_start_is_said_in_one_line(folder):
    server = EmbeddedServer(folder, fsync=False)
    server.initialise()
    (server.cluster / "postgresql.conf").write_text("port = elsewhere\n")
    with pytest.raises(EmbeddedDatabaseError, match=r"did not start: .*\(more in .*server\.log\)$") as refusal:
        server.start()
    assert "\n" not in str(refusal.value)
    assert server.process is None


def test_without_any_postgresql_the_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(embedded_db, "_candidate_folders", lambda: iter(()))
    with pytest.raises(EmbeddedDatabaseError, match=r"install requirements\.txt .* or set DATABASE_URL"):
        embedded_db.find_server()


def test_the_postgresql_that_was_asked_for_is_taken_or_none(monkeypatch, tmp_path):
    monkeypatch.setenv("EMBEDDED_POSTGRESQL", str(tmp_path))
    with pytest.raises(EmbeddedDatabaseError, match="No PostgreSQL found"):
        embedded_db.find_server()


def test_a_postgresql_that_is_too_old_is_passed_over(monkeypatch, tmp_path):
    for name in ("initdb", "postgres"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
        program.chmod(0o755)
    monkeypatch.setattr(embedded_db, "_candidate_folders", lambda: iter((tmp_path,)))
    with pytest.raises(EmbeddedDatabaseError, match="PostgreSQL 15 or newer"):
        embedded_db.find_server()


@pytest.fixture
def forget_who_we_are() -> Iterator[None]:
    embedded_db._as_ordinary_user.cache_clear()
    yield
    embedded_db._as_ordinary_user.cache_clear()


@pytest.mark.parametrize(("user", "called"), [(0, "root"), (4_000_000, "user 4000000, who has no name here")])
def test_who_may_not_run_it_is_told_what_to_do(monkeypatch, forget_who_we_are, user, called):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(embedded_db.shutil, "which", lambda _: None)
    with pytest.raises(EmbeddedDatabaseError) as refusal:
        embedded_db._as_ordinary_user()
    assert str(refusal.value) == (
        f"PostgreSQL does not run as {called}, and this machine forbids the user namespace that would help: "
        "run as an ordinary user, or set DATABASE_URL."
    )


def test_an_ordinary_user_needs_no_namespace(monkeypatch, forget_who_we_are):
    somebody = max(entry.pw_uid for entry in pwd.getpwall())
    monkeypatch.setattr(os, "geteuid", lambda: somebody)
    assert embedded_db._as_ordinary_user() == ()


def test_root_becomes_somebody_whom_the_machine_knows(monkeypatch, forget_who_we_are):
    tried = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(embedded_db.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(
        embedded_db.subprocess,
        "run",
        lambda command, **_: tried.append(command) or subprocess.CompletedProcess(command, 0),
    )
    words = embedded_db._as_ordinary_user()
    assert tried == [[*words, "true"]]
    (user,) = (int(word.removeprefix("--map-user=")) for word in words if word.startswith("--map-user="))
    assert user != 0
    assert pwd.getpwuid(user).pw_uid == user


def test_a_folder_of_another_user_is_left_alone(monkeypatch, folder):
    folder.mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    with pytest.raises(EmbeddedDatabaseError, match="belongs to another user"):
        EmbeddedServer(folder).start()
    assert list(folder.iterdir()) == []
