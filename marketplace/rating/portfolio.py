"""Premiums of many risks at once from a tariff that is given. For jobs alone: NumPy comes with this room."""

from marketplace.rating import rules
from marketplace.rating.rules.portfolio import PortfolioRater, Premiums
from marketplace.rating.values import Tariff

__all__ = ["PortfolioRater", "Premiums", "rater_of_many"]


def rater_of_many(tariff: Tariff) -> PortfolioRater:
    """Raises TariffFault."""
    return PortfolioRater(rules.shape_of_tariff(tariff))
