"""The keeper: a small process of its own that holds the keys under which every data key is wrapped.

`python -m marketplace.infra.keeper init FILE` makes the file of keys, `… rotate FILE` adds a key that wraps from the
next start on, `… serve FILE SOCKET` answers on a UNIX socket. It does three things with what it is given: wrap a data
key, unwrap one, compute a blind index; its own keys never leave it. Whoever takes over the site can still ask, but only
while they are inside, only key by key, and not unnoticed: unwraps are counted, many in a minute are an alarm, and at
the limit it stops. Keys of persons and keys of journeys are counted apart: anybody who looks at a page has a journey,
and may not use up what customers need. A key is bound to its class when it is wrapped, so none can be asked for as the
other. It needs the standard library and `cryptography` only, so that little can go wrong here.

One request a line, one answer a line, both JSON; bytes travel as base64. `infra.vault` speaks to it.
"""

import argparse
import base64
import hmac
import json
import logging
import os
import secrets
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marketplace.infra.private_files import write_private

log = logging.getLogger("marketplace.keeper")

KEY_BYTES = 32  # AES-256 and HMAC-SHA-256
NONCE_BYTES = 12  # 96 random bits: NIST SP 800-38D allows 2**32 of them under one key
_MINUTE = 60.0
_OTHERS = 0o077
_LONGEST_LINE = 4 * 1024 * 1024
_PATIENCE = 5.0


class KeyClass(StrEnum):
    """Whose a data key is: a person's (an account's, an application's) or that of a visitor's journey."""

    PERSON = "person"
    JOURNEY = "journey"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many data keys of one class in a minute are an alarm, and at how many no more are given."""

    alarm: int
    limit: int


LIMITS: Mapping[KeyClass, Limits] = {
    KeyClass.PERSON: Limits(alarm=600, limit=6_000),
    KeyClass.JOURNEY: Limits(alarm=6_000, limit=60_000),  # more pages than the site can serve
}


class KeeperRefused(Exception):
    """What was asked cannot be answered. `word` is `limit`, `unknown-key`, `unreadable` or `not-understood`."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class KeysUnfit(Exception):
    """The file of keys is missing, readable by others, or not what `init` wrote. The text says which."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A data key as it lies in the database: `data` opens with the wrapping key `key_id`, for `subject_id` alone and as
    one of `key_class` alone.
    """

    subject_id: UUID
    key_id: str
    data: bytes
    key_class: KeyClass = KeyClass.PERSON


