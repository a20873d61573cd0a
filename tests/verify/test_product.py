"""What the marketplace hands out is what the verifier reads: the formats are written down once and read twice."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from marketplace.kernel.merkle import MerkleTree, leaf_hash
from marketplace.traceability.rules.leaves import Leaf
from marketplace.traceability.rules.notes import Checkpoint, Signer
from marketplace.traceability.rules.proofs import proof_file, trust_policy
from marketplace.traceability.rules.rotation import journey_of_log, statement
from tests.verify.evidence import KEY, NEW_KEY, ORIGIN
from tests.verify.rotation_attacks import OWN
from verify.bundle.rotations import _signed
from verify.findings import Report
from verify.policy import read_policy
from verify.receipt import check_receipt

JOURNEY = UUID("4b1d5f0e-6b2f-4f6e-8a39-7f0d7ad1c001")
AT = datetime(2026, 11, 28, 11, 0, 0, 123456, tzinfo=UTC)
OLD, NEW = Signer(ORIGIN, KEY.private), Signer(ORIGIN, NEW_KEY.private)


def leaves(count: int) -> list[bytes]:
    found: list[bytes] = []
    for number in range(1, count + 1):
        previous = leaf_hash(found[-1]) if found else None
        found.append(
            Leaf("page:shown", JOURNEY, number, previous, AT, "ab" * 32, None, "cd" * 32).to_bytes(),
        )
    return found


@pytest.mark.requirement("T26-41")
@pytest.mark.parametrize("size", [1, 2, 7, 300])
def test_a_receipt_of_the_product_is_proven_by_its_own_trust_policy(size: int) -> None:
    entries = leaves(size)
    tree = MerkleTree(map(leaf_hash, entries))
    index = size // 2
    note = NEW.note(Checkpoint(ORIGIN, size, tree.root).text)
    data = proof_file(entries[index], index, tree.inclusion_proof(index), note)
    policy = read_policy(trust_policy(ORIGIN, [OLD.verifier.vkey, NEW.verifier.vkey]))
    report = Report()
    receipt = check_receipt(report, policy, data, "it")
    assert report.findings == []
    assert receipt is not None
    assert (receipt.index, receipt.leaf.number, receipt.head.trusted.vkey) == (index, index + 1, NEW.verifier.vkey)
    assert str(receipt.leaf).endswith("recorded 2026-11-28 11:00:00 UTC")


def test_a_change_of_the_key_of_the_product_is_one() -> None:
    body = statement(OLD, NEW, 12)
    found = _signed(body, ORIGIN, 12)
    assert (found.old.vkey, found.new.vkey, found.size) == (KEY.vkey, NEW_KEY.vkey, 13)
    for said, index in ((body, 11), (body | {"by_old": body["by_new"]}, 12)):
        with pytest.raises(ValueError, match=r"made after it was entered|not signed by both keys"):
            _signed(said, ORIGIN, index)
    assert str(journey_of_log(ORIGIN)) == OWN
