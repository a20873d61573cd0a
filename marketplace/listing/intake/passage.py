"""What passes between a process that opens files and the one that asked: JSON, read strictly, never pickled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from marketplace.listing.values import CardPlan, Grid, Measure, Measured, Reading

_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Note:
    """One finding in words."""

    file: str
    place: str
    cell: str
    column: str
    value: str
    wrong: str
    right: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What is to be marked in a copy: the findings, the headings of their list and who says so, for the reader."""

    headings: tuple[str, ...]
    author: str
    notes: tuple[Note, ...]

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The list of findings, as wide as its headings."""
        return ((each.file, each.place, each.column, each.value, each.wrong, each.right) for each in self.notes)


@cache
def _readings() -> TypeAdapter[Reading]:
    return TypeAdapter(Reading)


@cache
def _grids() -> TypeAdapter[Grid]:
    return TypeAdapter(Grid)


@cache
def _plans() -> TypeAdapter[CardPlan]:
    return TypeAdapter(CardPlan)


@cache
def _measures() -> TypeAdapter[tuple[Measure, ...]]:
    return TypeAdapter(tuple[Measure, ...])


@cache
def _measured() -> TypeAdapter[tuple[Measured, ...]]:
    return TypeAdapter(tuple[Measured, ...])


@cache
def _marks() -> TypeAdapter[Marks]:
    return TypeAdapter(Marks)


def reading_to_json(reading: Reading) -> bytes:
    return _readings().dump_json(reading)


def reading_from_json(data: bytes) -> Reading:
    """Raises pydantic.ValidationError for what is no reading."""
    return _readings().validate_json(data, strict=True)


def grid_to_json(grid: Grid) -> bytes:
    return _grids().dump_json(grid)


def grid_from_json(data: bytes) -> Grid:
    return _grids().validate_json(data, strict=True)


def measures_to_json(measures: Sequence[Measure]) -> bytes:
    return _measures().dump_json(tuple(measures))


def measures_from_json(data: bytes) -> tuple[Measure, ...]:
    return _measures().validate_json(data, strict=True)


def measured_to_json(measured: Sequence[Measured]) -> bytes:
    return _measured().dump_json(tuple(measured))


def measured_from_json(data: bytes) -> tuple[Measured, ...]:
    """Raises pydantic.ValidationError for what is no answer."""
    return _measured().validate_json(data, strict=True)


def plan_to_json(plan: CardPlan) -> dict[str, Any]:
    told: dict[str, Any] = _plans().dump_python(plan, mode="json")
    return told


def plan_from_json(data: Mapping[str, Any]) -> CardPlan:
    return _plans().validate_python(data)


def to_mark(data: bytes, marks: Marks) -> bytes:
    """The file and what is to be marked in it, in one piece."""
    told = _marks().dump_json(marks)
    return len(told).to_bytes(_LENGTH) + told + data


def from_mark(given: bytes) -> tuple[bytes, Marks]:
    end = _LENGTH + int.from_bytes(given[:_LENGTH])
    return given[end:], _marks().validate_json(given[_LENGTH:end], strict=True)
