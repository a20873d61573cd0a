"""An entry of the log itself that goes with a contract, in a file of the wrapper: {`body`, `entry`}."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from verify.history import Head
from verify.leaf import Leaf, leaf_of
from verify.merkle import verify_inclusion
from verify.shape import Misshapen, anything, is_count, is_list_of_hashes, is_object, parts
from verify.spelling import canonical

_BODY = {"envelope": is_object, "salt": lambda value: type(value) is str and len(value) == 32}  # noqa: PLR2004
_ENTRY = {"index": is_count, "leaf": anything, "proof": is_list_of_hashes}


class NotInLog(ValueError):
    """The entry does not stand in the log."""


@dataclass(frozen=True)
class LogEntry:
    """`said` is the body of its envelope, which is what was recorded."""

    index: int
    leaf: Leaf
    said: dict[str, Any]


def entry_of(body: Any, entry: Any, core: Head) -> LogEntry:
    """The entry, proven in the tree `core`. Raises NotInLog and, where it is not as the format has it or says something
    else than was recorded, Misshapen.
    """
    found = parts(entry, _ENTRY)
    leaf, index = leaf_of(found["leaf"]), found["index"]
    if not verify_inclusion(leaf.hash, index, core.size, core.root, tuple(map(bytes.fromhex, found["proof"]))):
        raise NotInLog("it is not in the log")
    return LogEntry(index, leaf, said_by(body, leaf))


def said_by(salted: Any, leaf: Leaf) -> dict[str, Any]:
    """What an entry says, as {`salt`, `envelope`} of which its leaf has the hash. Raises Misshapen."""
    body = parts(salted, _BODY)
    said = body["envelope"].get("body")
    hashed = sha256(bytes.fromhex(body["salt"]) + canonical(body["envelope"])).hexdigest()
    if hashed != leaf.body_hash or type(said) is not dict:
        raise Misshapen("it says something else")
    return dict(said)
