"""The risks that a product can meet: every combination of the values that it insures, of the factors that it looks at.
Where there are too many, evenly spread ones are taken, the same each time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import gcd, prod

from marketplace.catalog.values import Factor, ProductContent, Scalar

_GOLDEN = 0.6180339887498949  # steps of this share of a circle never bunch


@dataclass(frozen=True, slots=True)
class PossibleRisks:
    """The values of each factor that may occur, in the order of the line; factors nobody looks at have one."""

    values: Mapping[str, tuple[Scalar, ...]]

    @classmethod
    def of(cls, contents: Sequence[ProductContent], asked: Iterable[str]) -> "PossibleRisks":
        """Of products of one line; `asked` are the factors their tariffs look at."""
        looked_at = {*asked, *(name for each in contents for name in (*each.accepted, *_limited(each)))}
        return cls(
            {
                factor.name: _eligible(factor, contents) if factor.name in looked_at else _any(factor, contents)
                for factor in contents[0].definition.factors
            }
        )

    @property
    def count(self) -> int:
        return prod(map(len, self.values.values()))

    def sample(self, most: int, start: int = 0) -> tuple[dict[str, Scalar], ...]:
        """`most` of them, evenly spread from the `start`-th step on; all, where there are not more."""
        return tuple(map(self._risk, spread(self.count, most, start)))

    def _risk(self, number: int) -> dict[str, Scalar]:
        risk: dict[str, Scalar] = {}
        for name, values in self.values.items():
            number, place = divmod(number, len(values))
            risk[name] = values[place]
        return risk


def spread(count: int, most: int, start: int = 0) -> Iterator[int]:
    """`most` of the numbers below `count`, evenly spread from the `start`-th step on; all, where there are not more."""
    if count <= most:
        yield from range(count)
        return
    step = step_of(count)
    yield from ((start + number) * step % count for number in range(most))


def step_of(count: int) -> int:
    """From one number to the next, so that they are spread evenly and none comes twice."""
    return _coprime(round(count * _GOLDEN), count)


def _limited(content: ProductContent) -> Iterator[str]:
    yield from content.death_cover_of_children or ()
    yield from (name for limit in content.limits for name in limit.factors)


def _eligible(factor: Factor, contents: Sequence[ProductContent]) -> tuple[Scalar, ...]:
    insured = {value for content in contents for value in factor.eligible(content.accepted.get(factor.name))}
    return tuple(value for value in factor.eligible(None) if value in insured)


def _any(factor: Factor, contents: Sequence[ProductContent]) -> tuple[Scalar, ...]:
    return (factor.default,) if factor.default is not None else _eligible(factor, contents)[:1]


def _coprime(step: int, count: int) -> int:
    while gcd(step, count) != 1:
        step += 1
    return step
