"""Files by content: the name of a file is the SHA-256 of its bytes, so nothing is ever overwritten.

What is about a person lies sealed (`infra.vault`) in a file `<SHA-256 of the plain bytes>.sealed`: the id of the
subject whose key opens it, 16 bytes, and the sealed bytes.

A folder now; an S3-compatible store by setting comes with the evidence issue.
"""

import os
import time
from pathlib import Path
from uuid import UUID

from marketplace.infra import vault
from marketplace.kernel import ids
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.errors import NotFound, Unavailable

_SUBJECT_BYTES = 16
_MAY_BE_ON_ITS_WAY = 3600.0  # seconds, by the clock of the files; no request takes as long
# Site, worker and backup are different users: what their umask leaves to the group of the folder is theirs together.
_FOLDER, _FILE = 0o770, 0o660


class FileAltered(Unavailable):
    """A stored file is not what was stored. It is handed to nobody until somebody has looked."""

    code = "storage:file-altered"


class Storage:
    """Content-addressed files under one folder, two levels deep (`ab/cd/abcd…`)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):  # noqa: PLR2004  hex digits of SHA-256
            raise NotFound("not a SHA-256")
        return self._folder / sha256[:2] / sha256[2:4] / sha256

    def put(self, data: bytes) -> str:
        """Keep `data`, durably (fsync) before returning its SHA-256 (hex). Putting it again only says when."""
        sha256 = sha256_hex(data)
        path = self._path(sha256)
        try:
            os.utime(path)
        except FileNotFoundError:
            self._write(path, data)
        return sha256

    def remove(self, sha256: str) -> bool:
        """Remove what no row refers to any more; False where it stays. What was put within the last hour does: the row
        that is to refer to it may not be committed yet.
        """
        path = self._path(sha256)
        if not path.exists() or time.time() - path.stat().st_mtime < _MAY_BE_ON_ITS_WAY:
            return False
        path.unlink()
        return True

    def put_sealed(self, data: bytes, subject_id: UUID) -> str:
        """As `put`, for what is about a person. Raises DataDestroyed, VaultUnavailable."""
        sha256 = sha256_hex(data)
        path = self._sealed_path(sha256)
        if not path.exists():
            self._write(path, subject_id.bytes + vault.seal(subject_id, _place(sha256), data))
        return sha256

    def _sealed_path(self, sha256: str) -> Path:
        return self._path(sha256).with_suffix(".sealed")

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER)
        unfinished = path.with_name(f".{ids.new_id()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)

    def get(self, sha256: str) -> bytes:
        """The bytes, checked against their name; what is sealed is opened.

        NotFound if unknown or erased (DataDestroyed), Unavailable if the file was changed or no key is to be had.
        """
        sealed = self._sealed_path(sha256)
        try:
            data = _opened(sealed.read_bytes(), sha256) if sealed.exists() else self._path(sha256).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no file {sha256[:12]}…") from None
        if sha256_hex(data) != sha256:
            raise FileAltered(f"the stored file {sha256[:12]}… was altered")
        return data


def _opened(kept: bytes, sha256: str) -> bytes:
    subject, sealed = kept[:_SUBJECT_BYTES], kept[_SUBJECT_BYTES:]
    if len(subject) < _SUBJECT_BYTES:
        raise FileAltered(f"the stored file {sha256[:12]}… was altered")
    return vault.open(UUID(bytes=subject), _place(sha256), sealed)


def _place(sha256: str) -> str:
    return f"storage/{sha256}"


_storage: Storage | None = None


def configure(folder: Path) -> None:
    """For `create_app`: where files live."""
    global _storage  # noqa: PLW0603  one store for each process, set at start
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _storage = Storage(folder)


def _configured() -> Storage:
    if _storage is None:
        raise Unavailable("the store of files is not configured")
    return _storage


def put(data: bytes) -> str:
    return _configured().put(data)


def put_sealed(data: bytes, subject_id: UUID) -> str:
    return _configured().put_sealed(data, subject_id)


def remove(sha256: str) -> bool:
    return _configured().remove(sha256)


def get(sha256: str) -> bytes:
    return _configured().get(sha256)
