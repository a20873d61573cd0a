"""What a tariff changes, over the risks that a product can meet. NumPy comes with it: it is done in a confined process,
for how much work it is lies with the insurer's tables.
"""

from collections.abc import Sequence

import numpy as np

from marketplace.catalog.values import Risk
from marketplace.catalog.values.columns import Columns, columns_of
from marketplace.listing.rules import PossibleRisks, shifts
from marketplace.listing.values import Measure, Measured, PremiumDifference, Priced
from marketplace.rating.portfolio import PortfolioRater, rater_of_many
from marketplace.underwriting.portfolio import eligible


def measured(asked: Measure) -> Measured:
    """A draft against the product that it would follow, and against what is on offer."""
    will = rater_of_many(asked.draft.tariff)
    premiums = _difference(asked.before, asked.draft, will) if asked.before else None
    rising, refused = _dearer(asked.draft, will, asked.offers) if asked.offers else (0, 0)
    return Measured(premiums, rising, refused)


def _difference(before: Priced, draft: Priced, will: PortfolioRater) -> PremiumDifference | None:
    was = rater_of_many(before.tariff)
    possible = PossibleRisks.of([before.content, draft.content], was.factors | will.factors)
    if not possible.count:
        return None
    columns = shifts.sampled(possible)
    old, new = _totals(before, was, columns), _totals(draft, will, columns)
    return shifts.premium_difference(possible, columns, old, new, draft.content.definition.factors)


def _totals(product: Priced, rater: PortfolioRater, columns: Columns) -> shifts.Totals:
    """The premium of each risk; there is none where the product is not offered or has no premium for it."""
    rated = rater.premiums(columns)
    return shifts.Totals(rated.totals, eligible(product.content, columns) & ~rated.refused)


def _dearer(draft: Priced, will: PortfolioRater, offers: Sequence[tuple[Risk, int]]) -> tuple[int, int]:
    """Of how many offers the premium would rise much, and how many would have none."""
    factors = [factor.name for factor in draft.content.definition.factors]
    new = _totals(draft, will, columns_of([risk for risk, _ in offers], factors))
    old = np.array([minor for _, minor in offers], np.int64)
    rising = shifts.rises_much(old[new.there], new.minor[new.there])
    return int(rising.sum()), len(offers) - int(new.there.sum())
