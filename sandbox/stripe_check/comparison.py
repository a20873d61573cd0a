"""What two answers have in common, and where they differ: by shape, for identifiers and instants never agree."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

WORDS = frozenset(
    {
        "action", "brand", "cancellation_reason", "case_type", "code", "currency", "decline_code", "funding",
        "Idempotent-Replayed", "mode", "network_status", "object", "param", "payment_status", "pending_reason",
        "reason", "reporting_category", "risk_level", "setup_future_usage", "status", "Stripe-Version", "type",
        "ui_mode", "usage",
    }
)  # fmt: skip
"""Fields whose very words count; of any other text only that it is one."""
FREE = frozenset({"doc_url", "message", "request_log_url"})
"""What is in Stripe's own words."""
HEADERS = ("Idempotency-Key", "Idempotent-Replayed", "Request-Id", "Stripe-Version")


def shape(value: Any, name: str = "") -> Any:
    """A value without what differs by nature: identifiers keep their prefix, lists their first element.

    Metadata is kept word for word: both sides were sent the same.
    """
    if name == "metadata":
        return value
    if isinstance(value, dict):
        return {key: shape(inner, key) for key, inner in value.items() if key not in FREE}
    if isinstance(value, list):
        return [shape(value[0], name)] if value else []
    if isinstance(value, bool) or value is None or (isinstance(value, str) and name in WORDS):
        return value
    if isinstance(value, int | float):
        return "number"
    prefix = re.match(r"([a-z]{2,5}_)(?:test_)?[A-Za-z0-9]{8,}", value)
    return f"{prefix[1]}…" if prefix else "text"


def shape_of_headers(headers: Mapping[str, str]) -> Any:
    """Those headers that tell something, as far as they came."""
    given = {name.lower(): value for name, value in headers.items()}
    return {name: shape(given[name.lower()], name) for name in HEADERS if name.lower() in given}


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """One line for each place where the simulator's shape is not Stripe's."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in sorted(ours.keys() | theirs.keys()):
            where = f"{path}.{key}" if path else key
            if key not in theirs:
                yield f"{where}: only the simulator has it"
            elif key not in ours:
                yield f"{where}: only Stripe has it"
            else:
                yield from differences(ours[key], theirs[key], where)
    elif isinstance(ours, list) and isinstance(theirs, list):
        if ours and theirs:
            yield from differences(ours[0], theirs[0], f"{path}[0]")
    elif ours != theirs:
        yield f"{path}: simulator {_said(ours)}, Stripe {_said(theirs)}"


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "null" if value is None else f"{value}"


def at(answer: Any, path: str) -> Any:
    """The part of an answer that a dotted path names; None where there is none."""
    for step in path.split("."):
        if isinstance(answer, list):
            answer = answer[int(step)] if int(step) < len(answer) else None
        elif isinstance(answer, dict):
            answer = answer.get(step)
        else:
            return None
    return answer


def broken_promises(expected: dict[str, Any], answer: Any) -> Iterator[str]:
    """Where an answer is not what the scenario says the documentation promises; `null` is written as a word."""
    for path, promised in expected.items():
        found = at(answer, path)
        if found != (None if promised == "null" else promised):
            yield f"{path}: documented {promised}, found {_said(found)}"


def lies_in(place: str, parts: Iterable[str]) -> bool:
    """Whether a place (`data[0].id`, `data.0.id`) is in one of the parts of an answer, named by dotted paths."""
    dotted = place.replace("[", ".").replace("]", "")
    return any(dotted == part or dotted.startswith(f"{part}.") for part in parts)
