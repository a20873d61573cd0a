"""Places of tiles and of bundles of entries (c2sp.org/tlog-tiles)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from marketplace.kernel.merkle import HEIGHT, WIDTH

HIGHEST_LEVEL = 63
_LONGEST_INDEX = 7  # groups of three digits: more than there will ever be
_NUMBER = re.compile(r"(?:x\d{3}/)*\d{3}", re.ASCII)
_WIDTH = re.compile(r"[1-9]\d{0,2}", re.ASCII)
_LEVEL = re.compile(r"0|[1-9]\d?", re.ASCII)


class NoSuchTile(ValueError):
    """The address names no tile."""


@dataclass(frozen=True, slots=True)
class Place:
    """The first `width` hashes (or entries) of the tile `index` on its level."""

    index: int
    width: int = WIDTH

    @classmethod
    def parse(cls, path: str) -> Self:
        """Of `x001/x234/067` or `x001/x234/067.p/12`. Raises NoSuchTile; there is one spelling for each place."""
        number, partial, width = path.partition(".p/")
        if not _NUMBER.fullmatch(number) or (partial and not _WIDTH.fullmatch(width)):
            raise NoSuchTile
        if number.count("/") >= _LONGEST_INDEX or (partial and int(width) >= WIDTH):
            raise NoSuchTile
        found = cls(int(number.replace("x", "").replace("/", "")), int(width) if partial else WIDTH)
        if found.path != path:
            raise NoSuchTile
        return found

    @property
    def path(self) -> str:
        groups, rest = [f"{self.index % 1000:03}"], self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        return "/".join(groups) + ("" if self.is_full else f".p/{self.width}")

    @property
    def is_full(self) -> bool:
        return self.width == WIDTH

    def is_within(self, size: int, level: int = 0) -> bool:
        """Whether a tree of that size has all of it."""
        return self.index * WIDTH + self.width <= size >> HEIGHT * level


def level(text: str) -> int:
    """A level as an address spells it. Raises NoSuchTile."""
    if not _LEVEL.fullmatch(text) or int(text) > HIGHEST_LEVEL:
        raise NoSuchTile
    return int(text)


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Each entry with its length before it, two bytes, big-endian."""
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)
