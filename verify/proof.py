"""A proof file (c2sp.org/tlog-proof): which leaf, the hashes to the root, and the checkpoint with this root.

In this marketplace's proofs `extra` is the leaf itself, so that the file alone says what it proves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from verify.merkle import HASH_LENGTH
from verify.spelling import decoded

_HEADER = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
_LONGEST = 2**20
_MOST_HASHES = 64


class ProofError(ValueError):
    """The file is no proof."""


@dataclass(frozen=True)
class Proof:
    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None


def read_proof(data: bytes) -> Proof:
    """Raises ProofError."""
    try:
        text = data.decode()
    except UnicodeError as error:
        raise ProofError("the proof is not UTF-8") from error
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or len(data) > _LONGEST or lines.pop(0) != _HEADER:
        raise ProofError(f"a proof begins with {_HEADER}")
    try:
        extra = decoded(lines.pop(0).removeprefix("extra ")) if lines and lines[0].startswith("extra ") else None
        index = _INDEX.fullmatch(lines.pop(0) if lines else "")
        hashes = _hashes(lines)
    except ValueError as error:
        raise ProofError(f"the proof is not understood: {error}") from error
    if index is None:
        raise ProofError("the proof does not say which leaf it is of")
    return Proof(int(index[1]), hashes, checkpoint, extra)


def read_consistency(data: bytes) -> tuple[bytes, ...]:
    """A consistency proof: hashes in base64, one per line. Raises ValueError."""
    return _hashes(data.decode("ascii").split())


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > _MOST_HASHES:
        raise ValueError("there are too many hashes")
    hashes = tuple(decoded(line) for line in lines)
    if any(len(each) != HASH_LENGTH for each in hashes):
        raise ValueError("there is something else than a hash")
    return hashes
