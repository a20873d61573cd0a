"""Which contracts a lot falls on: nobody can choose them, and anybody can draw the same again (T26-51)."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from marketplace.kernel.canonical import sha256_hex
from marketplace.oversight.values import OVERDUE_AFTER


def drawn(seed: str, contracts: Iterable[UUID], size: int) -> tuple[UUID, ...]:
    """The `size` contracts whose SHA-256 of seed and id comes first."""
    return tuple(sorted(contracts, key=lambda each: sha256_hex(f"{seed}:{each}".encode()))[:size])


def is_overdue(now: datetime, last: datetime | None, first_contract: datetime | None) -> bool:
    """Whether a report should be there and is not. Where nothing was concluded yet, nothing can be drawn."""
    since = last or first_contract
    return since is not None and now - since > OVERDUE_AFTER
