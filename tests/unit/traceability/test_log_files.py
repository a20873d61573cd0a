"""Places of tiles, proofs, the trust policy, and the change of the key, as they are handed out."""

from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from marketplace.kernel.merkle import WIDTH, GrowingTree, TiledTree, leaf_hash
from marketplace.traceability.rules.notes import Checkpoint, NoteRefused, Signer
from marketplace.traceability.rules.proofs import authorities_file, proof_file, trust_policy
from marketplace.traceability.rules.rotation import check_statement, journey_of_log, statement
from marketplace.traceability.rules.tiles import NoSuchTile, Place, entry_bundle

ORIGIN = "insurance.example/log"


def a_signer(name: str = ORIGIN) -> Signer:
    return Signer(name, Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    ("path", "index", "width"),
    [("000", 0, 256), ("067", 67, 256), ("x001/x234/067", 1_234_067, 256), ("x001/000.p/112", 1000, 112)],
)
def test_a_tile_has_its_place(path: str, index: int, width: int) -> None:
    assert Place.parse(path) == Place(index, width)
    assert Place(index, width).path == path


@given(st.integers(0, 10**15), st.integers(1, WIDTH))
def test_every_place_is_found_again(index: int, width: int) -> None:
    assert Place.parse(Place(index, width).path) == Place(index, width)


@pytest.mark.parametrize(
    "path",
    ["", "0", "0000", "x001", "001/002", "x000/001", "000.p/", "000.p/0", "000.p/01", "000.p/256", "000.p/1/2", "-01",
     "٠٠٠", "x001/" * 7 + "000"],
)  # fmt: skip
def test_nothing_else_names_a_tile(path: str) -> None:
    with pytest.raises(NoSuchTile):
        Place.parse(path)


def test_a_tile_is_there_once_the_tree_has_all_of_it() -> None:
    assert Place(273, 112).is_within(70_000)
    assert not Place(273, 113).is_within(70_000)
    assert Place(0).is_within(65_536, level=1)
    assert not Place(0).is_within(65_535, level=1)


def test_entries_stand_behind_their_lengths() -> None:
    assert entry_bundle([b"a", b"", b"x" * 300]) == b"\x00\x01a\x00\x00\x01\x2c" + b"x" * 300


@pytest.mark.requirement("T26-41")
def test_a_proof_says_what_it_proves_and_leads_to_the_signed_root() -> None:
    leaves, signer, tree = [b"leaf %d" % each for each in range(5)], a_signer(), GrowingTree()
    for leaf in leaves:
        tree.append(leaf_hash(leaf))

    def read(_level: int, _index: int, width: int) -> bytes:
        return b"".join(map(leaf_hash, leaves[:width]))

    beside = TiledTree(5, read).inclusion_proof(3)
    note = signer.note(Checkpoint(ORIGIN, 5, tree.root).text)
    head, _, checkpoint = proof_file(leaves[3], 3, beside, note).decode().partition("\n\n")
    version, extra, index, *hashes = head.split("\n")
    assert (version, index, checkpoint) == ("c2sp.org/tlog-proof@v1", "index 3", note)
    assert b64decode(extra.removeprefix("extra ")) == leaves[3]
    assert tuple(b64decode(each) for each in hashes) == beside


def test_the_policy_names_every_key_and_its_quorum() -> None:
    lines = trust_policy(ORIGIN, ["first", "second"]).decode().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["log first", "log second", "quorum none"]


def test_certificates_stand_under_the_names_of_their_authorities() -> None:
    lines = authorities_file([("local", "PEM 1\n"), ("tsa.example", "PEM 2\n")]).decode().splitlines()
    assert lines[0].startswith("# ")
    assert lines[1:] == ["", "# local", "PEM 1", "", "# tsa.example", "PEM 2"]


@pytest.mark.requirement("T26-41")
def test_a_change_of_the_key_is_signed_by_both() -> None:
    old, new = a_signer(), a_signer()
    body = statement(old, new, 7)
    assert set(body) == {"new", "old", "origin", "size", "by_old", "by_new"}
    assert check_statement(body, ORIGIN) == new.verifier


def test_a_key_that_was_stolen_alone_changes_nothing() -> None:
    old, new, thief = a_signer(), a_signer(), a_signer()
    body = statement(old, new, 7)
    by_new_alone = statement(thief, new, 7) | {"old": old.verifier.vkey}
    swapped = statement(old, thief, 7) | {"new": new.verifier.vkey}
    odd = [body | {"size": 8}, by_new_alone, swapped, statement(old, old, 7), {}, body | {"by_old": None}]
    for each in odd:
        with pytest.raises(NoteRefused):
            check_statement(each, ORIGIN)
    with pytest.raises(NoteRefused):
        check_statement(body, "elsewhere.example/log")
    with pytest.raises(NoteRefused):
        statement(old, a_signer("elsewhere.example/log"), 7)


def test_a_log_has_one_journey_of_its_own() -> None:
    assert journey_of_log(ORIGIN) == journey_of_log(ORIGIN) != journey_of_log("elsewhere.example/log")
