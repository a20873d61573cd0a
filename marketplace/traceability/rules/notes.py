"""Signed notes with Ed25519 (c2sp.org/signed-note) and the checkpoints written in them (c2sp.org/tlog-checkpoint)."""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
KEY_BYTES = 32
_SIGNED = "— "


class NoteRefused(ValueError):
    """The note is none, says no checkpoint, or is not signed by the key that was asked for. The text says which."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public half of a log's key and the log's name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Raises NoteRefused for anything but a well-formed Ed25519 key."""
        try:
            name, id_, key = vkey.split("+", 2)
            kind, public = (decoded := b64decode(key, validate=True))[:1], decoded[1:]
        except ValueError:
            raise NoteRefused("this is no key of a log") from None
        found = cls(name, public)
        if kind != ED25519 or len(public) != KEY_BYTES or found.id.hex() != id_:
            raise NoteRefused("this is no Ed25519 key of a log")
        return found

    @property
    def id(self) -> bytes:
        """Four bytes by which a signature names its key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(ED25519 + self.public).decode()}"

    def verifies(self, signature: bytes, data: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A log's name and its key."""

    name: str
    key: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.key.public_key().public_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        return self.key.sign(data)

    def note(self, text: str) -> str:
        """The text, which ends a line, with our signature under it."""
        signature = b64encode(self.verifier.id + self.sign(text.encode())).decode()
        return f"{text}\n{_SIGNED}{self.name} {signature}\n"


def opened(note: str, verifier: Verifier) -> str:
    """The text of a note that this key signed. Raises NoteRefused."""
    text, parted, signatures = note.rpartition("\n\n")
    if not parted:
        raise NoteRefused("the note is not signed")
    text += "\n"
    for line in signatures.splitlines():
        if (signature := _signature_of(line, verifier)) is not None:
            if verifier.verifies(signature, text.encode()):
                return text
            raise NoteRefused("the signature of the note is wrong")
    raise NoteRefused("the note is not signed by this key")


def _signature_of(line: str, verifier: Verifier) -> bytes | None:
    """The signature in a line that names this key."""
    mark = f"{_SIGNED}{verifier.name} "
    if not line.startswith(mark):
        return None
    try:
        said = b64decode(line.removeprefix(mark), validate=True)
    except ValueError:
        raise NoteRefused("the signature of the note is not whole") from None
    return said[4:] if said[:4] == verifier.id else None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How large a log's tree is, and its root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises NoteRefused."""
        try:
            origin, size, root = text.splitlines()
            found = cls(origin, int(size), b64decode(root, validate=True))
        except ValueError:
            raise NoteRefused("the note says no checkpoint") from None
        if found.text != text:
            raise NoteRefused("the checkpoint is not spelled as it must be")
        return found
