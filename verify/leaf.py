"""A leaf of the log: what is published of an entry, without what it says."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from verify import merkle
from verify.shape import END_OF_TIME, Misshapen, is_count, is_hash, is_instant, is_uuid, one_of, or_null, parts
from verify.spelling import canonical, read_json

_LONGEST = 1024
_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,60}:[a-z][a-z0-9_-]{0,60}")


@dataclass(frozen=True)
class Leaf:
    """`number` counts within the journey, from 1; `before` is the hash (hex) of the leaf before it there; `at` are
    microseconds since 1970.
    """

    hash: bytes
    type: str
    journey: str
    number: int
    before: str | None
    at: int
    page_version: str | None
    page_hash: str | None
    body_hash: str

    def __str__(self) -> str:
        return (
            f"“{self.type}”, number {self.number} of the journey {self.journey}, recorded {instant(self.at // 10**6)}"
        )


def instant(seconds: int) -> str:
    if seconds >= END_OF_TIME:
        return f"{seconds} seconds after 1970"
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_PARTS = {
    "v": one_of(1),
    "t": lambda value: type(value) is str and _TYPE.fullmatch(value) is not None,
    "j": is_uuid,
    "n": lambda value: is_count(value) and value > 0,
    "p": or_null(is_hash),
    "ts": is_instant,
    "pv": or_null(is_hash),
    "r": or_null(is_hash),
    "b": is_hash,
}


def leaf_of(value: Any) -> Leaf:
    """The leaf that an object is. Raises Misshapen."""
    found = parts(value, _PARTS)
    data = canonical(found)
    if len(data) > _LONGEST or (found["n"] == 1) != (found["p"] is None):
        raise Misshapen("its length, or its place in the journey, is not as the format has it")
    names = ("t", "j", "n", "p", "ts", "pv", "r", "b")
    return Leaf(merkle.leaf(data), *(found[name] for name in names))


def read_leaf(data: bytes) -> Leaf:
    """The leaf in its own bytes. Raises ValueError."""
    value = read_json(data)
    leaf = leaf_of(value)
    if canonical(value) != data:
        raise Misshapen("it is not in its one spelling")
    return leaf
