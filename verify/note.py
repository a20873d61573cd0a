"""Signed notes (c2sp.org/signed-note) by Ed25519 keys, and time-stamped cosignatures (c2sp.org/tlog-cosignature)."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from verify import ed25519
from verify.spelling import decoded

SIGNATURE = 0x01
COSIGNATURE = 0x04
_KINDS = (SIGNATURE, COSIGNATURE)
_ID_LENGTH = 4
_LONGEST = 2**20
_MOST_SIGNATURES = 100


class NoteError(ValueError):
    """It is no note, or a key is none."""


class UnknownKey(NoteError):
    """None of the keys that are trusted has signed the note."""


class BadSignature(NoteError):
    """A signature claims to be of a trusted key and is not."""


@dataclass(frozen=True)
class Key:
    """A key as a vkey names it: `<name>+<hex key id>+<base64(kind ‖ public key)>`."""

    vkey: str
    name: str
    id: bytes
    kind: int
    public: bytes


@dataclass(frozen=True)
class Signer:
    """One of the keys that was asked for and has signed; `time` in seconds since 1970 where it is a cosignature."""

    name: str
    vkey: str
    time: int | None = None


def open(note: bytes | str, vkeys: Iterable[str]) -> tuple[str, tuple[Signer, ...]]:  # noqa: A001  # note.open, as in Go
    """The text of a note and which of `vkeys` signed it, at least one. Raises NoteError."""
    text, signatures = _taken_apart(note)
    keys = {(key.name, key.id): key for key in map(read_key, vkeys)}
    signers: dict[str, Signer] = {}
    for name, key_id, signature in signatures:
        key = keys.get((name, key_id))
        if key is not None and key.vkey not in signers:
            signers[key.vkey] = _checked(key, text, signature)
    if not signers:
        raise UnknownKey("no trusted key has signed it")
    return text, tuple(signers.values())


def read_key(vkey: str) -> Key:
    """Raises NoteError where it is none, or of an algorithm that is not known here."""
    try:
        name, key_id, encoded = vkey.split("+", 2)
        material = decoded(encoded)
        key = Key(vkey, name, bytes.fromhex(key_id), material[0], material[1:])
    except (ValueError, IndexError) as error:
        raise NoteError(f"{vkey[:100]!r} is no key") from error
    if key.kind not in _KINDS or len(key.public) != ed25519.KEY_LENGTH:
        raise NoteError(f"the key {vkey[:100]!r} is of a kind not known here")
    if not _is_name(name) or key.id.hex() != key_id or key.id != _id_of(key):
        raise NoteError(f"the key {vkey[:100]!r} does not have this id")
    return key


def _id_of(key: Key) -> bytes:
    return sha256(key.name.encode() + b"\n" + bytes([key.kind]) + key.public).digest()[:_ID_LENGTH]


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(sign.isspace() for sign in name)


def _taken_apart(note: bytes | str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """The text and the signatures: name, key id, the rest."""
    try:
        data = note if isinstance(note, bytes) else note.encode()
        whole = data.decode()
    except UnicodeError as error:
        raise NoteError("it is not UTF-8") from error
    if len(data) > _LONGEST or any(sign < " " and sign != "\n" for sign in whole):
        raise NoteError("it is too long, or has control characters")
    text, separator, signed = whole.rpartition("\n\n")
    if not separator or not signed.endswith("\n"):
        raise NoteError("it has no signatures")
    lines = signed[:-1].split("\n")
    if len(lines) > _MOST_SIGNATURES:
        raise NoteError("it has too many signatures")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> tuple[str, bytes, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    try:
        signature = decoded(encoded)
    except ValueError as error:
        raise NoteError(f"{line[:100]!r} is no signature") from error
    if dash != "—" or not _is_name(name) or len(signature) <= _ID_LENGTH:
        raise NoteError(f"{line[:100]!r} is no signature")
    return name, signature[:_ID_LENGTH], signature[_ID_LENGTH:]


def _checked(key: Key, text: str, signature: bytes) -> Signer:
    message, time = text.encode(), None
    if key.kind == COSIGNATURE:
        time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = f"cosignature/v1\ntime {time}\n".encode() + message
    if not ed25519.verify(key.public, message, signature):
        raise BadSignature(f"a signature claims to be of {key.name} and is not")
    return Signer(key.name, key.vkey, time)
