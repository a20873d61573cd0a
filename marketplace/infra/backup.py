"""A backup: the database as one snapshot, the stored files, and a manifest by which a restored one is judged.

    database.dump    pg_dump's custom format, all rows of every scope
    files.tar        the store of files, folder or bucket; nothing in it is ever overwritten, so it is copied after the
                     snapshot, and may be brought back into either
    manifest.json    when, at which migration, rows by table, SHA-256 of both parts

With a key (32 bytes) all three are encrypted with AES-256-GCM, and nobody can alter a backup unnoticed; without one the
hashes find accidents only. The keys of the keeper and of the seals are no part of it: who has both has everything.

Each backup is a folder named by its day (UTC). It has that name when it is whole and never before: one that fails, or
is killed, leaves none behind and does not hinder the next.
"""

import fcntl
import json
import os
import re
import secrets
import shutil
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import file_digest, sha256
from io import BytesIO, RawIOBase
from itertools import count
from pathlib import Path
from typing import IO, Any, Self

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from marketplace.infra.jobs import conninfo
from marketplace.infra.storage.objects import NAME, Objects
from marketplace.kernel import clock
from marketplace.kernel.errors import Refused

KEY_BYTES = 32
DATABASE, FILES, MANIFEST = "database.dump", "files.tar", "manifest.json"
PARTS = (DATABASE, FILES, MANIFEST)
UNFINISHED = "unfinished"
_NAMED = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-\d+)?")  # a second one of a day ends in -2
_CHUNK = 1024 * 1024
_TAG = 16
_PREFIX = 8  # of the nonce, random for each part; four bytes of counter follow
_EVERYBODY = "-c marketplace.scope=all"


class BackupUnfit(Refused):
    """This is not a whole backup: a part is missing, was altered, or belongs to another key."""

    code = "infra:backup-unfit"


class NotEmpty(Refused):
    """A backup is restored into an empty database and an empty store of files only."""

    code = "infra:not-empty"


class AlreadyRunning(Refused):
    """Another backup is being written into this folder."""

    code = "infra:backup-running"


class ProgramFailed(Refused):
    """pg_dump or pg_restore ended with an error. It stands in their output."""

    code = "infra:program-failed"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the data lives: the database as its owner, the store of files, the folder of pg_dump and pg_restore."""

    database_url: str
    files: Objects
    programs: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """How libpq's programs find the database; a password in their arguments could be read by any user."""
        said = conninfo_to_dict(conninfo(self.database_url))
        names = {name: "PGDATABASE" if name == "dbname" else f"PG{name.upper()}" for name in said}
        return {**os.environ, **{names[name]: str(value) for name, value in said.items()}, "PGOPTIONS": _EVERYBODY}

    def program(self, name: str) -> str:
        return name if self.programs is None else str(self.programs / name)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
        """One read-only snapshot in everybody's scope."""
        with psycopg.connect(conninfo(self.database_url), options=_EVERYBODY) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            yield connection


@dataclass(frozen=True, slots=True)
class Manifest:
    """`rows` by table; `parts`: SHA-256 (hex) of each part as it lies there; `made_at` in ISO 8601."""

    made_at: str
    revision: str
    rows: Mapping[str, int]
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """A whole backup and where it lies."""

    folder: Path
    manifest: Manifest


def make(backups: Path, place: Place, key: bytes | None) -> Made:
    """Write a backup of today beside the others in `backups`. Raises AlreadyRunning, ProgramFailed, BackupUnfit.

    Whatever goes wrong, the earlier ones stay as they are and nothing unfinished stays beside them.
    """
    backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(backups):
        unfinished = backups / UNFINISHED
        shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
        try:
            _write(unfinished, place, key)
            manifest = read_manifest(unfinished, key)
            folder = unfinished.rename(_free_name(backups))
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        _settle(backups)
    return Made(folder, manifest)


