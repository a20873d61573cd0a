"""How premiums change from one tariff to another, over the risks that a product can meet.

Changes are whole millionths of the old premium. NumPy is imported here: whoever measures is a job.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from marketplace.catalog.values import Factor, FactorKind, Scalar
from marketplace.catalog.values.columns import Choices, Integers, Mask, combined
from marketplace.listing.rules.premiums import PossibleRisks, step_of
from marketplace.listing.values import Band, PremiumDifference, Shift

MOST_RISKS = 20_000
FEW_VALUES = 12
BAND_WIDTH = 10
MILLION = 1_000_000
MUCH = MILLION // 20
MOST_MINOR = 10**12
"""Changes of premiums below it fit 64 bits."""
MOST_COUNTED = 2**62


@dataclass(frozen=True, slots=True)
class Totals:
    """The premium of each risk in minor units; where there is none, the total says nothing."""

    minor: Integers
    there: Mask


def sampled(possible: PossibleRisks, most: int = MOST_RISKS) -> dict[str, Choices]:
    """The columns of the risks that `possible.sample(most)` gives."""
    return combined(possible.values, _spread(possible.count, most))


def _spread(count: int, most: int) -> Any:
    """The numbers that `spread` gives, at once where they fit 64 bits."""
    if count <= most:
        return np.arange(count)
    numbers = np.arange(most) if count * most < MOST_COUNTED else np.arange(most).astype(object)
    return numbers * step_of(count) % count


def premium_difference(
    possible: PossibleRisks, risks: Mapping[str, Choices], old: Totals, new: Totals, factors: Sequence[Factor]
) -> PremiumDifference:
    """`old` and `new` are the premiums of `risks`; `factors` those of the line."""
    both = old.there & new.there
    changes = changes_of(old.minor[both], new.minor[both])
    varied = [(factor, risks[factor.name]) for factor in factors if len(possible.values[factor.name]) > 1]
    return PremiumDifference(
        possible=possible.count,
        rated=len(both),
        comes=int(np.count_nonzero(new.there & ~old.there)),
        goes=int(np.count_nonzero(old.there & ~new.there)),
        shift=_shift_of(changes),
        bands=tuple(
            band
            for factor, column in varied
            for band in _bands(factor, Choices(column.codes[both], column.values), changes)
        ),
    )


def rises_much(old: Integers, new: Integers) -> Mask:
    """By more than five per cent: what reviewers are told of open offers."""
    return np.asarray(changes_of(old, new) > MUCH, np.bool_)


def changes_of(old: Integers, new: Integers) -> Any:
    """In millionths of the old premium, half up; from nothing to something is a whole."""
    if max(int(np.max(old, initial=0)), int(np.max(new, initial=0))) > MOST_MINOR:
        old, new = old.astype(object), new.astype(object)
    before = np.where(old == 0, 1, old)
    return np.where(old == 0, (new != 0) * MILLION, (2 * (new - old) * MILLION + before) // (2 * before))


def _shift_of(changes: Any) -> Shift | None:
    if not len(changes):
        return None
    return Shift(
        risks=len(changes),
        rising=int(np.count_nonzero(changes > 0)),
        falling=int(np.count_nonzero(changes < 0)),
        average=round(Fraction(int(changes.sum()), len(changes))),
        most=int(changes.max()),
        least=int(changes.min()),
    )


def _bands(factor: Factor, column: Choices, changes: Any) -> Iterator[Band]:
    """A factor whose bands all change alike tells nothing and is left out."""
    bands = [_band_of(factor, value) for value in column.values]
    known = sorted(set(bands), key=lambda band: _order(factor, band[0]))
    places = {band: place for place, band in enumerate(known)}
    place_of = np.array([places[band] for band in bands], np.int64)[column.codes]
    shifts = [(band, _shift_of(changes[place_of == place])) for place, band in enumerate(known)]
    told = [Band(factor.name, low, high, shift) for (low, high), shift in shifts if shift is not None]
    if len({(band.shift.average, band.shift.most, band.shift.least) for band in told}) > 1:
        yield from told


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
