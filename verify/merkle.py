"""Merkle trees of RFC 6962 and RFC 9162, section 2.1: the root over leaves, and what proofs of inclusion and of
consistency show.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_LENGTH = 32


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


def verify_inclusion(leaf_hash: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the leaf stands at `index` of the tree of `size` leaves under `root` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf_hash, root, *proof):
        return False
    place, last, found = index, size - 1, leaf_hash
    for beside in proof:
        if last == 0:
            return False
        if place % 2 or place == last:
            found = node(beside, found)
            place, last = _past_single_children(place, last)
        else:
            found = node(found, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the tree of `size1` leaves is the beginning of that of `size2` (RFC 9162, 2.1.4.2). Of an empty tree
    nothing can be shown, so it is refused.
    """
    if not 0 < size1 <= size2 or not _are_hashes(root1, root2, *proof):
        return False
    if size1 == size2:
        return root1 == root2 and not proof
    whole = size1 & (size1 - 1) == 0  # a full tree is a node of the other, and need not be said
    path = [root1, *proof] if whole else list(proof)
    if not proof:
        return False
    place, last = size1 - 1, size2 - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for beside in path[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            first, second = node(beside, first), node(beside, second)
            place, last = _past_single_children(place, last)
        else:
            second = node(second, beside)
        place, last = place >> 1, last >> 1
    return last == 0 and first == root1 and second == root2


def _past_single_children(place: int, last: int) -> tuple[int, int]:
    """The levels on which a node at the right edge has nobody beside it have no hash in the proof."""
    while place and place % 2 == 0:
        place, last = place >> 1, last >> 1
    return place, last


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_LENGTH for value in values)
