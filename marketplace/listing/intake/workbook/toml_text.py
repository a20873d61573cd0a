"""A cell's text as a value of TOML. What does not have the form of its kind stays text, and the reader says so."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from marketplace.catalog.values import LineDefinition, Scalar, is_day
from marketplace.listing.intake.workbook.layout import Field, Kind

_WHOLE = re.compile(r"-?\d{1,18}")
_COMMA = re.compile(r"[,，、]")
_SEMICOLON = re.compile(r"[;；]")


def value(each: Field, text: str, line: LineDefinition | None, factor: str = "") -> str:
    """The value of a field; `factor` is the one whose values `text` lists."""
    match each.kind:
        case Kind.WHOLE if _WHOLE.fullmatch(text):
            return str(int(text))
        case Kind.YES_NO if text.lower() in ("yes", "no"):
            return "true" if text.lower() == "yes" else "false"
        case Kind.DAY if is_day(text):
            return text
        case Kind.LIST:
            return _list(quoted(item) for item in _items(text))
        case Kind.SCALARS:
            return _list(_scalar(item, line, factor) for item in _items(text))
        case Kind.SCALAR:
            return str(int(text)) if _WHOLE.fullmatch(text) else quoted(text)
        case Kind.WHEN:
            return _when(text, line)
        case _:
            return quoted(text)


def quoted(text: str) -> str:
    """A TOML string: JSON's spelling is one of TOML's, but for one character that TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _list(items: Iterable[str]) -> str:
    return f"[{', '.join(items)}]"


def _items(text: str) -> list[str]:
    return [item.strip() for item in _COMMA.split(text) if item.strip()]


def _scalar(text: str, line: LineDefinition | None, factor: str) -> str:
    """A factor's value as the format has it: `yes` of a yes-or-no factor is true."""
    given: Scalar = int(text) if _WHOLE.fullmatch(text) else text
    if line is not None and factor in {each.name for each in line.factors}:
        with suppress(ValueError):  # said by the reader, who knows what is possible
            given = line.factor(factor).parse(text)
    return json.dumps(given) if isinstance(given, int) else quoted(given)


def _when(text: str, line: LineDefinition | None) -> str:
    """`smoker = yes; sex = male, female` as an inline table."""
    conditions: dict[str, list[str]] = {}
    for condition in filter(None, map(str.strip, _SEMICOLON.split(text))):
        factor, _, values = (piece.strip() for piece in condition.partition("="))
        conditions.setdefault(factor, []).extend(_scalar(item, line, factor) for item in _items(values))
    return f"{{ {', '.join(f'{quoted(factor)} = {_list(values)}' for factor, values in conditions.items())} }}"


def document(data: Mapping[str, Any]) -> bytes:
    """A table as a TOML file: what stands once first, then a heading for each entry of a list of tables."""
    listed = {name for name, given in data.items() if isinstance(given, list) and given and isinstance(given[0], dict)}
    lines = [f"{quoted(name)} = {literal(given)}" for name, given in data.items() if name not in listed]
    for name in (name for name in data if name in listed):
        for entry in data[name]:
            lines += ["", f"[[{quoted(name)}]]", *(f"{quoted(key)} = {literal(given)}" for key, given in entry.items())]
    return ("\n".join(lines) + "\n").encode()


def literal(given: Any) -> str:
    """A value as TOML writes it."""
    match given:
        case bool():
            return "true" if given else "false"
        case date():
            return given.isoformat()
        case list() | tuple():
            return _list(map(literal, given))
        case dict():
            return f"{{ {', '.join(f'{quoted(name)} = {literal(each)}' for name, each in given.items())} }}"
        case str():
            return quoted(given)
        case _:
            return str(given)