@dataclass(frozen=True, slots=True)
class Keys:
    """The wrapping keys by id, which of them wraps now, and the key of the blind index."""

    current: str
    wrapping: dict[str, bytes]
    index: bytes

    @classmethod
    def made(cls) -> Self:
        first = _new_id(())
        return cls(first, {first: secrets.token_bytes(KEY_BYTES)}, secrets.token_bytes(KEY_BYTES))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises KeysUnfit."""
        try:
            if path.stat().st_mode & _OTHERS:
                raise KeysUnfit(f"{path.name} must be readable by its owner only (chmod 600)")
            kept = json.loads(path.read_text())
            wrapping = {name: base64.b64decode(key) for name, key in kept["wrapping"].items()}
            keys = cls(kept["current"], wrapping, base64.b64decode(kept["index"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise KeysUnfit(f"{path.name} holds no keys ({type(error).__name__})") from error
        if keys.current not in wrapping or any(len(key) != KEY_BYTES for key in (*wrapping.values(), keys.index)):
            raise KeysUnfit(f"{path.name} holds keys of the wrong size, or not the current one")
        return keys

    def write(self, path: Path) -> None:
        """Whole or not at all, for the owner alone (0600)."""
        text = json.dumps(
            {
                "current": self.current,
                "wrapping": {name: _text(key) for name, key in self.wrapping.items()},
                "index": _text(self.index),
            },
            indent=1,
        )
        write_private(path, f"{text}\n".encode())

    def rotated(self) -> "Keys":
        """With one more wrapping key, which wraps from now on; the older ones still open what they wrapped."""
        name = _new_id(self.wrapping)
        return Keys(name, self.wrapping | {name: secrets.token_bytes(KEY_BYTES)}, self.index)


class Keeper:
    """What the process does, callable in the same process too. Safe to share between threads."""

    def __init__(
        self,
        keys: Keys,
        *,
        limits: Mapping[KeyClass, Limits] = LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        self._ciphers = {name: AESGCM(key) for name, key in keys.wrapping.items()}
        self._limits, self._clock = limits, clock
        self._counting = threading.Lock()
        self._window, self._counted = clock(), Counter[KeyClass]()

    def current(self) -> str:
        """The id of the key that wraps now."""
        return self._keys.current

    def wrap(self, items: Sequence[tuple[UUID, bytes]], key_class: KeyClass = KeyClass.PERSON) -> list[Wrapped]:
        """Each data key wrapped for its subject by the current key."""
        return [self._wrapped(subject_id, key, key_class) for subject_id, key in items]

    def unwrap(self, items: Sequence[Wrapped]) -> list[bytes]:
        """The data keys, in order. Raises KeeperRefused (`limit`, `unknown-key`, `unreadable`)."""
        for key_class, number in Counter(item.key_class for item in items).items():
            self._count(key_class, number)
        return [self._unwrapped(item) for item in items]

    def rewrap(self, items: Sequence[Wrapped]) -> list[Wrapped]:
        """The same data keys wrapped by the current key; they do not leave the keeper. Raises KeeperRefused."""
        return [self._wrapped(item.subject_id, self._unwrapped(item), item.key_class) for item in items]

    def index(self, purpose: str, values: Sequence[str]) -> list[str]:
        """HMAC-SHA-256 (hex) of each value for this purpose: equal values are found, none can be read or guessed."""
        return [hmac.new(self._keys.index, f"{purpose}\0{value}".encode(), sha256).hexdigest() for value in values]

    def _wrapped(self, subject_id: UUID, key: bytes, key_class: KeyClass) -> Wrapped:
        if len(key) != KEY_BYTES:
            raise KeeperRefused("not-understood")
        name, nonce = self._keys.current, secrets.token_bytes(NONCE_BYTES)
        sealed = self._ciphers[name].encrypt(nonce, key, _bound(name, subject_id, key_class))
        return Wrapped(subject_id, name, nonce + sealed, key_class)

    def _unwrapped(self, item: Wrapped) -> bytes:
        cipher = self._ciphers.get(item.key_id)
        if cipher is None:
            raise KeeperRefused("unknown-key")
        nonce, sealed = item.data[:NONCE_BYTES], item.data[NONCE_BYTES:]
        try:
            return cipher.decrypt(nonce, sealed, _bound(item.key_id, item.subject_id, item.key_class))
        except (InvalidTag, ValueError) as error:
            raise KeeperRefused("unreadable") from error

    def _count(self, key_class: KeyClass, number: int) -> None:
        """Refused unwraps count too, so that asking on does not help."""
        allowed = self._limits[key_class]
        with self._counting:
            now = self._clock()
            if now - self._window >= _MINUTE:
                self._window = now
                self._counted.clear()
            before = self._counted[key_class]
            counted = self._counted[key_class] = before + number
            if before <= allowed.alarm < counted:
                log.warning("ALARM more than %s keys of %ss were asked for in a minute", allowed.alarm, key_class)
            if counted > allowed.limit:
                if before <= allowed.limit:
                    log.error("ALARM the limit of %s keys of %ss a minute: no more", allowed.limit, key_class)
                raise KeeperRefused("limit")


def answer(keeper: Keeper, line: bytes) -> bytes:
    """One answer to one request, as they travel. Nothing of the request is repeated in a refusal."""
    try:
        asked = json.loads(line)
        said: dict[str, Any] = {"items": _done(keeper, asked)}
    except KeeperRefused as refusal:
        said = {"refused": refusal.word}
    except (ValueError, KeyError, TypeError):
        said = {"refused": "not-understood"}
    return json.dumps(said).encode() + b"\n"


def _done(keeper: Keeper, asked: dict[str, Any]) -> list[Any]:
    what, items = asked["do"], asked.get("items", [])
    if what == "wrap":
        keys = [(UUID(subject), _bytes(key)) for subject, key in items]
        return [spell(each) for each in keeper.wrap(keys, KeyClass(asked.get("class", KeyClass.PERSON)))]
    if what == "unwrap":
        return [_text(key) for key in keeper.unwrap([understand(each) for each in items])]
    if what == "rewrap":
        return [spell(each) for each in keeper.rewrap([understand(each) for each in items])]
    if what == "index":
        return keeper.index(str(asked["purpose"]), [str(value) for value in items])
    if what == "current":
        return [keeper.current()]
    raise KeeperRefused("not-understood")


def spell(wrapped: Wrapped) -> list[str]:
    """A wrapped key as it travels; a person's as ever, so that site and keeper need not be renewed at one instant."""
    told = [str(wrapped.subject_id), wrapped.key_id, _text(wrapped.data)]
    return told if wrapped.key_class is KeyClass.PERSON else [*told, wrapped.key_class.value]