def prune(backups: Path, days: int) -> tuple[Path, ...]:
    """Remove the whole backups of more than `days` days ago and return what they were. To be called after a good one
    only: then there is always one left. What is no backup of ours is left alone.
    """
    oldest = clock.now().astimezone(UTC).date() - timedelta(days=days)
    old = tuple(each for each in sorted(backups.iterdir()) if (day := _day_of(each)) is not None and day < oldest)
    with _alone(backups):
        for folder in old:
            shutil.rmtree(backups / UNFINISHED, ignore_errors=True)
            shutil.rmtree(folder.rename(backups / UNFINISHED))  # half removed it is no backup, and the next run ends it
    return old


def _day_of(folder: Path) -> date | None:
    """The day of a backup, or None for anything else."""
    named = _NAMED.fullmatch(folder.name)
    if named is None or not all((folder / part).is_file() for part in PARTS):
        return None
    try:
        return date.fromisoformat(named[1])
    except ValueError:
        return None


def _free_name(backups: Path) -> Path:
    day = clock.now().astimezone(UTC).date().isoformat()
    names = (backups / (day if number == 1 else f"{day}-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


@contextmanager
def _alone(backups: Path) -> Iterator[None]:
    """Hold the folder; whoever dies lets it go."""
    with _open(backups) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning from None
        yield


def _settle(folder: Path) -> None:
    """Have the disk know the names in it."""
    with _open(folder) as descriptor:
        os.fsync(descriptor)


@contextmanager
def _open(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _write(folder: Path, place: Place, key: bytes | None) -> None:
    folder.mkdir(mode=0o700)
    with place.connection() as connection:
        (snapshot,) = connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        rows, revision = rows_by_table(connection), _revision(connection)
        parts = {DATABASE: _dump(folder / DATABASE, place, str(snapshot), key)}
    parts[FILES] = _pack(folder / FILES, place.files, key)
    manifest = Manifest(_instant(clock.now()), revision, rows, parts)
    with _Writer(folder / MANIFEST, key) as writer:
        writer.write(json.dumps(asdict(manifest), indent=2, sort_keys=True).encode())
    _settle(folder)


def read_manifest(folder: Path, key: bytes | None) -> Manifest:
    """What the backup in `folder` holds; its parts are there and unaltered. Raises BackupUnfit."""
    try:
        with _opened(folder / MANIFEST, key) as file:
            manifest = Manifest(**json.loads(file.read()))
        for name in (DATABASE, FILES):
            with (folder / name).open("rb") as part:
                if file_digest(part, "sha256").hexdigest() != manifest.parts[name]:
                    raise BackupUnfit
    except (OSError, ValueError, TypeError, KeyError, InvalidTag):
        raise BackupUnfit from None
    return manifest


def restore(folder: Path, place: Place, key: bytes | None) -> Manifest:
    """Bring a backup back, and hold the rows of every table against its manifest.

    Nothing is written unless the backup is whole and the place empty. Raises BackupUnfit, NotEmpty, ProgramFailed.
    """
    manifest = read_manifest(folder, key)
    with place.connection() as connection:
        if rows_by_table(connection) or next(place.files.names(), None) is not None:
            raise NotEmpty
    with _opened(folder / DATABASE, key) as dump:
        _load(dump, place)
    with _opened(folder / FILES, key) as file, tarfile.open(fileobj=file, mode="r|") as archive:
        for entry in archive:
            kept = archive.extractfile(entry)
            if kept is not None and NAME.fullmatch(entry.name):
                place.files.put(entry.name, kept.read())
    with place.connection() as connection:
        if rows_by_table(connection) != manifest.rows or _revision(connection) != manifest.revision:
            raise BackupUnfit
    return manifest


def rows_by_table(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, int]:
    """How many rows each table has; empty for an empty database."""
    names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    counted = {}
    for (name,) in names:
        found = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(str(name)))).fetchone()
        counted[str(name)] = int(found[0]) if found else 0
    return counted


def _revision(connection: psycopg.Connection[tuple[Any, ...]]) -> str:
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else ""


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


def _dump(path: Path, place: Place, snapshot: str, key: bytes | None) -> str:
    command = [place.program("pg_dump"), "--format=custom", "--no-owner", "--enable-row-security",
               f"--snapshot={snapshot}"]  # fmt: skip
    with (
        _Writer(path, key) as writer,
        subprocess.Popen(command, env=place.environment, stdout=subprocess.PIPE) as process,  # noqa: S603  ours
    ):
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        while chunk := process.stdout.read(_CHUNK):
            writer.write(chunk)
    if process.returncode:
        raise ProgramFailed
    return writer.sha256


def _load(source: IO[bytes], place: Place) -> None:
    command = [place.program("pg_restore"), "--no-owner", "--exit-on-error", "--single-transaction", "--dbname",
               place.environment["PGDATABASE"]]  # fmt: skip
    with subprocess.Popen(command, env=place.environment, stdin=subprocess.PIPE) as process:  # noqa: S603  ours
        if process.stdin is None:
            raise AssertionError("a pipe was asked for")
        try:
            while chunk := source.read(_CHUNK):
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it ended early; its code says so
    if process.returncode:
        raise ProgramFailed


def _pack(path: Path, files: Objects, key: bytes | None) -> str:
    with _Writer(path, key) as writer, tarfile.open(fileobj=writer, mode="w|") as archive:
        for name in filter(NAME.fullmatch, files.names()):
            try:
                data = files.get(name)
            except FileNotFoundError:
                continue  # removed meanwhile, as what no row refers to is
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            archive.addfile(entry, BytesIO(data))
    return writer.sha256


class _Writer(RawIOBase):
    """Writes a part in chunks, encrypted with `key` if there is one; `sha256` is of what lies on disk."""

    def __init__(self, path: Path, key: bytes | None) -> None:
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        self._cipher = _Cipher(key, path.name, secrets.token_bytes(_PREFIX)) if key else None
        self._hash, self._waiting = sha256(), b""
        self._out(self._cipher.prefix if self._cipher else b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._chunk(self._waiting)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def write(self, data: Any) -> int:
        self._waiting += data
        while len(self._waiting) >= _CHUNK:
            self._chunk(self._waiting[:_CHUNK])
            self._waiting = self._waiting[_CHUNK:]
        return len(data)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def _chunk(self, chunk: bytes) -> None:
        self._out(self._cipher.sealed(chunk) if self._cipher else chunk)

    def _out(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)


class _Cipher:
    """AES-256-GCM by chunk: the counter in the nonce keeps their order, the name of the part says where they belong.

    Whether the last chunk is there, the hash in the manifest tells.
    """

    def __init__(self, key: bytes, name: str, prefix: bytes) -> None:
        self.prefix = prefix
        self._aead, self._name, self._number = AESGCM(key), name.encode(), 0

    def sealed(self, chunk: bytes) -> bytes:
        return self._aead.encrypt(self._nonce(), chunk, self._name)

    def plain(self, chunk: bytes) -> bytes:
        return self._aead.decrypt(self._nonce(), chunk, self._name)

    def _nonce(self) -> bytes:
        self._number += 1
        return self.prefix + self._number.to_bytes(4)


class _Reader(RawIOBase):
    """The plain bytes of an encrypted part. Raises InvalidTag for another key and for altered bytes."""

    def __init__(self, file: IO[bytes], cipher: _Cipher) -> None:
        self._file, self._cipher, self._ready = file, cipher, BytesIO()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted, parts = size if size >= 0 else 1 << 62, []
        while wanted > 0:
            part = self._ready.read(wanted)
            if not part:
                sealed = self._file.read(_CHUNK + _TAG)
                if not sealed:
                    break
                self._ready = BytesIO(self._cipher.plain(sealed))
                continue
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)


@contextmanager
def _opened(path: Path, key: bytes | None) -> Iterator[Any]:
    with path.open("rb") as file:
        yield _Reader(file, _Cipher(key, path.name, file.read(_PREFIX))) if key else file
