"""The register of what is kept about people: what, where, why, on which basis, for whom, for how long.

Sources: GDPR article 30 (record of processing), PIPL articles 17 and 55, checklist T26-30 and O13-41, ASVS 14.1.1. The
register itself is `registry.toml`, in both languages of the site. Every column, form field, input of a template and key
of the trail stands either with an item or under a reason why it is not about a person; tests compare.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from marketplace.kernel.text import LocalizedText

SOURCE = Path(__file__).with_name("registry.toml")


@dataclass(frozen=True, slots=True)
class Places:
    """Where something is found: `table.column`, `Form.field`, names of inputs in templates, keys of trail bodies.

    A form field whose name is made from an insurer's questions is written `Form.*`.
    """

    columns: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    trail: frozenset[str] = frozenset()

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Places":
        return cls(*(frozenset(data.get(kind, ())) for kind in ("columns", "fields", "inputs", "trail")))


@dataclass(frozen=True, slots=True)
class Item:
    """One kind of personal data. `exported` says whether a person's copy holds it; where it does not, `unless` why."""

    key: str
    group: str
    name: LocalizedText
    purpose: LocalizedText
    basis: str
    recipients: tuple[str, ...]
    retention: str
    sensitive: bool
    exported: bool
    unless: LocalizedText | None
    places: Places


@dataclass(frozen=True, slots=True)
class NotPersonal:
    """Places that tell nothing about a person, and why."""

    reason: str
    places: Places


@dataclass(frozen=True, slots=True)
class Registry:
    """The whole register. The mappings hold the words of groups, legal bases, recipients and rules of retention."""

    groups: Mapping[str, LocalizedText]
    bases: Mapping[str, LocalizedText]
    recipients: Mapping[str, LocalizedText]
    retentions: Mapping[str, LocalizedText]
    items: tuple[Item, ...]
    not_personal: tuple[NotPersonal, ...]

    def in_group(self, group: str) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.group == group)


@cache
def registry() -> Registry:
    """The register as it stands in `registry.toml`. Raises KeyError where an item names an unknown word."""
    data = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    groups, bases, recipients, retentions = (
        {key: LocalizedText.from_json(words) for key, words in data[kind].items()}
        for kind in ("groups", "bases", "recipients", "retentions")
    )
    items = tuple(_item(key, each) for key, each in data["items"].items())
    for item in items:
        _ = groups[item.group], bases[item.basis], retentions[item.retention], [recipients[r] for r in item.recipients]
    others = tuple(NotPersonal(each["reason"], Places.of(each)) for each in data["not_personal"])
    return Registry(groups, bases, recipients, retentions, items, others)


def _item(key: str, data: Mapping[str, Any]) -> Item:
    return Item(
        key=key,
        group=data["group"],
        name=LocalizedText.from_json(data["name"]),
        purpose=LocalizedText.from_json(data["purpose"]),
        basis=data["basis"],
        recipients=tuple(data.get("recipients", ())),
        retention=data["retention"],
        sensitive=data.get("sensitive", False),
        exported=data.get("exported", True),
        unless=LocalizedText.from_json(data["unless"]) if "unless" in data else None,
        places=Places.of(data),
    )
