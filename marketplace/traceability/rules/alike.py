"""What different people were shown alike, and who is known to be different (decision 17)."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

NEEDED = 3
"""So many people have to have been shown some words before they are the page's own and not somebody's."""


NEEDED_OF_ALL = 12
"""The same for a page about no product: it is about every line of business, and some of each have to have been seen."""

TELLS_LITTLE = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """One view of a page: on which journey, of which account's, about which need (if it names one); `of_application`
    where it stands on the road of an application.
    """

    entry_id: UUID
    journey_id: UUID
    need: str | None
    of_application: bool


def of_different_people(views: Iterable[Shown], accounts: Mapping[UUID, frozenset[UUID]]) -> tuple[Shown, ...]:
    """One view for each person, as far as people are known to be different: another journey, other accounts seen on it
    and another need. Where an application is under way only journeys with an account count: whoever begins anew without
    one may be the same person.
    """
    chosen: list[Shown] = []
    for view in views:
        whose = accounts.get(view.journey_id, frozenset())
        if view.of_application and not whose:
            continue
        if not any(
            view.journey_id == other.journey_id
            or whose & accounts.get(other.journey_id, frozenset())
            or (view.need is not None and view.need == other.need)
            for other in chosen
        ):
            chosen.append(view)
    return tuple(chosen)


# A run of text between two tags, never a part of one; inside a tag each name and each value.
_OF_A_PAGE = re.compile(rb'(?<=>)[^<\n]*\n?|[^<>"/?=&;\n]*(?:[<>"/?=&;\n]|$)')
# A text of JSON as a whole, or what stands between two texts.
_OF_A_RECORDING = re.compile(rb'"(?:[^"\\]|\\.)*"|[^"]+')


def alike(pages: Sequence[bytes], needed: int = NEEDED) -> bytes:
    """The pieces of each page that so many of them have, in its order; a page whose pieces are nearly all there from an
    earlier one adds nothing. So comparisons of several lines of business give one after the other.
    """
    return _common([_OF_A_PAGE.findall(page) for page in pages], needed)


def recorded_alike(recordings: Sequence[bytes], needed: int = NEEDED) -> bytes:
    """The same of recordings of what was done on a page (`rules.interactions`)."""
    return _common([_OF_A_RECORDING.findall(recording) for recording in recordings], needed)


def _common(parted: Sequence[Sequence[bytes]], needed: int) -> bytes:
    times = Counter(piece for pieces in parted for piece in set(pieces))
    told: set[bytes] = set()
    kept: list[bytes] = []
    for pieces in parted:
        common = [piece for piece in pieces if times[piece] >= needed]
        new = sum(len(piece) for piece in set(common) - told)
        if new > sum(map(len, common)) / TELLS_LITTLE:
            kept += common
            told.update(common)
    return b"".join(kept)
