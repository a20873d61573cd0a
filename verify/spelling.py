"""JSON and base64 in their one spelling: what is hashed or signed must not be readable in two ways."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted keys, no blanks, UTF-8; no number with a fraction may stand in it."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def read_json(data: bytes) -> Any:
    """What `data` says. Raises ValueError where it is no JSON, names a key twice, or has a number with a fraction."""
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once, parse_float=_refused, parse_constant=_refused)
        canonical(found)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _refused(number: str) -> Any:
    raise ValueError(f"{number} is no whole number")


def decoded(text: str) -> bytes:
    """The bytes of base64 (RFC 4648, section 4). Raises ValueError for anything that is not how they are spelled."""
    try:
        found = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"{text[:60]!r} is no base64") from error
    if base64.b64encode(found).decode("ascii") != text:
        raise ValueError(f"{text[:60]!r} is no base64")
    return found