def understand(item: Sequence[str]) -> Wrapped:
    """The reverse of `spell`. Raises ValueError."""
    subject, key_id, data, *rest = item
    (key_class,) = rest or (KeyClass.PERSON,)
    return Wrapped(UUID(subject), key_id, _bytes(data), KeyClass(key_class))


class KeeperServer(socketserver.ThreadingUnixStreamServer):
    """Answers on `socket_path`, which its owner and group may open and nobody else (0660)."""

    daemon_threads = True

    def __init__(self, socket_path: Path, keeper: Keeper) -> None:
        self.keeper = keeper
        if socket_path.is_socket():
            socket_path.unlink()  # left by a keeper that was killed
        before = os.umask(0o117)
        try:
            super().__init__(str(socket_path), _Conversation)
        finally:
            os.umask(before)


class _Conversation(socketserver.StreamRequestHandler):
    timeout = _PATIENCE

    def handle(self) -> None:
        server = self.server
        if not isinstance(server, KeeperServer):
            raise TypeError("made by KeeperServer only")
        with suppress(OSError):  # whoever asked has gone, or says nothing
            while line := self.rfile.readline(_LONGEST_LINE):
                self.wfile.write(answer(server.keeper, line))


def _bound(key_id: str, subject_id: UUID, key_class: KeyClass) -> bytes:
    """A person's keys are bound as they were before there were classes, so those made then still open."""
    place = f"infra_subject_key/{key_id}/{subject_id}"
    return (place if key_class is KeyClass.PERSON else f"{place}/{key_class}").encode()


def _new_id(taken: Sequence[str] | dict[str, bytes] | tuple[()]) -> str:
    return f"k{len(taken) + 1}-{secrets.token_hex(3)}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


_OPTIONS = {KeyClass.PERSON: "", KeyClass.JOURNEY: "journey-"}


def main(arguments: Sequence[str] | None = None) -> None:
    """The commands named at the head of this file."""
    parser = argparse.ArgumentParser(prog="python -m marketplace.infra.keeper")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("init", "rotate", "serve"):
        commands.add_parser(name).add_argument("keys", type=Path)
    serve = commands.choices["serve"]
    serve.add_argument("socket", type=Path)
    for key_class, option in _OPTIONS.items():
        preset = LIMITS[key_class]
        whose = f"keys of {key_class}s a minute"
        serve.add_argument(f"--{option}alarm", type=int, default=preset.alarm, help=f"{whose} that are an alarm")
        serve.add_argument(f"--{option}limit", type=int, default=preset.limit, help=f"{whose} at the most")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        _run(chosen)
    except KeysUnfit as error:
        raise SystemExit(str(error)) from None


def _run(chosen: argparse.Namespace) -> None:
    if chosen.command == "init":
        if chosen.keys.exists():
            raise KeysUnfit(f"{chosen.keys.name} exists; what its keys wrapped would be lost")
        Keys.made().write(chosen.keys)
    elif chosen.command == "rotate":
        Keys.read(chosen.keys).rotated().write(chosen.keys)
    else:
        limits = {
            KeyClass.PERSON: Limits(chosen.alarm, chosen.limit),
            KeyClass.JOURNEY: Limits(chosen.journey_alarm, chosen.journey_limit),
        }
        keeper = Keeper(Keys.read(chosen.keys), limits=limits)
        with KeeperServer(chosen.socket, keeper) as server:
            log.info("the keeper answers; %s wraps", keeper.current())
            with suppress(KeyboardInterrupt):
                server.serve_forever()


if __name__ == "__main__":
    main()
