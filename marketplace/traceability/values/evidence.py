"""Evidence of one contract, as the log proves it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from marketplace.traceability.values.entries import Envelope
from marketplace.traceability.values.words import EntryType


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A file that goes with the evidence of a contract: `kind` says what it is, `sha256` (hex) is that of `data`."""

    kind: str
    name: str
    sha256: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry as the evidence of a contract shows it: its leaf, and the proof that it stands in the log.

    `envelope` and `page` are None where they are withheld, and `withheld` says why: `erased`, or of another contract
    in the same journey (`other_insurer`, `other_contract`). `body` is what the open envelope says.
    """

    index: int
    type: EntryType
    leaf: Mapping[str, Any]
    proof: tuple[bytes, ...]
    envelope: Envelope | None
    page: bytes | None
    withheld: str | None

    @property
    def page_version_id(self) -> str | None:
        found: str | None = self.leaf["pv"]
        return found

    @property
    def body(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = {} if self.envelope is None else json.loads(self.envelope.data)["body"]
        return found


@dataclass(frozen=True, slots=True)
class Stamped:
    """That an authority stamped the checkpoint of `size`: its token (RFC 3161), and what that says."""

    authority: str
    size: int
    token: bytes
    stamped_at: datetime


@dataclass(frozen=True, slots=True)
class Extract:
    """What the log holds of one contract up to its last act, in the tree of the first checkpoint that covers it.

    The same whoever asks and whenever, until the contract has another act. `versions` are manifests by their id;
    `receipt_sizes` the trees under which receipts of it were handed out.
    """

    application_id: UUID
    origin: str
    size: int
    checkpoint: str
    entries: tuple[Logged, ...]
    versions: Mapping[str, Mapping[str, Any]]
    receipt_sizes: tuple[int, ...]
