"""What the law asks of an online insurance sale, where it is written, and what of it is not built.

Each law is a file of `laws/` in both languages of the site: its requirements in their order, each with its article and
how sure we are of it. A requirement that names nothing as `missing` and is not `outside` is a claim: a test carries its
id and passes, or the report about it is red. Reports are made by running those tests, and shown as they were made.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from marketplace.catalog.values import Profile
from marketplace.kernel.canonical import sha256_hex
from marketplace.kernel.text import LocalizedText

_FOLDER = Path(__file__).with_name("laws")
_ORDER = ("T26", "O13", "SCM", "N108", "PER", "EU", "UK")


class Source(StrEnum):
    """Where the sentence comes from: the text of the law, somebody who quotes it, memory; or it follows from them."""

    OFFICIAL = "official"
    SECONDARY = "secondary"
    MEMORY = "memory"
    INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Requirement:
    """`place`: article of the law. `doubtful`: to be checked before anybody quotes it. `missing`: what of it is not
    built, and when it comes. `outside`: why it has no object here.
    """

    id: str
    place: LocalizedText
    source: Source
    asks: LocalizedText
    doubtful: bool = False
    missing: LocalizedText | None = None
    outside: LocalizedText | None = None

    @property
    def is_claimed(self) -> bool:
        return self.missing is None and self.outside is None


@dataclass(frozen=True, slots=True)
class Law:
    """`profiles`: of the market profiles whose sales it governs."""

    key: str
    name: LocalizedText
    since: date | None
    profiles: frozenset[Profile]
    requirements: tuple[Requirement, ...]


class Result(StrEnum):
    """What the tests say of a requirement. `PARTLY`: those of what is there pass, and something is missing."""

    PASSED = "passed"
    FAILED = "failed"
    PARTLY = "partly"
    MISSING = "missing"
    OUTSIDE = "outside"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True)
class Standing:
    """A requirement, the names of the tests that carry its id, and what they say."""

    requirement: Requirement
    result: Result
    tests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """All requirements by law, by the report that was `made_at` of the source at `commit`; without one nothing was
    run. `of_another`: the report is about another register, and nothing is taken from it.
    """

    made_at: datetime | None
    commit: str
    of_another: bool
    standings: Mapping[Law, tuple[Standing, ...]]

    def number(self, *results: Result, law: Law | None = None) -> int:
        """How many requirements, of one law where it is given, have one of these results."""
        of = [self.standings[law]] if law else self.standings.values()
        return sum(each.result in results for standings in of for each in standings)

    @property
    def total(self) -> int:
        return sum(map(len, self.standings.values()))


@cache
def register_sha256() -> str:
    """SHA-256 (hex) of the register as it lies here: a report about another one says nothing of this."""
    return sha256_hex(b"".join((_FOLDER / f"{key}.toml").read_bytes() for key in _ORDER))


@cache
def laws() -> tuple[Law, ...]:
    """The whole register."""
    return tuple(_law(key, tomllib.loads((_FOLDER / f"{key}.toml").read_text(encoding="utf-8"))) for key in _ORDER)


def _law(key: str, data: dict[str, Any]) -> Law:
    told = data.pop("law")
    return Law(
        key=key,
        name=LocalizedText.from_json(told["name"]),
        since=told.get("since"),
        profiles=frozenset(map(Profile, told["profiles"])),
        requirements=tuple(_requirement(name, each) for name, each in data.items()),
    )


def _requirement(name: str, data: Mapping[str, Any]) -> Requirement:
    def words(key: str) -> LocalizedText | None:
        return LocalizedText.from_json(data[key]) if key in data else None

    return Requirement(
        id=name,
        place=LocalizedText.from_json(data["place"]),
        source=Source(data["source"]),
        asks=LocalizedText.from_json(data["asks"]),
        doubtful=data.get("doubtful", False),
        missing=words("missing"),
        outside=words("outside"),
    )
