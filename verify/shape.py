"""Whether parts of a file have the shape that the format gives them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

Rule = Callable[[Any], bool]
_HASH = re.compile(r"[0-9a-f]{64}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST_TEXT = 1000
END_OF_TIME = 253_402_300_800  # the year 10000, in seconds


class Misshapen(ValueError):
    """A part is not as the format has it. The text says which."""


def parts(value: Any, rules: Mapping[str, Rule]) -> dict[str, Any]:
    """`value`, if it is an object of exactly these keys and each fits its rule. Raises Misshapen."""
    if type(value) is not dict or value.keys() != rules.keys():
        raise Misshapen(f"it does not have the parts {', '.join(rules)}")
    for name, fits in rules.items():
        if not fits(value[name]):
            raise Misshapen(f"its part “{name}” is not as the format has it")
    return value


def anything(_value: Any) -> bool:
    return True


def is_text(value: Any) -> bool:
    return type(value) is str and len(value) <= _LONGEST_TEXT


def is_hash(value: Any) -> bool:
    return type(value) is str and _HASH.fullmatch(value) is not None


def is_uuid(value: Any) -> bool:
    return type(value) is str and _UUID.fullmatch(value) is not None


def is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def is_instant(value: Any) -> bool:
    """Microseconds since 1970."""
    return is_count(value) and value < END_OF_TIME * 10**6


def is_object(value: Any) -> bool:
    return type(value) is dict


def is_list(value: Any) -> bool:
    return type(value) is list


def is_list_of_hashes(value: Any) -> bool:
    return type(value) is list and all(map(is_hash, value))


def one_of(*values: Any) -> Rule:
    return lambda value: any(type(value) is type(each) and value == each for each in values)


def or_null(rule: Rule) -> Rule:
    return lambda value: value is None or rule(value)
