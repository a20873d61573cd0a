"""Figures as they are printed: one line for each, and one line of JSON at the end."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Self

from bench.rounds import Compared


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; `low` to `high` is the middle half where there were rounds; `most` is the promise, if any."""

    name: str
    value: float
    unit: str
    beside: str = ""
    low: float | None = None
    high: float | None = None
    most: float | None = None
    detail: str = ""

    @classmethod
    def ratio(cls, name: str, beside: str, compared: Compared, most: float | None = None) -> Self:
        """How many times as long as the floor or peer."""
        detail = f"{_time(compared.seconds)} against {_time(compared.floor_seconds)}"
        return cls(
            name, round(compared.ratio, 2), "x", beside, round(compared.low, 2), round(compared.high, 2), most, detail
        )

    @property
    def kept(self) -> bool:
        return self.most is None or self.value <= self.most

    def __str__(self) -> str:
        spread = f" ({self.low:g} to {self.high:g})" if self.low is not None and self.high is not None else ""
        promise = "" if self.most is None else f"   promised <= {self.most:g}: {'kept' if self.kept else 'NOT KEPT'}"
        beside = f" of {self.beside}" if self.beside else ""
        return f"{self.name:<28} {self.value:>8g} {self.unit}{beside}{spread}   {self.detail}{promise}".rstrip()


def as_json(figures: Sequence[Figure]) -> str:
    """One line, the figures by their names."""
    return json.dumps(
        {figure.name: {key: value for key, value in asdict(figure).items() if key != "name"} for figure in figures}
    )


def _time(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.2f} {unit}"
    return f"{seconds * 1e6:.1f} us"
