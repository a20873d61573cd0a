"""Trees and proofs against the published test vectors, and a second reading of the same specification."""

import pytest

from marketplace.kernel.merkle import MerkleTree, leaf_hash
from verify import merkle as second

# RFC 6962 test data of transparency-dev/merkle (Apache-2.0): the leaves of its reference tree and their roots.
LEAVES = [bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                                           "606162636465666768696a6b6c6d6e6f")]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize(("size", "root"), ROOTS.items())
def test_the_root_is_that_of_the_reference_tree(size: int, root: str) -> None:
    assert MerkleTree(map(leaf_hash, LEAVES[:size])).root.hex() == root


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 33, 100])
def test_every_leaf_is_proven_to_the_second_reading_and_no_other_is(size: int) -> None:
    hashes = [leaf_hash(bytes([number])) for number in range(size)]
    tree = MerkleTree(hashes)
    assert tree.root == second.root_over(hashes)
    for index, found in enumerate(hashes):
        proof = tree.inclusion_proof(index)
        assert second.verify_inclusion(found, index, size, tree.root, proof)
        assert not second.verify_inclusion(leaf_hash(b"other"), index, size, tree.root, proof)
        assert not second.verify_inclusion(found, (index + 1) % size, size, tree.root, proof) or size == 1
        assert not second.verify_inclusion(found, index, size, tree.root, (*proof, found))
        assert not second.verify_inclusion(found, index, size, tree.root, proof[:-1]) or size == 1


def test_a_tree_has_leaves_and_proves_only_those() -> None:
    with pytest.raises(ValueError, match="at least one"):
        MerkleTree([])
    with pytest.raises(IndexError):
        MerkleTree([leaf_hash(b"")]).inclusion_proof(1)
