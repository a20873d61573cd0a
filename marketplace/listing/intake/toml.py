"""TOML files -> data, and the line at which a field stands."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pydantic import ValidationError

from marketplace.listing.values import Finding

_HEADER = re.compile(r"^\s*(\[\[?)\s*([\w\s.\"'-]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([\w.\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=")
_AT_LINE = re.compile(r"line (\d+)")

UNKNOWN = ("unexpected_keyword_argument", "extra_forbidden")
"""How pydantic says that a field is none of the format's."""
_CODES = {
    "missing": "missing",
    **dict.fromkeys(UNKNOWN, "unknown_field"),
    "enum": "not_one_of",
    "literal_error": "not_one_of",
    "union_tag_invalid": "not_one_of",
    "union_tag_not_found": "missing",
    "string_pattern_mismatch": "wrong_form",
    "value_error": "blank",
    "date_from_datetime_parsing": "not_a_day",
    "date_parsing": "not_a_day",
    "date_type": "not_a_day",
    "too_short": "too_few",
    "too_long": "too_many",
    "greater_than_equal": "out_of_bounds",
    "less_than_equal": "out_of_bounds",
    "string_too_long": "text_too_long",
}


def read_toml(file: str, data: bytes) -> tuple[dict[str, Any] | None, tuple[Finding, ...]]:
    """The table in `data`, or the finding that says why it is none."""
    try:
        return tomllib.loads(data.decode("utf-8")), ()
    except UnicodeDecodeError as error:
        return None, (Finding(file, "not_utf8", row=data[: error.start].count(b"\n") + 1),)
    except tomllib.TOMLDecodeError as error:
        at = _AT_LINE.search(str(error))
        return None, (Finding(file, "not_toml", row=int(at.group(1)) if at else None, value=str(error)),)


def as_json(data: object) -> bytes:
    """`data` of TOML as JSON bytes (days as ISO strings)."""
    return json.dumps(data, default=_day, ensure_ascii=False).encode()


def _day(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def findings_of(file: str, source: bytes, error: ValidationError) -> tuple[Finding, ...]:
    """Each fault pydantic found, with the field's path and line."""
    return tuple(_finding(file, source, each) for each in error.errors(include_url=False))


def _finding(file: str, source: bytes, fault: Any) -> Finding:
    kind, context = str(fault["type"]), fault.get("ctx", {})
    code = _CODES.get(kind, "wrong_kind" if kind.endswith(("_type", "_parsing")) else "invalid")
    given = context.get("tag", fault["input"])
    value = "" if code == "missing" else json.dumps(given, default=str, ensure_ascii=False)[:80]
    location = _without_tag(fault["loc"])
    if kind.startswith("union_tag"):
        location.append("kind")
    column = ".".join(map(str, location))
    return Finding(file, code, line_of(source, location), column, value, _right(code, kind, context))


def _right(code: str, kind: str, context: Mapping[str, Any]) -> str:
    """What would be right, as far as pydantic knows it."""
    match code:
        case "not_one_of":
            return str(context.get("expected") or context.get("expected_tags"))
        case "wrong_form":
            return str(context["pattern"])
        case "wrong_kind":
            return kind.removesuffix("_type").removesuffix("_parsing")
        case "text_too_long":
            return str(context["max_length"])
        case "out_of_bounds":
            return f">= {context['ge']}" if "ge" in context else f"<= {context['le']}"
        case _:
            return ""


def _without_tag(location: Sequence[str | int]) -> list[str | int]:
    """Pydantic names the kind of a step inside the path: `steps, 3, lookup, table`."""
    tagged = len(location) > 2 and location[0] == "steps"  # noqa: PLR2004  the list, the index, the kind
    return [*location[:2], *location[3:]] if tagged else list(location)


def line_of(source: bytes, location: Sequence[str | int]) -> int | None:
    """The line (from 1) of the deepest field on the way to `location`, found by its headings; None where none is."""
    wanted, best, best_depth = list(location), None, 0
    prefix: list[str | int] = []
    counts: dict[tuple[str | int, ...], int] = {}
    for number, line in enumerate(source.decode("utf-8", "replace").splitlines(), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header:
            prefix = _indexed(_parts(header.group(2)), header.group(1) == "[[", counts)
            path: list[str | int] = prefix
        elif key:
            path = [*prefix, *_parts(key.group(1))]
        else:
            continue
        if wanted[: len(path)] == path and len(path) > best_depth:
            best, best_depth = number, len(path)
    return best


def _parts(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in text.split(".")]


def _indexed(parts: Iterable[str], is_array: bool, counts: dict[tuple[str | int, ...], int]) -> list[str | int]:  # noqa: FBT001  two shapes of heading
    """The heading's path with the index of each array of tables it goes through."""
    parts = list(parts)
    path: list[str | int] = []
    for position, part in enumerate(parts):
        path.append(part)
        key = tuple(path)
        if is_array and position == len(parts) - 1:
            counts[key] = counts.get(key, -1) + 1
        if key in counts:
            path.append(counts[key])
    return path
