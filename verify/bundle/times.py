"""Whether the clock of the log can be believed: instants do not run backwards, and fit what others saw.

Who saw: witnesses that cosigned a checkpoint, and authorities that time-stamped it (RFC 3161). An entry in the tree
they saw was not recorded later, one outside it was not recorded earlier. Where the log itself has an entry that names a
time-stamp, whatever stands behind it was put there after that was made.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from verify.bundle.core import CHECKPOINT, Bundle
from verify.bundle.stamp_entries import place_in_log
from verify.bundle.timestamps import stamped, trusted_as
from verify.findings import Code, Report
from verify.history import Head
from verify.leaf import instant

# Acts side by side are entered in the order in which they end, and clocks of two machines differ a little.
_SLACK = 60
# So long may recorded entries wait until they are in the log, as when the process that enters them stands still.
_LONGEST_WAIT = 3600
# At the latest at the end of a day the log is stamped; a history that was made anew can only be stamped late.
_LATEST_STAMP = 86_400
_MOST_STAMPS = 40
_TOKEN = re.compile(r"(wrapper/timestamps/(0|[1-9][0-9]{0,18})-([a-z0-9.-]{1,120}))\.tst")


@dataclass(frozen=True)
class Sighting:
    """Somebody else saw the tree of `size` leaves at `at`, in seconds since 1970. `place` is where the log itself says
    so, if it does.
    """

    who: str
    size: int
    at: int
    place: int | None = None


def check(report: Report, bundle: Bundle, heads: Mapping[str, Head], authorities: bytes | None) -> None:
    _check_order(report, bundle)
    sightings = [*_witnesses(heads), *_stamps(report, bundle, heads, authorities)]
    for sighting in sightings:
        report.show(f"{sighting.who} saw the first {sighting.size} entries of the log at {instant(sighting.at)}.")
        _check_sighting(report, bundle, sighting)
    _tell_interval(report, bundle, sightings)


def _tell_interval(report: Report, bundle: Bundle, sightings: list[Sighting]) -> None:
    """Between what times all that was recorded of the contract came into the log."""
    places = [entry.index for entry in bundle.entries]
    if not places:
        return
    after = [each for each in sightings if each.size > max(places)]
    before = [each for each in sightings if each.place is not None and each.place < min(places)]
    if not after:
        if not any(finding.code is Code.TIMESTAMP_NOT_CHECKED for finding in report.findings):
            what = "when the last entries were recorded" if sightings else "when"
            text = f"Nobody outside says {what}: the instants are those of the log's own clock."
            report.find(Code.NO_TIMESTAMP, text)
        return
    end = min(after, key=lambda each: each.at)
    if end.at - max(entry.leaf.at for entry in bundle.entries) / 10**6 > _LATEST_STAMP:
        text = f"Nobody outside saw the last entries until {instant(end.at)}, long after their time. Ask why."
        report.find(Code.TIMESTAMP_LATE, text)
    proven = f"not after {instant(end.at)} ({end.who[0].lower()}{end.who[1:]})"
    if before:
        begin = max(before, key=lambda each: each.at)
        proven = f"not before {instant(begin.at)} ({begin.who[0].lower()}{begin.who[1:]}) and {proven}"
    report.show(f"All that was recorded of the contract came into the log {proven}.")


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


def _stamps(report: Report, bundle: Bundle, heads: Mapping[str, Head], authorities: bytes | None) -> Iterator[Sighting]:
    files = {heads[name].size: name for name in reversed(list(heads))}
    tokens = [found for name in sorted(bundle.files) if (found := _TOKEN.fullmatch(name)) is not None]
    if len(tokens) > _MOST_STAMPS:
        report.find(Code.UNREADABLE, f"There are {len(tokens)} time-stamps; {_MOST_STAMPS} were looked at.")
    for found in tokens[:_MOST_STAMPS]:
        name, size = found[0], int(found[2])
        if size not in files:
            report.find(Code.TIMESTAMP_INVALID, f"{name} is of a checkpoint that is not here, or not to be believed.")
            continue
        head, authority = heads[files[size]], trusted_as(found[3], authorities)
        at = stamped(report, bundle.files[files[size]], bundle.files[name], authority, head)
        if at is not None:
            core = heads.get(CHECKPOINT)
            place = None if core is None else place_in_log(report, bundle, core, found[1], head)
            yield Sighting(f"The time-stamp authority {authority}", size, at, place)
