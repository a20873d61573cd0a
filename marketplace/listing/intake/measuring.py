"""What a tariff changes, over the risks that a product can meet. NumPy comes with it: it is done in a confined process,
for how much work it is lies with the insurer's tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from marketplace.catalog.values import ProductContent, Risk
from marketplace.catalog.values.columns import Columns, columns_of
from marketplace.listing.rules import PossibleRisks, shifts
from marketplace.listing.values import Measure, Measured, PremiumDifference, Priced
from marketplace.rating.portfolio import PortfolioRater, rater_of_many
from marketplace.rating.values import Tariff
from marketplace.underwriting.portfolio import eligible


@dataclass(frozen=True, slots=True)
class _Product:
    content: ProductContent
    rater: PortfolioRater

    @classmethod
    def of(cls, told: Priced) -> Self:
        return cls(ProductContent.from_json(told.content), rater_of_many(Tariff.from_json(told.tariff)))

    def totals(self, columns: Columns) -> shifts.Totals:
        """The premium of each risk; there is none where the product is not offered or has no premium for it."""
        rated = self.rater.premiums(columns)
        return shifts.Totals(rated.totals, eligible(self.content, columns) & ~rated.refused)


def measured(asked: Measure) -> Measured:
    """A draft against the product that it would follow, and against what is on offer."""
    draft = _Product.of(asked.draft)
    premiums = _difference(_Product.of(asked.before), draft) if asked.before else None
    rising, refused = _dearer(draft, asked.offers) if asked.offers else (0, 0)
    return Measured(premiums, rising, refused)


def _difference(before: _Product, draft: _Product) -> PremiumDifference | None:
    possible = PossibleRisks.of([before.content, draft.content], before.rater.factors | draft.rater.factors)
    if not possible.count:
        return None
    columns, factors = shifts.sampled(possible), draft.content.definition.factors
    return shifts.premium_difference(possible, columns, before.totals(columns), draft.totals(columns), factors)


def _dearer(draft: _Product, offers: Sequence[tuple[Risk, int]]) -> tuple[int, int]:
    """Of how many offers the premium would rise much, and how many would have none."""
    factors = [factor.name for factor in draft.content.definition.factors]
    new = draft.totals(columns_of([risk for risk, _ in offers], factors))
    old = np.array([minor for _, minor in offers], np.int64)
    rising = shifts.rises_much(old[new.there], new.minor[new.there])
    return int(rising.sum()), len(offers) - int(new.there.sum())
