"""What was found, each with a code that does not change, and what has been shown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """`docs/verifying.md` explains each."""

    # the file
    UNREADABLE = "UNREADABLE"
    UNSAFE_FILE = "UNSAFE_FILE"
    DUPLICATE_FILE = "DUPLICATE_FILE"
    EXTRA_FILE = "EXTRA_FILE"
    MISSING_FILE = "MISSING_FILE"
    MALFORMED = "MALFORMED"
    WRONG_CONTRACT = "WRONG_CONTRACT"
    # the log
    UNKNOWN_KEY = "UNKNOWN_KEY"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    QUORUM_NOT_MET = "QUORUM_NOT_MET"
    FOREIGN_LOG = "FOREIGN_LOG"
    NOT_IN_LOG = "NOT_IN_LOG"
    FORK = "FORK"
    CONSISTENCY_MISSING = "CONSISTENCY_MISSING"
    ROTATION_FORGED = "ROTATION_FORGED"
    ROTATION_MISSING = "ROTATION_MISSING"
    KEY_RETIRED = "KEY_RETIRED"
    # the journey
    GAP = "GAP"
    REORDERED = "REORDERED"
    CHAIN_BROKEN = "CHAIN_BROKEN"
    TRUNCATED_TAIL = "TRUNCATED_TAIL"
    FOREIGN_RECEIPT = "FOREIGN_RECEIPT"
    # what was said and shown
    BODY_ALTERED = "BODY_ALTERED"
    PAGE_ALTERED = "PAGE_ALTERED"
    PAGE_VERSION_ALTERED = "PAGE_VERSION_ALTERED"
    ASSET_REPLACED = "ASSET_REPLACED"
    ERASED_IN_DISPUTE = "ERASED_IN_DISPUTE"
    RELEASE_ALTERED = "RELEASE_ALTERED"
    RELEASE_LATE = "RELEASE_LATE"
    DEFAULT_TICK = "DEFAULT_TICK"
    # when
    BACKDATED = "BACKDATED"
    FORWARD_DATED = "FORWARD_DATED"
    TIMESTAMP_INVALID = "TIMESTAMP_INVALID"
    # no faults, but a reader should know
    WITHHELD = "WITHHELD"
    ERASED = "ERASED"
    ILLUSTRATION = "ILLUSTRATION"
    RELEASE_NOT_LOGGED = "RELEASE_NOT_LOGGED"
    NO_TIMESTAMP = "NO_TIMESTAMP"
    TIMESTAMP_LATE = "TIMESTAMP_LATE"
    TIMESTAMP_NOT_CHECKED = "TIMESTAMP_NOT_CHECKED"

    @property
    def is_fault(self) -> bool:
        return self not in _NOTES


_NOTES = frozenset(
    {
        Code.WITHHELD,
        Code.ERASED,
        Code.ILLUSTRATION,
        Code.RELEASE_NOT_LOGGED,
        Code.NO_TIMESTAMP,
        Code.TIMESTAMP_LATE,
        Code.TIMESTAMP_NOT_CHECKED,
    },
)


@dataclass(frozen=True)
class Finding:
    """`entry` is the number of the entry in the log, from 0, where it is about one."""

    code: Code
    text: str
    entry: int | None = None

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code.value, "fault": self.code.is_fault, "entry": self.entry, "text": self.text}


@dataclass
class Report:
    """What was found and what was shown; without a fault the latter is proven."""

    findings: list[Finding] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def find(self, code: Code, text: str, entry: int | None = None) -> None:
        self.findings.append(Finding(code, text, entry))

    def show(self, text: str) -> None:
        self.shown.append(text)

    @property
    def is_proven(self) -> bool:
        return not any(finding.code.is_fault for finding in self.findings)

    def to_json(self) -> Mapping[str, Any]:
        return {
            "verified": self.is_proven,
            "shown": self.shown,
            "findings": [finding.to_json() for finding in self.findings],
        }
