"""Whom to believe (c2sp.org/tlog-policy): keys of logs, witnesses, and how many of these must have cosigned.

log <vkey> [<url>]
witness <name> <vkey> [<url>]
group <name> all|any|<number> <name> ...
quorum none|<name>
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from verify import note
from verify.checkpoint import Checkpoint, read_checkpoint
from verify.note import Key, NoteError, UnknownKey

_MOST_LINES = 1000
_CONTROLS = bytes(octet for octet in (*range(0x20), 0x7F) if octet not in b"\t\n")


class PolicyError(ValueError):
    """The file is no trust policy. The text names the line."""


class KeyRetired(NoteError):
    """The key was changed, and has signed a larger tree than its last one."""


class RotationMissing(NoteError):
    """A key was named, and no change of the log's key leads to it."""


class QuorumNotMet(NoteError):
    """Too few of the witnesses have cosigned the checkpoint."""


@dataclass(frozen=True)
class Trusted:
    """A checkpoint that the policy accepts: which key of the log signed it, and when witnesses saw it."""

    checkpoint: Checkpoint
    vkey: str
    witnessed: Mapping[str, int]


@dataclass
class Policy:
    """Keys of logs, witnesses and groups by their name in this file, and the name that must have cosigned.

    What the file does not say and changes of the key do (`verify.bundle.rotations`), by vkey: `last`, the size of the
    last tree of a key that was changed, and `unproven`, the keys to which no change leads.
    """

    logs: list[Key] = field(default_factory=list)
    witnesses: dict[str, Key] = field(default_factory=dict)
    groups: dict[str, tuple[int, Sequence[str]]] = field(default_factory=dict)
    quorum: str | None = None
    last: Mapping[str, int] = field(default_factory=dict)
    unproven: frozenset[str] = frozenset()

    def accept(self, signed: bytes | str) -> Trusted:
        """A signed checkpoint, if it is one by this policy. Raises NoteError."""
        text, signers = note.open(signed, [key.vkey for key in (*self.logs, *self.witnesses.values())])
        checkpoint = read_checkpoint(text)
        logs = {key.vkey for key in self.logs if key.name == checkpoint.origin}
        by_log = [signer.vkey for signer in signers if signer.vkey in logs]
        if not by_log:
            raise UnknownKey(f"no trusted key of the log {checkpoint.origin} has signed it")
        times = {signer.vkey: signer.time for signer in signers if signer.time is not None}
        witnessed = {name: times[key.vkey] for name, key in self.witnesses.items() if key.vkey in times}
        if not self._has_seen(str(self.quorum), witnessed):
            raise QuorumNotMet(f"only {len(witnessed)} witnesses have cosigned it, the policy asks for {self.quorum}")
        return Trusted(checkpoint, self._key_for(checkpoint.size, by_log), witnessed)

    def _key_for(self, size: int, vkeys: Sequence[str]) -> str:
        """The first that may sign a tree of this size. Raises NoteError."""
        proven = [vkey for vkey in vkeys if vkey not in self.unproven]
        if not proven:
            raise RotationMissing(f"no change of the log's key leads to {vkeys[0]}, which has signed it")
        for vkey in proven:
            if size <= self.last.get(vkey, size):
                return vkey
        raise KeyRetired(f"{proven[0]} has signed it and was changed at {self.last[proven[0]]} entries")

    def _has_seen(self, name: str, witnessed: Iterable[str]) -> bool:
        if name == "none":
            return True
        if name not in self.groups:
            return name in witnessed
        least, members = self.groups[name]
        return sum(self._has_seen(member, witnessed) for member in members) >= least


def read_policy(data: bytes) -> Policy:
    """Raises PolicyError."""
    if any(octet in _CONTROLS for octet in data):
        raise PolicyError("the trust policy has control characters")
    lines = data.decode(errors="surrogateescape").split("\n")
    if len(lines) > _MOST_LINES:
        raise PolicyError("the trust policy is too long")
    policy = Policy()
    for number, line in enumerate(lines, 1):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            try:
                _LINES[words[0]](policy, words[1:])
            except (KeyError, ValueError) as error:
                raise PolicyError(f"line {number} of the trust policy is not understood: {error}") from error
    if policy.quorum is None:
        raise PolicyError("the trust policy has no quorum line")
    return policy


def _log(policy: Policy, words: Sequence[str]) -> None:
    vkey, *url = words
    _at_most_one(url)
    policy.logs.append(_fresh(note.read_key(vkey), note.SIGNATURE, policy.logs))


def _witness(policy: Policy, words: Sequence[str]) -> None:
    name, vkey, *url = words
    _at_most_one(url)
    policy.witnesses[_new(policy, name)] = _fresh(note.read_key(vkey), note.COSIGNATURE, policy.witnesses.values())


def _group(policy: Policy, words: Sequence[str]) -> None:
    name, least, *members = words
    taken = {member for _, others in policy.groups.values() for member in others}
    for member in members:
        if member in taken or not _is_defined(policy, member):
            raise ValueError(f"{member} is not defined before, or already a member")
        taken.add(member)
    number = {"all": len(members), "any": 1}.get(least) or (int(least) if least.isascii() and least.isdigit() else 0)
    if not 1 <= number <= len(members):
        raise ValueError(f"{least} of {len(members)} members")
    policy.groups[_new(policy, name)] = (number, members)


def _quorum(policy: Policy, words: Sequence[str]) -> None:
    (name,) = words
    if policy.quorum is not None or not (name == "none" or _is_defined(policy, name)):
        raise ValueError("the quorum stands there once and names what is defined before")
    policy.quorum = name


_LINES = {"log": _log, "witness": _witness, "group": _group, "quorum": _quorum}


def _at_most_one(words: Sequence[str]) -> None:
    if len(words) > 1:
        raise ValueError("there is a word too many")


def _fresh(key: Key, kind: int, others: Iterable[Key]) -> Key:
    if key.kind != kind:
        raise ValueError(f"the key of {key.name} is of another kind")
    if any(other.public == key.public for other in others):
        raise ValueError(f"the key of {key.name} stands there twice")
    return key


def _is_defined(policy: Policy, name: str) -> bool:
    return name in policy.witnesses or name in policy.groups


def _new(policy: Policy, name: str) -> str:
    if name == "none" or _is_defined(policy, name):
        raise ValueError(f"{name} is taken")
    return name
