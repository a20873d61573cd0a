"""Which sheets a workbook has and which fields stand on them: worked out from the types that read the text files.

There is no second list of fields: `fields_of` walks the JSON Schemas of the format. A text is a field with two columns,
English and Chinese; a list is one cell with commas; a table of the format is a sheet with a row for each entry.

    Catalog                 field | value
    <product>               field | value | Chinese     what the product says once
    <product> covers …      a row for each              PARTS
    <product> <table>       the numbers of a table, as its CSV file would have them
    <product> examples      risks with the premium expected
    <product> clauses.en.md the words of a document, a line in each row (or a file in the zip beside the workbook)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from marketplace.catalog.values import LINES, Line, LineDefinition, RowSource
from marketplace.listing.intake.schemas import schemas

CATALOG = "Catalog"
IGNORED = ("How to", "Findings")
EXAMPLES = "examples"
FIELD, VALUE, CHINESE, EXPLANATION = "field", "value", "value (zh)", "explanation"
ZH = " (zh)"
VERSION = "version"
"""A field of the workbook alone: what comes after the `@` of a product's folder."""
LONGEST_SHEET_NAME = 31


class Kind(StrEnum):
    WORDS = "words"
    TEXT = "text"
    WHOLE = "whole"
    YES_NO = "yes_no"
    DAY = "day"
    LIST = "list"
    SCALAR = "scalar"
    SCALARS = "scalars"
    WHEN = "when"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `path` as the text files have it, dotted."""

    path: str
    kind: Kind
    choices: tuple[str, ...] = ()
    required: bool = False

    @property
    def headings(self) -> tuple[str, ...]:
        return (self.path, f"{self.path}{ZH}") if self.kind is Kind.WORDS else (self.path,)


@dataclass(frozen=True, slots=True)
class Part:
    """A sheet with a row for each entry of one list; `key` names the column that is the entry's name in a mapping."""

    name: str
    file: str
    fields: tuple[Field, ...]
    key: str | None = None

    @property
    def headings(self) -> tuple[str, ...]:
        return tuple(heading for each in self.fields for heading in each.headings)


@cache
def catalog_fields() -> tuple[Field, ...]:
    return tuple(fields_of(schemas()["catalog.json"]))


@cache
def product_fields() -> tuple[Field, ...]:
    """The fields of every product but the facts of its line, which `fact_fields` gives."""
    schema = schemas()["product.json"]
    listed = {part.name for part in parts()}
    given = [each for each in fields_of(schema) if each.path.partition(".")[0] not in listed]
    return (Field("code", Kind.TEXT, required=True), Field(VERSION, Kind.TEXT), *(f for f in given if f.path != "code"))


def fact_fields(line: LineDefinition) -> tuple[Field, ...]:
    rows = (row for row in line.rows if row.source is RowSource.FACT)
    return tuple(Field(f"facts.{row.key}", Kind.WORDS, required=True) for row in rows)


def line_of_value(value: str) -> LineDefinition | None:
    return LINES[Line(value)] if value in [line.value for line in LINES] else None


@cache
def parts() -> tuple[Part, ...]:
    product, questions, tariff = (schemas()[f"{name}.json"] for name in ("product", "questions", "tariff"))
    allowed = tuple(_fields(product["$defs"]["Allowed"], product["$defs"], ""))
    return (
        Part("eligibility", "product.toml", (Field("factor", Kind.TEXT, required=True), *allowed), key="factor"),
        *(_part(name, "product.toml", product) for name in ("limits", "covers", "exclusions", "carve_outs")),
        _part("questions", "questions.toml", questions),
        _part("tables", "tariff.toml", tariff, but=("file",)),
        Part("steps", "tariff.toml", _step_fields(tariff)),
        _part("documents", "product.toml", product),
    )


def part_names() -> tuple[str, ...]:
    return (*(part.name for part in parts()), EXAMPLES)


def _part(name: str, file: str, schema: Mapping[str, Any], but: tuple[str, ...] = ()) -> Part:
    definitions = schema["$defs"]
    entry = _resolved(schema["properties"][name]["items"], definitions)
    return Part(name, file, tuple(each for each in _fields(entry, definitions, "") if each.path not in but))


def _step_fields(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of all kinds of steps, each once, and the kinds themselves as the choices of `kind`."""
    definitions, found = schema["$defs"], dict[str, Field]()
    items = schema["properties"]["steps"]["items"]
    for reference in items["oneOf"]:
        for each in _fields(_resolved(reference, definitions), definitions, ""):
            found.setdefault(each.path, each)
    required = {"id": True, "kind": True}
    found["kind"] = Field("kind", Kind.TEXT, tuple(items["discriminator"]["mapping"]))
    ordered = ["id", "kind", *(path for path in found if path not in required)]
    return tuple(Field(path, found[path].kind, found[path].choices, path in required) for path in ordered)


def fields_of(schema: Mapping[str, Any]) -> Iterator[Field]:
    """Every field of a file of the format, nested ones by their dotted path; lists of entries are parts, not fields."""
    yield from _fields(schema, schema.get("$defs", {}), "")


def _fields(schema: Mapping[str, Any], definitions: Mapping[str, Any], above: str) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, given in schema.get("properties", {}).items():
        told, path = _resolved(given, definitions), f"{above}{name}"
        if told.get("type") == "object" and told.get("title") != "LocalizedText":
            yield from _inner(path, told, definitions)
        elif told.get("type") != "array" or _kind(told, definitions) is not None:
            kind = _kind(told, definitions) or Kind.TEXT
            yield Field(path, kind, _choices(told), name in required)


def _inner(path: str, told: Mapping[str, Any], definitions: Mapping[str, Any]) -> Iterator[Field]:
    """The fields of an object: its properties, or one for each name that a mapping may have."""
    if "properties" in told:
        yield from _fields(told, definitions, f"{path}.")
        return
    if _scalars(told.get("additionalProperties", {})):
        yield Field(path, Kind.WHEN)
        return
    names = _resolved(told.get("propertyNames", {}), definitions).get("enum", ())
    value = _resolved(told["additionalProperties"], definitions)
    choices = tuple(_resolved(value.get("items", {}), definitions).get("enum", ()))
    for name in names:
        yield Field(f"{path}.{name}", _kind(value, definitions) or Kind.TEXT, choices)


def _resolved(given: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema behind a reference, and what may be left out taken as if it were there."""
    offered = [each for each in given.get("anyOf", ()) if each.get("type") != "null"]
    if len(offered) == 1:
        return _resolved(offered[0], definitions)
    reference = given.get("$ref")
    return definitions[reference.rpartition("/")[2]] if reference else given


def _kind(told: Mapping[str, Any], definitions: Mapping[str, Any]) -> Kind | None:
    """How a value is written in a cell; None for what does not fit into one."""
    if told.get("title") == "LocalizedText":
        return Kind.WORDS
    if "anyOf" in told:
        return Kind.SCALAR
    match told.get("type"):
        case "integer":
            return Kind.WHOLE
        case "boolean":
            return Kind.YES_NO
        case "string":
            return Kind.DAY if told.get("format") == "date" else Kind.TEXT
        case "array":
            items = _resolved(told["items"], definitions)
            if items.get("type") == "string":
                return Kind.LIST
            return Kind.SCALARS if _scalars(told) else None
    return None


def _scalars(told: Mapping[str, Any]) -> bool:
    return "anyOf" in told.get("items", {}) if told.get("type") == "array" else False


def _choices(told: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(map(str, told.get("enum", (told["const"],) if "const" in told else ())))
