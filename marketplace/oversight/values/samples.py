"""Contracts that are drawn by lot each month, put together anew from what is kept, and checked (T26-51)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from marketplace.kernel.errors import Conflict, NotFound

SAMPLE_SIZE = 20
ERASED = "erased"
"""Why a contract of a sample was not checked: since then nothing of it may be read any more."""
OVERDUE_AFTER = timedelta(days=35)
"""Without a report for so long, `/healthz/compliance` says so."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A contract of a sample. `verified` is None until it was checked; `failure` says why no file could be made."""

    application_id: UUID
    sale_id: UUID | None
    number: str
    verified: bool | None
    failure: str | None
    core_sha256: str | None
    checked_at: datetime | None

    @property
    def sound(self) -> bool:
        return self.verified is True


@dataclass(frozen=True, slots=True)
class Sample:
    """`size` of the `contracts` concluded from `since` until it was drawn. Anybody with the list of these contracts
    draws the same again: the lot is the SHA-256 of `seed`, the root of the log at that moment, and the id of each.

    Once all are checked it is `finished_at`; then a person reads it and says what follows.
    """

    id: UUID
    drawn_at: datetime
    since: datetime
    seed: str
    contracts: int
    sampled: tuple[Sampled, ...]
    finished_at: datetime | None
    read_by: UUID | None
    read_at: datetime | None
    words: str

    @property
    def unsound(self) -> tuple[Sampled, ...]:
        return tuple(each for each in self.sampled if each.checked_at and not each.sound and each.failure != ERASED)


class SampleNotFound(NotFound):
    """There is no such sample."""

    code = "oversight:sample-not-found"


class SampleNotFinished(Conflict):
    """Not every contract of this sample is checked yet."""

    code = "oversight:sample-not-finished"


class SampleReadAlready(Conflict):
    """Somebody has read this report and said what follows."""

    code = "oversight:sample-read-already"
