"""Journeys and their entries: what is recorded, and what is read of it (checklist T26-04…06, T26-31)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.kernel.ids import new_id
from marketplace.traceability.values.words import Actor, Channel, EntryType


@dataclass(frozen=True, slots=True)
class Act:
    """Something done or decided, recorded with it. `body` is JSON without floats; ids and days may be given as such."""

    journey_id: UUID
    type: EntryType
    body: Mapping[str, Any]
    actor: Actor
    application_id: UUID | None = None
    insurer_id: UUID | None = None
    page_version_id: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A page about to be sent: its version and the exact bytes of its body. It is kept pressed (`infra.pressing`):
    against the file `reference` where one is named, by itself as `pressed` gives it where whoever sends it has a way.
    """

    journey_id: UUID
    type: EntryType
    page_version_id: str
    page: bytes
    actor: Actor
    body: Mapping[str, Any] = field(default_factory=dict)
    application_id: UUID | None = None
    insurer_id: UUID | None = None
    pressed: Callable[[], bytes] | None = None
    reference: str | None = None
    entry_id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class ViewKept:
    """A page that was shown: of which version, in which journey, and what that concerns."""

    journey_id: UUID
    page_version_id: str
    application_id: UUID | None
    insurer_id: UUID | None


LONGEST_PART = 2**20
"""Bytes of a recording that a browser may send at once."""


@dataclass(frozen=True, slots=True)
class RecordingKept:
    """What a browser said was done on a page that was shown (`view_id`), as bytes; `sha256` stands in the trail."""

    view_id: UUID
    sha256: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Journey:
    """One road of one customer towards a contract; or a later visit to a contract (`visit_to`: its application).
    `attribution` says where they came from. Nothing of it ever changes.
    """

    id: UUID
    reference: str
    channel: Channel
    attribution: Mapping[str, Any]
    started_at: datetime
    business_started_at: datetime
    visit_to: UUID | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the hash of an entry is of: SHA-256(salt ‖ data) is its `body_sha256` (docs/evidence-format.md)."""

    salt: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the trail. `recorded_at` is real time, `business_at` the time of the contract.

    `body` is empty where the personal data of its journey or application was erased, before or after; its hash stays.
    `body_sha256` is the SHA-256 of salt and envelope (docs/evidence-format.md), `page_sha256` that of the bytes sent
    where a page was sent. `log_index` is its place in the log, `number` its number in the journey, from 1 without gaps;
    both are None for what is not in the log yet.
    """

    id: UUID
    journey_id: UUID
    application_id: UUID | None
    insurer_id: UUID | None
    page_version_id: str | None
    type: EntryType
    actor: Actor
    recorded_at: datetime
    business_at: datetime
    body: Mapping[str, Any]
    body_sha256: str
    page_sha256: str | None
    log_index: int | None
    number: int | None
