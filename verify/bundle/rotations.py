"""Which keys of the log are believed: the first that the trust policy names, and those to which proven changes of the
key lead from it. Each change is an entry of the log's own journey, `wrapper/rotations/<index>.json`, signed by both
keys, and the last leaf of the last tree that the old key signs, whose checkpoint is there too.

Another key of the policy is not believed without that: whoever adds a line to a policy would else speak for the log.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from verify import ed25519, note
from verify.bundle.core import CHECKPOINT, NEWER, Bundle
from verify.bundle.log_entries import NotInLog, entry_of
from verify.checkpoint import read_checkpoint
from verify.findings import Code, Report
from verify.history import Head
from verify.note import Key, NoteError
from verify.policy import Policy, Trusted
from verify.shape import Misshapen, is_count, is_object, is_text, parts
from verify.spelling import canonical, decoded, read_json

TYPE = "log:key_rotated"
_FOLDER = "wrapper/rotations/"
_NAME = re.compile(r"wrapper/rotations/(0|[1-9][0-9]{0,17})\.json")
_MOST = 40
_FILE = {"body": is_object, "entry": is_object}
_STATEMENT = {"by_new": is_text, "by_old": is_text, "new": is_text, "old": is_text, "origin": is_text, "size": is_count}


@dataclass(frozen=True)
class Rotation:
    """A change that both keys signed; `size` is that of the last tree under the old one."""

    old: Key
    new: Key
    size: int

    def __str__(self) -> str:
        return f"The log's key was changed by entry {self.size - 1}: until then {self.old.vkey} signed it."


def believed(report: Report, policy: Policy, bundle: Bundle) -> Policy:
    """The policy for this bundle: with all keys that are believed, and how far each."""
    named = [key for key in policy.logs if key.name == bundle.origin]
    if not named:
        return policy
    rotations = sorted(_rotations(report, bundle), key=lambda each: each.size)
    later = _later(named[0], rotations)
    known = _with(policy, named, later)
    earlier = _earlier(named[0], rotations, _largest(known, bundle)) if rotations else ()
    for each in (*earlier, *later):
        report.show(str(each))
    return _with(policy, named, (*later, *earlier))


def _with(policy: Policy, named: Sequence[Key], rotations: Sequence[Rotation]) -> Policy:
    keys = {key.vkey: key for each in rotations for key in (each.old, each.new)} | {named[0].vkey: named[0]}
    return replace(
        policy,
        logs=[*policy.logs, *(key for key in keys.values() if key not in policy.logs)],
        last={each.old.vkey: each.size for each in rotations},
        unproven=frozenset(key.vkey for key in named if key.vkey not in keys),
    )


def _later(first: Key, rotations: Sequence[Rotation]) -> tuple[Rotation, ...]:
    """From a key on: the first change of each; it speaks for no second one, and none brings a key back."""
    found: list[Rotation] = []
    seen = [first]
    for each in rotations:
        if each.old == seen[-1] and each.new not in seen:
            found.append(each)
            seen.append(each.new)
    return tuple(found)


def _earlier(first: Key, rotations: Sequence[Rotation], largest: int) -> tuple[Rotation, ...]:
    """What came before a key: it has signed who was there before it. That one is believed where a larger tree under a
    key that is believed anyway continues its own.
    """
    found: list[Rotation] = []
    seen = [first]
    for each in reversed(rotations):
        if each.new == seen[0] and each.old not in seen and each.size < largest:
            found.insert(0, each)
            seen.insert(0, each.old)
    return tuple(found)


def _largest(policy: Policy, bundle: Bundle) -> int:
    sizes = [0]
    for name in bundle.checkpoints:
        try:
            sizes.append(policy.accept(bundle.files.get(name, b"")).checkpoint.size)
        except NoteError:
            continue
    return max(sizes)


def _rotations(report: Report, bundle: Bundle) -> Iterator[Rotation]:
    names = sorted(name for name in bundle.files if name.startswith(_FOLDER))
    if len(names) > _MOST:
        report.find(Code.UNREADABLE, f"There are {len(names)} changes of the log's key; {_MOST} were looked at.")
    for name in names[:_MOST]:
        try:
            yield _rotation(bundle, name)
        except NotInLog:
            text = f"{name}: this change of the log's key does not end a tree that the old key signed."
            report.find(Code.NOT_IN_LOG, text)
        except ValueError as error:
            report.find(Code.ROTATION_FORGED, f"{name} is no change of the log's key: {error}.")


def _rotation(bundle: Bundle, name: str) -> Rotation:
    """Raises ValueError."""
    place = _NAME.fullmatch(name)
    if place is None:
        raise Misshapen("its name is not that of an entry")
    file, index = parts(read_json(bundle.files[name]), _FILE), int(place[1])
    envelope = file["body"].get("envelope")
    said = envelope.get("body") if type(envelope) is dict else None
    found = _signed(said, bundle.origin, index)
    entry = entry_of(file["body"], file["entry"], _last_tree(bundle, found))
    if (entry.index, entry.leaf.type, entry.leaf.journey) != (index, TYPE, str(uuid5(NAMESPACE_URL, bundle.origin))):
        raise Misshapen("its entry in the log is about something else")
    return found


def _signed(said: Any, origin: str, index: int) -> Rotation:
    """What both keys signed. Raises ValueError."""
    found = parts(said, _STATEMENT)
    old, new = note.read_key(found["old"]), note.read_key(found["new"])
    signed = canonical({name: found[name] for name in ("new", "old", "origin", "size")})
    if not (old.name == new.name == found["origin"] == origin) or old.public == new.public or found["size"] > index:
        raise Misshapen("it is of another log, of one key alone, or made after it was entered")
    if any(key.kind != note.SIGNATURE for key in (old, new)):
        raise Misshapen("a key is none of a log")
    for key, signature in ((old, found["by_old"]), (new, found["by_new"])):
        if not ed25519.verify(key.public, signed, decoded(signature)):
            raise Misshapen("the new key is not signed by both keys")
    return Rotation(old, new, index + 1)


def _last_tree(bundle: Bundle, rotation: Rotation) -> Head:
    """The tree that ends with the change, signed by the old key. Raises ValueError."""
    name = f"{NEWER}{rotation.size}"
    data = bundle.files.get(name, bundle.files.get(CHECKPOINT, b""))
    text, _ = note.open(data, [rotation.old.vkey])
    checkpoint = read_checkpoint(text)
    if (checkpoint.origin, checkpoint.size) != (bundle.origin, rotation.size):
        raise Misshapen(f"the checkpoint of the {rotation.size} entries that end with it is not here")
    return Head(name, Trusted(checkpoint, rotation.old.vkey, {}))
