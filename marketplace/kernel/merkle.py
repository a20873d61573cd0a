"""Merkle trees over SHA-256: one root stands for many leaves, and a short proof shows that one of them is among them.

Hashes, shapes and proofs are those of RFC 6962, section 2.1 (and RFC 9162, section 2.1).
"""

from collections.abc import Iterable
from hashlib import sha256

_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(data: bytes) -> bytes:
    return sha256(_LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(_NODE + left + right).digest()


class MerkleTree:
    """The tree over leaves that were hashed before. Costs 64 bytes a leaf."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[bytes]) -> None:
        """Raises ValueError where there is no leaf."""
        level = list(leaf_hashes)
        if not level:
            raise ValueError("a tree has at least one leaf")
        self._levels = [level]
        while len(level) > 1:
            above = [node_hash(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
            if len(level) % 2:
                above.append(level[-1])  # the last one without a neighbour moves up as it is
            self._levels.append(above)
            level = above

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        return self._levels[-1][0]

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """The hashes beside the way from leaf `index` up to the root, lowest first. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(f"the tree has no leaf {index}")
        beside = []
        for level in self._levels[:-1]:
            neighbour = index ^ 1
            if neighbour < len(level):
                beside.append(level[neighbour])
            index //= 2
        return tuple(beside)
