"""What a log signs: its name, how many leaves it has, and the root over them (c2sp.org/tlog-checkpoint)."""

import re
from dataclasses import dataclass

from verify.merkle import HASH_LENGTH
from verify.note import NoteError
from verify.spelling import decoded

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    origin: str
    size: int
    root: bytes


def read_checkpoint(text: str) -> Checkpoint:
    """The text of a note, its signatures taken off. Raises NoteError."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < len(("origin", "size", "root")) or not all(lines):
        raise NoteError("a checkpoint has an origin, a size and a root")
    origin, size, root = lines[:3]
    if not _SIZE.fullmatch(size):
        raise NoteError(f"{size[:60]!r} is no size of a log")
    try:
        found = decoded(root)
    except ValueError as error:
        raise NoteError(f"{root[:60]!r} is no root") from error
    if len(found) != HASH_LENGTH:
        raise NoteError(f"{root[:60]!r} is no root")
    return Checkpoint(origin, int(size), found)
