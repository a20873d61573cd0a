"""Whether checkpoints are of one log: each must be shown to be the beginning of the longest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verify.findings import Code, Report
from verify.merkle import verify_consistency
from verify.note import BadSignature, NoteError, UnknownKey
from verify.policy import KeyRetired, Policy, QuorumNotMet, RotationMissing, Trusted

Proofs = Mapping[tuple[int, int], tuple[bytes, ...]]

_CODES: Mapping[type[NoteError], Code] = {
    UnknownKey: Code.UNKNOWN_KEY,
    BadSignature: Code.BAD_SIGNATURE,
    QuorumNotMet: Code.QUORUM_NOT_MET,
    KeyRetired: Code.KEY_RETIRED,
    RotationMissing: Code.ROTATION_MISSING,
}


@dataclass(frozen=True)
class Head:
    """A checkpoint that the policy accepts, and what to call it. `is_outside` says that it came from the reader."""

    name: str
    trusted: Trusted
    is_outside: bool = False

    @property
    def size(self) -> int:
        return self.trusted.checkpoint.size

    @property
    def root(self) -> bytes:
        return self.trusted.checkpoint.root

    def __str__(self) -> str:
        return f"{self.name} (of {self.size} entries)"


def accepted(report: Report, policy: Policy, signed: bytes | str, name: str) -> Trusted | None:
    """A checkpoint by the policy, or None and a finding."""
    try:
        return policy.accept(signed)
    except NoteError as error:
        report.find(_CODES.get(type(error), Code.MALFORMED), f"{name} is not to be believed: {error}.")
    return None


def compare(report: Report, heads: Sequence[Head], proofs: Proofs) -> None:
    """Find every head that is not shown to be the beginning of the longest."""
    longest = max(heads, key=lambda head: (head.size, head.is_outside))
    others = [head for head in heads if head.trusted.checkpoint.origin != longest.trusted.checkpoint.origin]
    for head in others:
        report.find(Code.FOREIGN_LOG, f"{head} and {longest} are of two logs.")
    same = sorted((head for head in heads if head not in others), key=lambda head: -head.size)
    leading = [longest]
    for head in same:
        if head is longest:
            continue
        steps = [_step(head, other, proofs) for other in leading]
        if True in steps:
            leading.append(head)
        elif False in steps:
            report.find(Code.FORK, f"{head} is not the beginning of {leading[steps.index(False)]}: two histories.")
        elif longest.is_outside:
            text = (
                f"the log ends at {head.size} entries, yet {longest} was signed. The log was cut, or the file is older"
            )
            report.find(Code.FORK, f"Of {head} it is not shown that it is the beginning of {longest}: {text}.")
        else:
            text = f"ask for the consistency proof {head.size}-{longest.size}"
            report.find(Code.CONSISTENCY_MISSING, f"{head} is not shown to be the beginning of {longest}: {text}.")


def _step(head: Head, longer: Head, proofs: Proofs) -> bool | None:
    """Whether `head` is the beginning of `longer`; None where nothing shows it."""
    if head.size == longer.size:
        return head.root == longer.root
    if head.size == 0:
        return True
    proof = proofs.get((head.size, longer.size))
    return proof if proof is None else verify_consistency(head.size, longer.size, head.root, longer.root, proof)
