"""Whether the clock of the log can be believed: instants do not run backwards, and fit what others saw.

Who saw: witnesses that cosigned a checkpoint, and authorities that time-stamped it (RFC 3161). An entry in the tree
they saw was not recorded later, one outside it was not recorded earlier.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from verify.bundle.core import Bundle
from verify.bundle.timestamps import stamped
from verify.findings import Code, Report
from verify.history import Head
from verify.leaf import instant

# Acts side by side are entered in the order in which they end, and clocks of two machines differ a little.
_SLACK = 60
# So long may recorded entries wait until they are in the log, as when the process that enters them stands still.
_LONGEST_WAIT = 3600


@dataclass(frozen=True)
class Sighting:
    """Somebody else saw the tree of `size` leaves at `at`, in seconds since 1970."""

    who: str
    size: int
    at: int


def check(report: Report, bundle: Bundle, heads: Mapping[str, Head], authority: Path | None) -> None:
    _check_order(report, bundle)
    sightings = [*_witnesses(heads), *_authorities(report, bundle, heads, authority)]
    if not sightings and not any(finding.code is Code.TIMESTAMP_NOT_CHECKED for finding in report.findings):
        report.find(Code.NO_TIMESTAMP, "Nobody outside says when: the instants are those of the log's own clock.")
    for sighting in sightings:
        report.show(f"{sighting.who} saw the first {sighting.size} entries of the log at {instant(sighting.at)}.")
        _check_sighting(report, bundle, sighting)


def _check_order(report: Report, bundle: Bundle) -> None:
    """In the order of the log, through all journeys: what is entered later was not recorded earlier."""
    for one, other in pairwise(sorted(bundle.entries, key=lambda entry: entry.index)):
        back = one.leaf.at - other.leaf.at
        if back > _SLACK * 10**6:
            text = f"{other} is dated {back // 10**6} seconds before entry {one.index}, after which it was entered."
            report.find(Code.BACKDATED, text, other.index)


def _check_sighting(report: Report, bundle: Bundle, sighting: Sighting) -> None:
    for entry in bundle.entries:
        at = entry.leaf.at / 10**6
        if entry.index < sighting.size and at > sighting.at + _SLACK:
            text = f"{entry} is dated after {sighting.who} saw it in the log at {instant(sighting.at)}."
            report.find(Code.FORWARD_DATED, text, entry.index)
        if entry.index >= sighting.size and at < sighting.at - _LONGEST_WAIT:
            text = f"{entry} was not in the log when {sighting.who} saw it at {instant(sighting.at)}."
            report.find(Code.BACKDATED, text, entry.index)


def _witnesses(heads: Mapping[str, Head]) -> Iterator[Sighting]:
    for head in heads.values():
        for name, at in head.trusted.witnessed.items():
            yield Sighting(f"The witness {name}", head.size, at)


def _authorities(
    report: Report, bundle: Bundle, heads: Mapping[str, Head], authority: Path | None
) -> Iterator[Sighting]:
    for name, head in heads.items():
        token = bundle.files.get(f"wrapper/timestamps/{head.size}.tst")
        if token is not None:
            at = stamped(report, bundle.files[name], token, authority, head)
            if at is not None:
                yield Sighting("The time-stamp authority", head.size, at)
