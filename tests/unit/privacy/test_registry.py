"""The register of personal data reads well: every word is there, in both languages, and nothing stands twice."""

from collections import Counter

import pytest

from marketplace.privacy.values import Places, registry
from marketplace.privacy.values.registry import Item

ITEMS = registry().items
PLACES = [*(item.places for item in ITEMS), *(other.places for other in registry().not_personal)]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.key)
@pytest.mark.asvs("14.1.1", "14.1.2")
@pytest.mark.requirement("T26-30")
def test_each_item_says_what_why_and_for_how_long_in_both_languages(item: Item) -> None:
    for words in (item.name, item.purpose):
        assert words.en
        assert words.zh
    assert any((item.places.columns, item.places.fields, item.places.inputs, item.places.trail)), "it is nowhere"
    assert bool(item.unless) is not item.exported, "what is not in the copy says why"


def test_nothing_is_both_personal_and_not() -> None:
    for kind in ("columns", "fields", "inputs"):
        named = Counter(name for places in PLACES for name in getattr(places, kind))
        assert [name for name, times in named.items() if times > 1] == []


def test_every_word_of_the_register_is_used() -> None:
    register = registry()
    assert {item.group for item in ITEMS} == set(register.groups)
    assert {item.basis for item in ITEMS} == set(register.bases)
    assert {item.retention for item in ITEMS} == set(register.retentions)
    assert {recipient for item in ITEMS for recipient in item.recipients} == set(register.recipients)
    for kind in (register.groups, register.bases, register.retentions, register.recipients):
        assert all(words.zh for words in kind.values())


def test_places_are_read_by_their_kind() -> None:
    """The control of the two comparisons above: what is written down is what is compared."""
    assert Places.of({"columns": ["a.b"], "trail": ["c"]}) == Places(frozenset({"a.b"}), trail=frozenset({"c"}))
