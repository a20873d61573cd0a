"""What is watched for, as declared data (`rules.toml`): each rule with its version, its numbers, what it is for, until
when a case of it is decided, and examples of both kinds, which are tried by a test.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from marketplace.kernel.text import LocalizedText


class RuleCode(StrEnum):
    LIST_MATCH = "list_match"
    DEATH_COVER = "death_cover"
    ANSWERS_DIFFER = "answers_differ"
    ONE_INSTRUMENT = "one_instrument"
    BOUGHT_AND_LEFT = "bought_and_left"
    PAYER_DIFFERS = "payer_differs"
    PREMIUM_OUT_OF_PROPORTION = "premium_out_of_proportion"


@dataclass(frozen=True, slots=True)
class Example:
    """What somebody did, as short words that a test makes traces of, and whether the rule speaks up."""

    traces: tuple[Mapping[str, Any], ...]
    found: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """`days` is how far back is looked, `most` and `least` what its `numbers` say; `holds` stops an application before
    it is decided on, `hours` is the time in which a case is decided.
    """

    code: RuleCode
    version: int
    title: LocalizedText
    why: LocalizedText
    days: int
    hours: int
    numbers: Mapping[str, int]
    holds: bool
    examples: tuple[Example, ...]


def _rule(code: str, told: Mapping[str, Any]) -> Rule:
    return Rule(
        code=RuleCode(code),
        version=told["version"],
        title=LocalizedText(told["title"]["en"], told["title"]["zh"]),
        why=LocalizedText(told["why"]["en"], told["why"]["zh"]),
        days=told.get("days", 0),
        hours=told["hours"],
        numbers=told.get("numbers", {}),
        holds=told.get("holds", False),
        examples=tuple(Example(tuple(each["traces"]), each["found"]) for each in told.get("examples", ())),
    )


_FILE = Path(__file__).with_name("rules.toml")
RULES: Mapping[RuleCode, Rule] = {
    rule.code: rule
    for rule in (_rule(code, told) for code, told in tomllib.loads(_FILE.read_text(encoding="utf-8")).items())
}
