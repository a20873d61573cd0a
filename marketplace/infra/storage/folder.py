"""A folder of files, which all hosts share."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from marketplace.infra.failpoints import At, reach
from marketplace.kernel import ids

# Site, worker and backup are different users: what their umask leaves to the group of the folder is theirs together.
_FOLDER, _FILE = 0o770, 0o660


class Folder:
    """Each name is a path in it. Made with the first file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, name: str, data: bytes) -> None:
        try:
            os.utime(self._path / name)
        except FileNotFoundError:
            self._write(self._path / name, data)

    def create(self, name: str, data: bytes) -> None:
        """Of two that do so in one moment the later stays, whole."""
        if not self.exists(name):
            self._write(self._path / name, data)

    def get(self, name: str) -> bytes:
        return (self._path / name).read_bytes()

    def exists(self, name: str) -> bool:
        return (self._path / name).exists()

    def remove(self, name: str, seconds: float) -> bool:
        path = self._path / name
        if not path.exists() or time.time() - path.stat().st_mtime < seconds:
            return False
        path.unlink()
        return True

    def names(self) -> Iterator[str]:
        for path in sorted(self._path.rglob("*")):
            if path.is_file():
                yield str(path.relative_to(self._path))

    def problems(self) -> list[str]:
        return []

    def _write(self, path: Path, data: bytes) -> None:
        """The bytes are durable (fsync) before they have their name, and the name is before this returns."""
        self._path.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER)
        unfinished = path.with_name(f".{ids.new_id()}")
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        reach(At.FILE_WRITTEN)
        unfinished.rename(path)
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
