"""Words that an insurer's product may not say: ranks, promises, prices "from", scarcity, regulators, genes.

The rules are data (`wording.toml`), each with its requirement and examples of what it finds and what it leaves alone.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from marketplace.catalog.values.content import ProductContent
from marketplace.catalog.values.factors import Line
from marketplace.kernel.text import LocalizedText

_NUMBER = re.compile(r"\d[\d.,]*")
_SOURCE = Path(__file__).with_name("wording.toml")
_SAID = (
    "marketing_name", "summary", "target_market", "not_for", "covers", "key_facts", "facts", "information", "questions",
)  # fmt: skip
"""What praise could stand in. Exclusions say what is not paid, and documents are filed as they are."""


@dataclass(frozen=True, slots=True)
class WordingRule:
    """`lines` and `where`: of these lines and in these texts only; none given means all."""

    key: str
    requirement: str
    en: tuple[str, ...]
    zh: tuple[str, ...]
    but: tuple[str, ...]
    lines: frozenset[Line]
    where: frozenset[str]
    bad: tuple[str, ...]
    good: tuple[str, ...]

    def found_in(self, said: str) -> str | None:
        """The first of its phrases that is said."""
        plain = _plain(said)
        for exception in self.but:
            plain = plain.replace(f" {exception} ", " ")
        english = next((each for each in self.en if f" {each} " in plain), None)
        chinese = "".join(plain.split())
        return english or next((each for each in self.zh if each in chinese), None)


@cache
def wording_rules() -> tuple[WordingRule, ...]:
    """All of them, in the order of the file."""
    return tuple(_rule(key, each) for key, each in tomllib.loads(_SOURCE.read_text(encoding="utf-8")).items())


def banned_words(content: ProductContent) -> Iterator[tuple[str, WordingRule, str]]:
    """Each text that breaks a rule, as the path of its field, with the rule and the phrase."""
    data = content.to_json()
    for name in _SAID:
        for path, text in _texts(name, data[name]):
            for rule in wording_rules():
                applies = content.line in (rule.lines or {content.line}) and name in (rule.where or {name})
                phrase = rule.found_in(f"{text.en} {text.zh or ''}") if applies else None
                if phrase:
                    yield path, rule, phrase


def _texts(path: str, data: Any) -> Iterator[tuple[str, LocalizedText]]:
    """Every text in this part of a product, with the path of its field."""
    if isinstance(data, Mapping) and isinstance(data.get("en"), str):
        yield path, LocalizedText.from_json(data)
    elif isinstance(data, Mapping | list):
        parts = data.items() if isinstance(data, Mapping) else enumerate(data)
        for key, each in parts:
            yield from _texts(f"{path}.{key}", each)


def _plain(said: str) -> str:
    """In small letters, a blank between words, at both ends too, and # for each number; no punctuation."""
    marked = _NUMBER.sub("#", said.lower())
    return f" {' '.join(''.join(char if char.isalnum() or char == '#' else ' ' for char in marked).split())} "


def _rule(key: str, data: Mapping[str, Any]) -> WordingRule:
    return WordingRule(
        key=key,
        requirement=data["requirement"],
        en=tuple(data["en"]),
        zh=tuple(data["zh"]),
        but=tuple(data.get("except", {}).get("en", ())),
        lines=frozenset(map(Line, data.get("lines", ()))),
        where=frozenset(data.get("where", ())),
        bad=tuple(data["bad"]),
        good=tuple(data["good"]),
    )
