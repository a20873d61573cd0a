"""How premiums change from one tariff to another, over the risks that a product can meet.

Every risk is a combination of the values that either version insures, of the factors that either looks at. Where there
are too many, evenly spread ones are taken, the same each time. Changes are whole millionths of the old premium.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, prod

from marketplace.catalog.values import Factor, FactorKind, ProductContent, Scalar
from marketplace.listing.values import Band, PremiumDifference, Shift

MOST_RISKS = 20_000
FEW_VALUES = 12
BAND_WIDTH = 10
MILLION = 1_000_000
MUCH = MILLION // 20
_GOLDEN = 0.6180339887498949  # steps of this share of a circle never bunch

Risk = Mapping[str, Scalar]


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
    step = _coprime(round(count * _GOLDEN), count)
    yield from ((start + number) * step % count for number in range(most))


def _limited(content: ProductContent) -> Iterator[str]:
    return (name for limit in content.limits for name in limit.factors)


def _eligible(factor: Factor, contents: Sequence[ProductContent]) -> tuple[Scalar, ...]:
    insured = {value for content in contents for value in factor.eligible(content.accepted.get(factor.name))}
    return tuple(value for value in factor.eligible(None) if value in insured)


def _any(factor: Factor, contents: Sequence[ProductContent]) -> tuple[Scalar, ...]:
    return (factor.default,) if factor.default is not None else _eligible(factor, contents)[:1]


def _coprime(step: int, count: int) -> int:
    while gcd(step, count) != 1:
        step += 1
    return step


def premium_difference(
    possible: PossibleRisks,
    risks: Sequence[Risk],
    old: Sequence[int | None],
    new: Sequence[int | None],
    factors: Sequence[Factor],
) -> PremiumDifference:
    """`old` and `new` are the premiums of `risks`, None where there is none; `factors` those of the line."""
    both = [
        (risk, _change(before, after))
        for risk, before, after in zip(risks, old, new, strict=True)
        if before is not None and after is not None
    ]
    return PremiumDifference(
        possible=possible.count,
        rated=len(risks),
        comes=sum(before is None and after is not None for before, after in zip(old, new, strict=True)),
        goes=sum(before is not None and after is None for before, after in zip(old, new, strict=True)),
        shift=shift_of([change for _, change in both]),
        bands=tuple(_bands(both, [factor for factor in factors if len(possible.values[factor.name]) > 1])),
    )


def rises_much(old: int, new: int) -> bool:
    """By more than five per cent: what reviewers are told of open offers."""
    return _change(old, new) > MUCH


def shift_of(changes: Sequence[int]) -> Shift | None:
    if not changes:
        return None
    return Shift(
        risks=len(changes),
        rising=sum(change > 0 for change in changes),
        falling=sum(change < 0 for change in changes),
        average=round(Fraction(sum(changes), len(changes))),
        most=max(changes),
        least=min(changes),
    )


def _change(old: int, new: int) -> int:
    """In millionths of the old premium; from nothing to something is a whole."""
    if old == 0:
        return MILLION if new else 0
    return (2 * (new - old) * MILLION + old) // (2 * old)


def _bands(both: Sequence[tuple[Risk, int]], factors: Sequence[Factor]) -> Iterator[Band]:
    """A factor whose bands all change alike tells nothing and is left out."""
    for factor in factors:
        found: dict[tuple[Scalar, Scalar], list[int]] = {}
        for risk, change in both:
            found.setdefault(_band_of(factor, risk[factor.name]), []).append(change)
        shifts = {band: shift for band, changes in found.items() if (shift := shift_of(changes)) is not None}
        if len({(shift.average, shift.most, shift.least) for shift in shifts.values()}) > 1:
            for low, high in sorted(shifts, key=lambda band: _order(factor, band[0])):
                yield Band(factor.name, low, high, shifts[low, high])


def _band_of(factor: Factor, value: Scalar) -> tuple[Scalar, Scalar]:
    """One value, or the ten in which it lies: 30 to 39."""
    if isinstance(value, bool) or not isinstance(value, int) or factor.kind is not FactorKind.INTEGER or factor.choices:
        return value, value
    lowest, highest = factor.minimum or 0, factor.maximum or value
    if highest - lowest < FEW_VALUES:
        return value, value
    width = BAND_WIDTH if highest - lowest <= BAND_WIDTH * FEW_VALUES else (highest - lowest) // FEW_VALUES + 1
    low = value // width * width
    return max(low, lowest), min(low + width - 1, highest)


def _order(factor: Factor, value: Scalar) -> int:
    if factor.choices:
        return [choice.value for choice in factor.choices].index(value)
    return int(value)
