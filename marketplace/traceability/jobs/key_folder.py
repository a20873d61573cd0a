"""The folder of the log's key, the sequencer's alone: no web and no worker ever reads it.

log.key           Ed25519, PKCS 8 in PEM, 0600
checkpoint        the newest one that was committed; by it a database that went back in time is known
next.key          of a rotation that was prepared and is not in the log yet, and
next.statement    what is to be said in the log about it (JSON, `rules.rotation`)
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from marketplace.infra.private_files import write_private
from marketplace.traceability.rules import rotation
from marketplace.traceability.rules.notes import Checkpoint, NoteRefused, Signer

SPECIMEN = "SPECIMEN"  # lies beside the key of a demonstration, which production refuses
_OTHERS = 0o077


class KeyFolderUnfit(Exception):
    """The folder has no key, one that others may read, or something else than what was written there. It says which."""


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """`name` is the origin of the log: whoever signs, signs as that."""

    path: Path
    name: str

    def make(self) -> Signer:
        """A first key. Raises KeyFolderUnfit where there is one: what it signed could not be continued."""
        if self._key.exists():
            raise KeyFolderUnfit(f"{self._key} exists; `rotate-key` changes it")
        self._write(self._key, Ed25519PrivateKey.generate())
        return self.signer()

    def signer(self) -> Signer:
        """Raises KeyFolderUnfit."""
        return self._read(self._key)

    def checkpoint(self) -> Checkpoint | None:
        """The newest one that was kept. Raises KeyFolderUnfit."""
        try:
            text, _, _ = self._checkpoint.read_text().rpartition("\n\n")
            found = Checkpoint.parse(f"{text}\n")
        except FileNotFoundError:
            return None
        except (OSError, NoteRefused) as error:
            raise KeyFolderUnfit(f"{self._checkpoint} is no checkpoint ({error})") from error
        if found.origin != self.name:
            raise KeyFolderUnfit(f"{self.path} belongs to the log {found.origin}, not to {self.name}")
        return found

    def keep(self, note: str) -> None:
        """The newest checkpoint, after it was committed."""
        write_private(self._checkpoint, note.encode())

    def prepare_next(self, size: int) -> dict[str, Any]:
        """A new key, and what both keys say about it at this size of the tree; the same again while it waits."""
        if self._statement.exists():
            return self.statement()
        new = Ed25519PrivateKey.generate()
        self._write(self._next, new)
        said = rotation.statement(self.signer(), Signer(self.name, new), size)
        write_private(self._statement, json.dumps(said).encode())
        return said

    def waits(self) -> bool:
        """Whether a prepared key waits for its entry in the log."""
        return self._statement.exists()

    def statement(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._statement.read_text())
        return said

    def take_next(self) -> Signer:
        """The prepared key is the key from now on. Being killed in between does no harm: it is begun again."""
        if self._next.exists():
            self._next.replace(self._key)
        self._statement.unlink(missing_ok=True)
        return self.signer()

    def _write(self, path: Path, key: Ed25519PrivateKey) -> None:
        write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def _read(self, path: Path) -> Signer:
        try:
            if path.stat().st_mode & _OTHERS:
                raise KeyFolderUnfit(f"{path} must be readable by its owner only (chmod 600)")
            key = load_pem_private_key(path.read_bytes(), password=None)
        except FileNotFoundError:
            raise KeyFolderUnfit(f"{path} is not there; `init` makes the first key") from None
        except (OSError, ValueError) as error:
            raise KeyFolderUnfit(f"{path} holds no key ({type(error).__name__})") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyFolderUnfit(f"{path} holds no Ed25519 key")
        return Signer(self.name, key)

    @property
    def _key(self) -> Path:
        return self.path / "log.key"

    @property
    def _next(self) -> Path:
        return self.path / "next.key"

    @property
    def _statement(self) -> Path:
        return self.path / "next.statement"

    @property
    def _checkpoint(self) -> Path:
        return self.path / "checkpoint"
