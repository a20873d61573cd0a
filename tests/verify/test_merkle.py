"""Proofs of RFC 6962 and RFC 9162: the published cases, and every proof of random trees with what is next to it."""

import json
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.verify.trees import consistency_proof, inclusion_proof
from verify.merkle import leaf, root_over, verify_consistency, verify_inclusion

# github.com/transparency-dev/merkle, testdata (Apache-2.0); the file names the commit.
CASES = json.loads((Path(__file__).parent / "data" / "rfc6962.json").read_text())


def decoded(values: Sequence[str] | None) -> list[bytes]:
    return [b64decode(value) for value in values or ()]


def named(case: dict[str, Any]) -> str:
    return str(case["file"])


def test_the_published_cases_are_all_there() -> None:
    assert [len(CASES["inclusion"]), len(CASES["consistency"])] == [49, 49]
    assert {case["wantErr"] for kind in ("inclusion", "consistency") for case in CASES[kind]} == {True, False}


@pytest.mark.parametrize("case", CASES["inclusion"], ids=named)
def test_a_published_case_of_inclusion(case: dict[str, Any]) -> None:
    hashed, root, proof = b64decode(case["leafHash"] or ""), b64decode(case["root"] or ""), decoded(case["proof"])
    shown = verify_inclusion(hashed, case["leafIdx"], case["treeSize"], root, proof)
    assert shown is not case["wantErr"]


@pytest.mark.parametrize("case", CASES["consistency"], ids=named)
def test_a_published_case_of_consistency(case: dict[str, Any]) -> None:
    roots = b64decode(case["root1"] or ""), b64decode(case["root2"] or "")
    shown = verify_consistency(case["size1"], case["size2"], *roots, decoded(case["proof"]))
    assert shown is not case["wantErr"]


def changed(data: st.DataObject, proof: list[bytes]) -> list[bytes]:
    """The proof with a hash bit turned, one lost, one more, or two exchanged."""
    how = data.draw(st.sampled_from(["bit", "lost", "more", "exchanged"]))
    if how == "more" or not proof:
        return [*proof, proof[-1] if proof else b"\0" * 32]
    place = data.draw(st.integers(0, len(proof) - 1))
    if how == "lost":
        return proof[:place] + proof[place + 1 :]
    if how == "exchanged" and len(proof) > 1:
        other = (place + 1) % len(proof)
        proof[place], proof[other] = proof[other], proof[place]
        return proof
    at = data.draw(st.integers(0, 255))
    turned = int.from_bytes(proof[place], "big") ^ 1 << at
    return [*proof[:place], turned.to_bytes(32, "big"), *proof[place + 1 :]]


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 200))
def test_a_leaf_is_proven_and_nothing_next_to_it(data: st.DataObject, size: int) -> None:
    leaves = [leaf(bytes([number])) for number in range(size)]
    root, index = root_over(leaves), data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    assert verify_inclusion(leaves[index], index, size, root, proof)
    other = data.draw(st.integers(0, size + 2).filter(lambda number: number != index))
    assert not verify_inclusion(leaves[index], other, size, root, proof)
    assert not verify_inclusion(leaf(b"other"), index, size, root, proof)
    assert not verify_inclusion(leaves[index], index, size, leaf(b"root"), proof)
    assert not verify_inclusion(leaves[index], index, size, root, changed(data, list(proof)))


@settings(max_examples=300, deadline=None)
@given(st.data(), st.integers(1, 200))
def test_a_tree_is_the_beginning_of_another_and_no_other_is(data: st.DataObject, size: int) -> None:
    leaves = [leaf(bytes([number])) for number in range(size)]
    before = data.draw(st.integers(1, size))
    roots = root_over(leaves[:before]), root_over(leaves)
    proof = consistency_proof(leaves, before)
    assert verify_consistency(before, size, *roots, proof)
    assert not verify_consistency(before, size, leaf(b"root"), roots[1], proof)
    assert not verify_consistency(before, size, roots[0], leaf(b"root"), proof)
    assert not verify_consistency(size + 1, size, *roots, proof)
    assert not verify_consistency(before, size, *roots, changed(data, list(proof)))
    if before < size:
        forked = [*leaves[: before - 1], leaf(b"fork"), *leaves[before:]]
        assert not verify_consistency(before, size, roots[0], root_over(forked), consistency_proof(forked, before))


def test_of_an_empty_tree_nothing_can_be_shown() -> None:
    root = root_over([leaf(b"")])
    assert not verify_consistency(0, 0, root, root, [])
    assert not verify_consistency(0, 1, leaf(b"x"), root, [])
    assert not verify_consistency(0, 1, leaf(b"x"), root, [leaf(b"x")])
    assert not verify_inclusion(leaf(b""), 0, 0, root, [])


def test_what_is_no_hash_proves_nothing() -> None:
    leaves = [leaf(b"a"), leaf(b"b")]
    root = root_over(leaves)
    assert verify_inclusion(leaves[0], 0, 2, root, [leaves[1]])
    assert not verify_inclusion(leaves[0], 0, 2, root, [leaves[1] + b"\0"])
    assert not verify_inclusion(b"", 0, 1, b"", [])
