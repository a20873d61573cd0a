"""The port to a list of people with whom no contract may be made before somebody has looked: sanctions, or a register
of one's own. Whoever runs the site brings the file (TOML), with its source and its day:

    source = "United Nations Security Council Consolidated List"
    as_of = 2026-11-20

    [[entry]]
    id = "QDi.001"
    names = ["Xu Changming", "徐长明"]
    born_on = 1961-04-09   # or born_in = 1961; left out where the list has none
"""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import permutations
from pathlib import Path
from typing import Any

from marketplace.kernel.identity import is_same_name, letters_of

MOST_PARTS = 5
"""Of a name of more parts than this the order counts: all orders of many parts are too many to keep."""


class Likeness(StrEnum):
    """How a name was found: spelled as in the list, or by its letters in any order of its parts."""

    EXACT = "exact"
    NORMALISED = "normalised"


@dataclass(frozen=True, slots=True)
class Listed:
    """A person of the list. `born_in` is a year, None where it has none."""

    id: str
    names: tuple[str, ...]
    born_in: int | None = None


@dataclass(frozen=True, slots=True)
class Match:
    entry: Listed
    name: str
    likeness: Likeness


class Watchlist:
    """A list as a file has it. Names are compared without case, accents, hyphens and blanks, in any order of their
    parts; Chinese names by their characters. A name in characters and its transcription are two names: a list that has
    one alone finds one alone. Whoever was born in another year than the list says is not who it means.
    """

    def __init__(self, source: str, as_of: date, entries: Iterable[Listed]) -> None:
        self.source, self.as_of = source, as_of
        self._by_key: dict[str, list[tuple[Listed, str]]] = {}
        for entry in entries:
            for name in entry.names:
                for key in _keys(name):
                    self._by_key.setdefault(key, []).append((entry, name))

    def matches(self, name: str, birth_on: date) -> tuple[Match, ...]:
        """Whom of the list somebody of this name and birth may be, by the ids of the list."""
        found: dict[str, Match] = {}
        for entry, listed in self._by_key.get(letters_of(name), ()):
            if entry.born_in in {None, birth_on.year}:
                likeness = Likeness.EXACT if is_same_name(name, listed) else Likeness.NORMALISED
                if entry.id not in found or likeness is Likeness.EXACT:
                    found[entry.id] = Match(entry, listed, likeness)
        return tuple(found[each] for each in sorted(found))


def read(file: Path) -> Watchlist:
    """Raises ValueError naming what of the file cannot be read: half a list is none."""
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        source, as_of = str(told["source"]), told["as_of"]
        entries = [_entry(each) for each in told.get("entry", [])]
    except (OSError, UnicodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{file.name} is no list of names: {error}") from error
    if not isinstance(as_of, date):
        raise ValueError(f"{file.name}: as_of is no day")  # noqa: TRY004  a file is read, not a caller mistaken
    return Watchlist(source, as_of, entries)


def _entry(told: dict[str, Any]) -> Listed:
    names = tuple(str(each) for each in told["names"])
    if not names or not all(letters_of(each) for each in names):
        raise KeyError(f"entry {told['id']} has a name without letters")
    born = told["born_on"].year if "born_on" in told else told.get("born_in")
    return Listed(str(told["id"]), names, born)


def _keys(name: str) -> Iterator[str]:
    parts = [letters_of(each) for each in name.replace("-", " ").replace("·", " ").split()]
    parts = [each for each in parts if each]
    orders = permutations(parts) if len(parts) <= MOST_PARTS else [parts]
    yield from {"".join(each) for each in orders}


_list: Watchlist | None = None


def configure(watchlist: Watchlist | None) -> None:
    """For the wiring: the list of this process; None names nobody."""
    global _list  # noqa: PLW0603  one for each process, set at start
    _list = watchlist


def current() -> Watchlist | None:
    return _list
