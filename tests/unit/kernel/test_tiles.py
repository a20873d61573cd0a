"""Trees in tiles against a plain reading of RFC 6962, section 2.1, and against the published vectors."""

import json
import os
from base64 import b64decode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.kernel.merkle import HASH, WIDTH, GrowingTree, Tile, TiledTree, leaf_hash
from tests.unit.kernel.test_merkle import LEAVES, ROOTS

DATA = Path(os.environ.get("REAL_DATA") or Path(__file__).parents[4] / "shared" / "data")
VECTORS = DATA / "rfc6962" / "vectors.json"


# --- the definition, word for word ------------------------------------------------------------------------------------


def mth(leaves: Sequence[bytes]) -> bytes:
    """The Merkle Tree Hash over leaf hashes."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], whole=whole), mth(leaves[k:])]
    return [*proof(m - k, leaves[k:], whole=False), mth(leaves[:k])]


def split(n: int) -> int:
    return next(1 << power for power in range(64) if n <= 1 << power + 1)


# --- ours -------------------------------------------------------------------------------------------------------------


class Kept:
    """What a growing tree gave away, read back as a log does."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.tree, self.leaves, self.reads = GrowingTree(), list(leaves), 0
        self.tiles = {(tile.level, tile.index): tile for leaf in leaves for tile in self.tree.append(leaf)}

    def read(self, level: int, index: int, width: int) -> bytes:
        self.reads += 1
        if tile := self.tiles.get((level, index)):
            return tile.hashes[: width * HASH]
        if level == 0:
            return b"".join(self.leaves[index * WIDTH : index * WIDTH + width])
        below = (self.tiles[level - 1, each].root for each in range(index * WIDTH, index * WIDTH + width))
        return b"".join(below)


def hashes(number: int) -> list[bytes]:
    return [leaf_hash(each.to_bytes(4)) for each in range(number)]


MANY = hashes(70_000)
KEPT = Kept(MANY)


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_the_root_is_that_of_the_reference_tree(size: int, root: str) -> None:
    assert Kept([leaf_hash(each) for each in LEAVES[:size]]).tree.root.hex() == root


def test_a_tree_without_leaves_has_a_root_too() -> None:
    assert GrowingTree().root == TiledTree(0, KEPT.read).root == mth([])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 700), st.data())
def test_roots_and_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    leaves = MANY[:size]
    kept = Kept(leaves)
    tree = TiledTree(size, kept.read)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    assert kept.tree.root == tree.root == mth(leaves)
    assert list(tree.inclusion_proof(index)) == path(index, leaves)
    assert list(tree.consistency_proof(old)) == proof(old, leaves)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 70_000), st.data())
def test_an_earlier_tree_is_read_from_what_is_kept_of_a_later_one(size: int, data: st.DataObject) -> None:
    """Of a large one too, in which tiles of three levels lie."""
    index = data.draw(st.integers(0, size - 1))
    tree = TiledTree(size, KEPT.read)
    assert tree.root == mth(MANY[:size])
    assert list(tree.inclusion_proof(index)) == path(index, MANY[:size])


def test_a_tree_of_70_000_has_the_tiles_that_the_specification_counts() -> None:
    """c2sp.org/tlog-tiles, "Partial Tiles"."""
    assert sum(level == 0 for level, _ in KEPT.tiles) == 273
    assert sorted(index for level, index in KEPT.tiles if level == 1) == [0]
    assert [len(part) for part in KEPT.tree._edge] == [112, 17, 1]
    first = KEPT.tiles[0, 0]
    assert first == Tile(0, 0, b"".join(MANY[:256]), mth(MANY[:256]))
    assert KEPT.tiles[1, 0].hashes[:HASH] == first.root
    assert KEPT.tiles[1, 0].root == mth(MANY[:65_536])


def test_a_tree_goes_on_from_its_edge() -> None:
    whole, begun = GrowingTree(), GrowingTree()
    for leaf in MANY[:66_000]:
        whole.append(leaf)
    for leaf in MANY[:65_900]:
        begun.append(leaf)
    resumed = GrowingTree(begun._edge)
    for leaf in MANY[65_900:66_000]:
        resumed.append(leaf)
    assert (resumed.size, resumed.root) == (66_000, whole.root)
    with pytest.raises(ValueError, match="no edge"):
        GrowingTree([MANY[:256]])


def test_a_proof_reads_two_tiles_of_each_level_at_most() -> None:
    KEPT.reads = 0
    TiledTree(70_000, KEPT.read).inclusion_proof(33_333)
    assert KEPT.reads == 4


def test_there_is_no_proof_of_what_is_not_there() -> None:
    tree = TiledTree(10, KEPT.read)
    for index in (-1, 10):
        with pytest.raises(IndexError):
            tree.inclusion_proof(index)
    for old in (0, 11):
        with pytest.raises(ValueError, match="precedes"):
            tree.consistency_proof(old)


# --- what others published --------------------------------------------------------------------------------------------


def published(kind: str) -> list[dict[str, Any]]:
    """The cases that hold, of the tree of `LEAVES`."""
    cases: list[dict[str, Any]] = json.loads(VECTORS.read_text())[kind]
    return [case for case in cases if not case["wantErr"]]


@pytest.mark.real_data
@pytest.mark.skipif(not VECTORS.exists(), reason="the published proofs are not there (REAL_DATA)")
def test_our_proofs_are_the_published_ones() -> None:
    kept = Kept([leaf_hash(each) for each in LEAVES])
    included, consistent = published("inclusion"), published("consistency")
    for case in included:
        tree = TiledTree(case["treeSize"], kept.read)
        assert tree.root == b64decode(case["root"])
        assert list(tree.inclusion_proof(case["leafIdx"])) == [b64decode(each) for each in case["proof"] or ()]
    for case in consistent:
        tree = TiledTree(case["size2"], kept.read)
        assert (tree.root, TiledTree(case["size1"], kept.read).root) == (
            b64decode(case["root2"]), b64decode(case["root1"]),
        )  # fmt: skip
        assert list(tree.consistency_proof(case["size1"])) == [b64decode(each) for each in case["proof"] or ()]
    assert (len(included), len(consistent)) == (3, 4)
