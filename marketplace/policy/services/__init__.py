"""Do: conclude contracts and note their end; make papers, of contracts and of the money of an order.

Nothing here commits. A paper is made in two jobs, set and then sealed, and each may be repeated after a crash.
"""

from marketplace.policy.services.contracts import end_contract, end_expired, erase_contract, hold_still, issue
from marketplace.policy.services.numbers import allot_numbers
from marketplace.policy.services.papers import (
    make_document,
    make_paper,
    note_seal_roots,
    order_paper,
    retry_failed,
    seal_document,
    seal_paper,
    watch_papers,
)

__all__ = [
    "allot_numbers",
    "end_contract",
    "end_expired",
    "erase_contract",
    "hold_still",
    "issue",
    "make_document",
    "make_paper",
    "note_seal_roots",
    "order_paper",
    "retry_failed",
    "seal_document",
    "seal_paper",
    "watch_papers",
]
