"""Proofs of RFC 6962 by its recursive definitions, slow and plain: what the verifier is held against."""

from collections.abc import Sequence

from verify.merkle import root_over


def _split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """PATH(m, D[n]) of RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(leaves[:split], index), root_over(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), root_over(leaves[:split])]


def consistency_proof(leaves: Sequence[bytes], before: int) -> list[bytes]:
    """PROOF(m, D[n]) of RFC 6962, 2.1.2: that the first `before` leaves are the tree's beginning."""
    return _subproof(before, leaves, whole=True)


def _subproof(before: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if before == len(leaves):
        return [] if whole else [root_over(leaves)]
    split = _split(len(leaves))
    if before <= split:
        return [*_subproof(before, leaves[:split], whole=whole), root_over(leaves[split:])]
    return [*_subproof(before - split, leaves[split:], whole=False), root_over(leaves[:split])]
