"""Canonical bytes of a record and their SHA-256: what is hashed, signed or compared must have one spelling.

JSON with sorted keys, no blanks, UTF-8, no floats (RFC 8785 restricted to strings, whole numbers, booleans, null,
lists and objects, where both agree).
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from itertools import chain
from typing import Any
from uuid import UUID

_PLAIN_TYPES = frozenset({str, int, bool, type(None)})
_ROW_TYPES = frozenset({list, tuple})


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int) or type(value) is str:
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return value if _is_table(value) else [_plain(inner) for inner in value]
    raise TypeError(f"{type(value).__name__} has no canonical form")


def _is_table(rows: list[Any] | tuple[Any, ...]) -> bool:
    """Tables have plain cells by the ten thousand: these are looked at together, for each alone would cost a call."""
    return _ROW_TYPES.issuperset(map(type, rows)) and _PLAIN_TYPES.issuperset(map(type, chain.from_iterable(rows)))


def canonical_bytes(value: Any) -> bytes:
    """The one spelling of `value`. Raises TypeError on floats and unknown types."""
    plain = _plain(value)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 (hex) of the canonical bytes of `value`."""
    return sha256_hex(canonical_bytes(value))
