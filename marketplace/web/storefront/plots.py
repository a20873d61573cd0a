"""Curves as pictures made here: places in an SVG whose figures also stand in a table, so nothing rests on seeing it."""

from collections.abc import Sequence
from dataclasses import dataclass

from marketplace.catalog.values import Factor
from marketplace.infra.formatting import format_money
from marketplace.kernel.money import Money
from marketplace.quoting.values import Curve
from marketplace.web.fields import factor_words

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 84, 28, 14, 34
TICKS = 4
ROOM = 82
"""For the words of one mark."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis, at `at` from the left or the top."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """The line of one offer: stretches without a gap as points of an SVG, and where its letter stands."""

    stretches: tuple[str, ...]
    end: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Plot:
    """One factor along the bottom, one amount upwards; `rows` are the same figures, an amount for each offer."""

    factor: Factor
    lines: tuple[Drawn, ...]
    along: tuple[Tick, ...]
    upwards: tuple[Tick, ...]
    here: float | None
    rows: tuple[tuple[str, tuple[Money | None, ...]], ...]


def plot_of(factor: Factor, curves: Sequence[Curve], currency: str, told: int, *, in_all: bool) -> Plot | None:
    """The curves of several offers in one picture: the premium of one payment, or `in_all` the total over the term.
    None where there is nothing to draw. `told` is the value the comparison was made for.
    """
    amounts = [[(value, _amount(point, in_all=in_all)) for value, point in curve.points] for curve in curves]
    offered = sorted({value for curve in amounts for value, amount in curve if amount is not None})
    if len(offered) < 2:  # noqa: PLR2004  one value is no curve
        return None
    highest = max(amount.minor for curve in amounts for _, amount in curve if amount is not None)
    scale = _Scale(offered[0], offered[-1], _round_up(highest))
    within = [[each for each in curve if offered[0] <= each[0] <= offered[-1]] for curve in amounts]
    return Plot(
        factor,
        tuple(_drawn(curve, scale) for curve in within),
        tuple(Tick(scale.along(value), factor_words(factor, value, currency)) for value in _apart(offered, scale)),
        tuple(
            Tick(scale.upwards(n * scale.top // TICKS), format_money(Money(n * scale.top // TICKS, currency)))
            for n in range(TICKS + 1)
        ),
        scale.along(told) if offered[0] <= told <= offered[-1] else None,
        tuple(
            (factor_words(factor, value, currency), tuple(dict(curve)[value] for curve in amounts)) for value in offered
        ),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    low: int
    high: int
    top: int

    def along(self, value: int) -> float:
        return round(LEFT + (value - self.low) * (WIDTH - LEFT - RIGHT) / (self.high - self.low), 1)

    def upwards(self, minor: int) -> float:
        return round(HEIGHT - BOTTOM - minor * (HEIGHT - TOP - BOTTOM) / self.top, 1)


def _amount(point: tuple[Money, Money] | None, *, in_all: bool) -> Money | None:
    return None if point is None else point[in_all]


def _drawn(curve: Sequence[tuple[int, Money | None]], scale: _Scale) -> Drawn:
    stretches: list[list[tuple[float, float]]] = [[]]
    for value, amount in curve:
        if amount is None:
            stretches.append([])
        else:
            stretches[-1].append((scale.along(value), scale.upwards(amount.minor)))
    drawn = [each for each in stretches if each]
    points = tuple(" ".join(f"{x},{y}" for x, y in (each if len(each) > 1 else each * 2)) for each in drawn)
    return Drawn(points, drawn[-1][-1] if drawn else None)


def _round_up(minor: int) -> int:
    """The next amount whose quarters are round: one digit and noughts."""
    step = 1
    while True:
        for factor in (1, 2, 3, 4, 5, 6, 8):
            if TICKS * factor * step >= minor:
                return TICKS * factor * step
        step *= 10


def _apart(values: Sequence[int], scale: _Scale) -> list[int]:
    """The values to be named: the first, the last, and between them those whose words do not touch."""
    named = [values[0]]
    for value in values[1:-1]:
        if min(scale.along(value) - scale.along(named[-1]), scale.along(values[-1]) - scale.along(value)) >= ROOM:
            named.append(value)
    return [*named, values[-1]]
