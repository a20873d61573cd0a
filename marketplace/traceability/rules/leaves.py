"""Leaves and envelopes: what an entry is in the log, and what its hash covers (docs/evidence-format.md).

A leaf is public and says nothing about anybody; what an entry says lies behind the salted hash `b` (T26-30, T26-41).
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from marketplace.kernel.canonical import canonical_bytes

FORMAT = 1
CHANNEL = "traceability_log"
"""Where the sequencer listens, for the few entries that somebody waits for."""
SALT_BYTES = 16
LONGEST_LEAF = 1024
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry in the log. `number` and `previous` (the leaf hash before it in its journey) are the sequencer's."""

    type: str
    journey_id: UUID
    number: int
    previous: bytes | None
    recorded_at: datetime
    page_version_id: str | None
    page_sha256: str | None
    body_sha256: str

    def to_json(self) -> dict[str, Any]:
        return {
            "v": FORMAT,
            "t": self.type,
            "j": str(self.journey_id),
            "n": self.number,
            "p": None if self.previous is None else self.previous.hex(),
            "ts": microseconds(self.recorded_at),
            "pv": self.page_version_id,
            "r": self.page_sha256,
            "b": self.body_sha256,
        }

    def to_bytes(self) -> bytes:
        return canonical_bytes(self.to_json())


def microseconds(at: datetime) -> int:
    """Whole microseconds since 1970 UTC; no float on the way, in which they would not fit."""
    return (at - _BEGINNING) // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Frame:
    """All of an entry that its envelope holds beside what it says."""

    entry_id: UUID
    application_id: UUID | None
    insurer_id: UUID | None
    actor_role: str
    actor_id: UUID | None
    actor_label: str
    business_at: datetime

    def to_json(self) -> dict[str, Any]:
        return {
            "actor": {"account_id": self.actor_id, "label": self.actor_label, "role": self.actor_role},
            "application_id": self.application_id,
            "business_at": self.business_at.astimezone(UTC).isoformat(),
            "entry_id": self.entry_id,
            "insurer_id": self.insurer_id,
        }

    def envelope(self, body: bytes) -> bytes:
        """The canonical envelope around a canonical body, which is not spelled a second time.

        `body` stands third in the order of keys.
        """
        said = self.to_json()
        before = canonical_bytes({key: said.pop(key) for key in ("actor", "application_id")})
        return b'%s,"body":%s,%s' % (before[:-1], body, canonical_bytes(said)[1:])


def body_sha256(salt: bytes, envelope: bytes) -> str:
    """The hash that binds every column of an entry; without the salt nobody can guess what it is of."""
    return hashlib.sha256(salt + envelope).hexdigest()


def parted(salted: bytes) -> tuple[bytes, bytes]:
    """Salt and canonical body of what was sealed together."""
    return salted[:SALT_BYTES], salted[SALT_BYTES:]
