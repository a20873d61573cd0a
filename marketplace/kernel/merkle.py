"""Merkle trees over SHA-256: one root stands for many leaves, and a short proof shows that one of them is among them.

Hashes, shapes and proofs are those of RFC 6962, section 2.1 (and RFC 9162, section 2.1). `MerkleTree` holds all of a
tree. A tree that grows for years is kept in tiles (c2sp.org/tlog-tiles): `GrowingTree` makes them, `TiledTree` reads
them, and neither looks at all leaves.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

HASH = 32  # bytes
HEIGHT = 8  # levels of the tree in a tile
WIDTH = 1 << HEIGHT  # hashes in a full tile

_LEAF, _NODE = b"\x00", b"\x01"
_BEGUN = sha256(_NODE)
_PAIRS = Struct(f"{2 * HASH}s").iter_unpack


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


def empty_root() -> bytes:
    """The root of a tree without leaves (RFC 6962, 2.1)."""
    return sha256(b"").digest()


@dataclass(frozen=True, slots=True)
class Tile:
    """A full tile: `WIDTH` hashes side by side on the tree's level 8 · `level`, and the one above them."""

    level: int
    index: int
    hashes: bytes
    root: bytes


class GrowingTree:
    """The right edge of a tree that only grows: on each level of tiles, the hashes of the one that is not full yet.

    Their numbers are the digits of the tree's size to the base 256. Holds 64 kB at most, however large the tree.
    """

    __slots__ = ("_edge", "size")

    def __init__(self, edge: Iterable[Iterable[bytes]] = ()) -> None:
        """Go on from the hashes of the partial tiles, lowest level first. Raises ValueError for a full one."""
        self._edge = [list(part) for part in edge]
        if any(len(part) >= WIDTH for part in self._edge):
            raise ValueError("a full tile is no edge")
        self.size = sum(len(part) << HEIGHT * level for level, part in enumerate(self._edge))

    def append(self, leaf: bytes) -> list[Tile]:
        """Add the hash of one more leaf; the tiles that it fills, lowest first."""
        self.size += 1
        full: list[Tile] = []
        found = leaf
        for level in range(len(self._edge) + 1):
            if level == len(self._edge):
                self._edge.append([])
            part = self._edge[level]
            part.append(found)
            if len(part) < WIDTH:
                break
            hashes = b"".join(part)
            found = _root_over(hashes)
            full.append(Tile(level, (self.size >> HEIGHT * (level + 1)) - 1, hashes, found))
            part.clear()
        return full

    @property
    def root(self) -> bytes:
        perfect = [each for part in reversed(self._edge) for each in _perfect(part)]
        return _folded(perfect) if perfect else empty_root()


ReadTile = Callable[[int, int, int], bytes]
"""(level, index, width) -> the first `width` hashes of that tile, 32 bytes each."""


class TiledTree:
    """A tree of `size` leaves that is read by its tiles, each of them once: two of each level for a proof."""

    def __init__(self, size: int, read: ReadTile) -> None:
        self.size, self._read = size, read
        self._tiles: dict[tuple[int, int], bytes] = {}

    @property
    def root(self) -> bytes:
        return self._over(0, self.size) if self.size else empty_root()

    def inclusion_proof(self, index: int) -> tuple[bytes, ...]:
        """The hashes beside the way from leaf `index` up to the root, lowest first. Raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(f"the tree has no leaf {index}")
        begin, end, beside = 0, self.size, []
        while end - begin > 1:
            split = begin + _power_below(end - begin)
            if index < split:
                beside.append(self._over(split, end))
                end = split
            else:
                beside.append(self._over(begin, split))
                begin = split
        return tuple(reversed(beside))

    def consistency_proof(self, old: int) -> tuple[bytes, ...]:
        """That the tree of the first `old` leaves is the beginning of this one (RFC 6962, 2.1.2). Raises ValueError."""
        if not 0 < old <= self.size:
            raise ValueError(f"no tree of {old} leaves precedes one of {self.size}")
        begin, end, beside = 0, self.size, []
        while old != end:
            split = begin + _power_below(end - begin)
            if old <= split:
                beside.append(self._over(split, end))
                end = split
            else:
                beside.append(self._over(begin, split))
                begin = split
        if begin:
            beside.append(self._over(begin, end))
        return tuple(reversed(beside))

    def _over(self, begin: int, end: int) -> bytes:
        """The hash over leaves `begin` to `end`; `begin` is a multiple of the power of two that `end - begin` fills."""
        perfect = []
        while begin < end:
            height = (end - begin).bit_length() - 1
            perfect.append(self._subtree(height, begin >> height))
            begin += 1 << height
        return _folded(perfect)

    def _subtree(self, height: int, index: int) -> bytes:
        """The hash over the 2^`height` leaves of a perfect subtree, from the tile in which it lies."""
        level, within = divmod(height, HEIGHT)
        tile, place = divmod(index << within, WIDTH)
        return _root_over(self._tile(level, tile)[place * HASH : (place + (1 << within)) * HASH])

    def _tile(self, level: int, index: int) -> bytes:
        found = self._tiles.get((level, index))
        if found is None:
            width = min(WIDTH, (self.size >> HEIGHT * level) - index * WIDTH)
            found = self._tiles[level, index] = self._read(level, index, width)
        return found


def _power_below(number: int) -> int:
    """The largest power of two that is smaller than `number` (at least 2)."""
    return 1 << (number - 1).bit_length() - 1


def _root_over(hashes: bytes) -> bytes:
    """The hash over a perfect subtree: 1, 2, 4 … hashes, which lie one behind the other as they are hashed.

    A copy of a begun hash costs less than a new one; hundreds of them are the cost of a proof.
    """
    while len(hashes) > HASH:
        level = []
        for (pair,) in _PAIRS(hashes):
            node = _BEGUN.copy()
            node.update(pair)
            level.append(node.digest())
        hashes = b"".join(level)
    return hashes


def _perfect(part: Sequence[bytes]) -> Iterator[bytes]:
    """The hashes of the perfect subtrees that make up a partial tile, the largest first."""
    begin = 0
    while begin < len(part):
        width = 1 << (len(part) - begin).bit_length() - 1
        yield _root_over(b"".join(part[begin : begin + width]))
        begin += width


def _folded(perfect: Sequence[bytes]) -> bytes:
    """The hash over subtrees of falling sizes, left to right."""
    *before, found = perfect
    for each in reversed(before):
        found = node_hash(each, found)
    return found
