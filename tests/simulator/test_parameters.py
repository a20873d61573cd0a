"""Stripe's form notation, read back from what the library itself writes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stripe._encode import _api_encode

from sandbox.stripe_simulator.cards import CARDS, passes_luhn
from sandbox.stripe_simulator.currencies import major_units
from sandbox.stripe_simulator.errors import ParameterError
from sandbox.stripe_simulator.parameters import nested

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=8)
VALUES = st.recursive(
    st.text(max_size=10),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=8,
)


def numbered(value: Any) -> Any:
    """Lists as the notation carries them: groups with the names 0, 1, 2 …"""
    if isinstance(value, list):
        return {str(place): numbered(item) for place, item in enumerate(value)}
    if isinstance(value, dict):
        return {name: numbered(item) for name, item in value.items()}
    return value


@given(st.dictionaries(NAMES, VALUES, max_size=4))
@settings(deadline=None, max_examples=60)
def test_what_the_library_writes_is_read_back(params: dict[str, Any]):
    assert nested(_api_encode(params)) == numbered(params)


def test_empty_brackets_count_up():
    assert nested([("expand[]", "a"), ("expand[]", "b")]) == {"expand": {"0": "a", "1": "b"}}


@pytest.mark.parametrize("name", ["", "[a]", "a[", "a]", "a[b", "a[b]c", "a[[b]]"])
def test_a_name_that_is_none_is_refused(name: str):
    with pytest.raises(ParameterError):
        nested([(name, "x")])


@pytest.mark.parametrize("names", [("a", "a[b]"), ("a[b]", "a"), ("a[b]", "a[b][c]")])
def test_a_value_is_not_a_group_as_well(names: tuple[str, str]):
    with pytest.raises(ParameterError):
        nested([(name, "x") for name in names])


@pytest.mark.parametrize(
    ("amount", "currency", "units"), [(1234, "cny", "12.34"), (1234, "jpy", "1234"), (1234, "kwd", "1.234")]
)
def test_amounts_have_the_digits_of_their_currency(amount: int, currency: str, units: str):
    assert str(major_units(amount, currency)) == units


def test_every_test_card_has_its_check_digit_and_its_own_alias():
    assert all(passes_luhn(card.number) for card in CARDS)
    assert not passes_luhn("4242424242424241")
    aliases = [alias for card in CARDS for alias in card.aliases]
    assert len(aliases) == len(set(aliases))
    assert all(card.aliases for card in CARDS)
