"""The seals of this deployment: for each insurer its own where it has one, else the marketplace's.

The folder holds `<code>.pem` and `<code>.key` (or `<code>.token`, see `key_tokens`) for each seal, `root.pem`, the
revocation lists of issuers (`*.crl`), and `timestamp.pem|.key` where a time-stamping authority is our own. A seal is
read once in the life of the process, the lists are read each time.

The signing library is imported when the first seal is read: the site knows this file and never seals, and the library
would take a fifth of its start.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from marketplace.infra.confinement import Limits, NoAnswerError, Nursery
from marketplace.kernel.addresses import time_authorities
from marketplace.kernel.errors import Unavailable

if TYPE_CHECKING:
    from marketplace.infra.signing import Sealer, SealSettings
    from marketplace.infra.timestamping import Stamp, TimeAuthority

MARKETPLACE = "marketplace"
UNREADABLE = "unreadable"
_LIMITS = Limits(memory=512 * 2**20, processor_seconds=5, wall_seconds=10)
_judges = Nursery("marketplace.infra.judging")
_UNSET = "SEALS_FOLDER is not set: this process was given no seals"


@dataclass(frozen=True, slots=True)
class _Cabinet:
    folder: Path | None
    authorities: Mapping[str, str]


_cabinet: _Cabinet | None = None


def configure(folder: Path | None, timestamp_url: str) -> None:
    """For the wiring: where the seals lie, and the time-stamping authorities (`addresses.time_authorities`).

    None where nothing is sealed or judged, as in the site: whatever needs a seal there raises Unavailable.
    """
    global _cabinet  # noqa: PLW0603  one for each process, set at start
    _cabinet = _Cabinet(folder, time_authorities(timestamp_url))
    _sealer.cache_clear()
    _authority.cache_clear()


def sealer_of(code: str) -> "Sealer":
    """The seal for documents of the insurer `code`. Raises Unavailable, KeyExposed, KeyUnfit or OSError."""
    own = (_folder() / f"{code}.pem").exists()
    return _sealer(code if own else MARKETPLACE)


def trust_roots() -> bytes:
    """The certificates that seals must lead to, PEM."""
    return (_folder() / "root.pem").read_bytes()


def authorities() -> tuple[str, ...]:
    """The names of those who stamp the time, the one that stamps seals first; none where nothing is sealed."""
    return tuple(_cabinet.authorities) if _cabinet is not None and _cabinet.folder is not None else ()


def stamp(authority: str, digest_sha256: bytes) -> "Stamp":
    """Have that authority say that a digest existed by now. Raises Unavailable where it gives nothing to rely on."""
    from marketplace.infra.timestamping import read_stamp  # noqa: PLC0415  see the head of the file

    try:
        token = _authority(authority).stamp(digest_sha256)
        return read_stamp(token, digest_sha256, trust_roots())
    except OSError as error:
        raise Unavailable(f"the files of the authority {authority} cannot be read ({error.strerror})") from error


def problems() -> list[str]:
    """Why this process can neither seal nor judge a seal, in words for whoever runs it; empty when it can."""
    if _cabinet is None or _cabinet.folder is None:
        return [_UNSET]
    try:
        trust_roots()
    except OSError as error:
        return [f"SEALS_FOLDER: root.pem cannot be read ({error.strerror})"]
    return []


def fault_of(pdf: bytes, issued_sha256: str) -> str | None:
    """Why a paper is not the sealed one that was issued (`signing.SealReport.reason`), or None when it is."""
    from marketplace.infra import signing  # noqa: PLC0415  heavy, and the site never judges a seal

    report = signing.check(pdf, trust_roots(), issued_sha256=issued_sha256)
    return None if report.valid else report.reason


@dataclass(frozen=True, slots=True)
class Judgement:
    """The seal of a stranger's file: `reason` and `known_signer` are those of `signing.SealReport`."""

    reason: str
    known_signer: bool

    @property
    def holds(self) -> bool:
        return self.reason == "sealed"


def judge(pdf: bytes, roots: bytes, moment: datetime | None = None) -> Judgement:
    """Judge a file that anybody may have made, in a process that can do no harm; one that ends it is unreadable.

    `roots` are the certificates that seals must lead to (PEM), `moment` (aware) is when they must have; None is now.
    """
    told = json.dumps({"roots": roots.decode(), "moment": moment and moment.isoformat()}).encode()
    try:
        answer = json.loads(_judges.ask(["judge"], told + b"\n" + pdf, _LIMITS))
    except (NoAnswerError, ValueError):
        return Judgement(UNREADABLE, known_signer=False)
    match answer:
        case {"reason": str(reason), "known_signer": bool(known)}:
            return Judgement(reason, known)
    return Judgement(UNREADABLE, known_signer=False)


def _configured() -> _Cabinet:
    if _cabinet is None:
        raise Unavailable(_UNSET)
    return _cabinet


def _folder() -> Path:
    folder = _configured().folder
    if folder is None:
        raise Unavailable(_UNSET)
    return folder


def _files(code: str) -> "SealSettings":
    from marketplace.infra.signing import SealSettings  # noqa: PLC0415  see the head of the file

    return SealSettings.in_folder(_folder(), code)


@cache
def _sealer(code: str) -> "Sealer":
    from marketplace.infra.signing import load_sealer  # noqa: PLC0415  see the head of the file

    return load_sealer(_files(code), _authority(next(iter(_configured().authorities))))


@cache
def _authority(name: str) -> "TimeAuthority":
    from marketplace.infra.timestamping import load_authority, remote_authority  # noqa: PLC0415  see the head of the file

    url = _configured().authorities[name]
    return remote_authority(url) if url else load_authority(_files("timestamp"))
