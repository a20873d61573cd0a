"""Merkle trees of RFC 6962 and RFC 9162, section 2.1: the root over leaves, and the root that a proof leads to."""

from collections.abc import Sequence
from hashlib import sha256


class ProofRefused(ValueError):
    """A proof that does not fit a tree of the size it claims."""


def leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root_over(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, over leaf hashes. Raises ValueError where there is none."""
    if not leaves:
        raise ValueError("a tree has at least one leaf")
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root_over(leaves[:split]), root_over(leaves[split:]))


def root_by_proof(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2). Raises ProofRefused."""
    if not 0 <= index < size:
        raise ProofRefused(f"leaf {index} of a tree of {size}")
    place, last, found = index, size - 1, leaf_hash
    for beside in proof:
        if last == 0:
            raise ProofRefused("the proof is too long")
        if place % 2 or place == last:
            found = node(beside, found)
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            found = node(found, beside)
        place, last = place >> 1, last >> 1
    if last:
        raise ProofRefused("the proof is too short")
    return found
