"""What a proof file shows: a leaf, when it was recorded, and in which log."""

from dataclasses import dataclass

from verify.findings import Code, Report
from verify.history import Head, accepted
from verify.leaf import Leaf, read_leaf
from verify.merkle import verify_inclusion
from verify.policy import Policy
from verify.proof import ProofError, read_proof


@dataclass(frozen=True)
class Receipt:
    index: int
    leaf: Leaf
    head: Head


def check_receipt(report: Report, policy: Policy, data: bytes, name: str) -> Receipt | None:
    """The receipt, if it shows what it says; else None and findings."""
    try:
        proof = read_proof(data)
    except ProofError as error:
        report.find(Code.MALFORMED, f"{name} is no receipt: {error}.")
        return None
    trusted = accepted(report, policy, proof.checkpoint, f"The checkpoint of {name}")
    try:
        leaf = read_leaf(proof.extra or b"")
    except ValueError as error:
        report.find(Code.MALFORMED, f"{name} does not carry the entry it is of: {error}.", proof.index)
        return None
    if trusted is None:
        return None
    size, root = trusted.checkpoint.size, trusted.checkpoint.root
    if not verify_inclusion(leaf.hash, proof.index, size, root, proof.hashes):
        report.find(Code.NOT_IN_LOG, f"The entry that {name} carries is not in the log.", proof.index)
        return None
    return Receipt(proof.index, leaf, Head(name, trusted, is_outside=True))
