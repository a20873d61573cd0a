"""The one disclosed ranking rule (O13-16, EU-03, EU-24; SCM article 17).

What may influence the order is what `Rankable` holds and nothing else: the commission, the insurer and any payment to
the marketplace are not in it, so they cannot be an input. The page "how we rank" is made from `RANKING_RULE`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace.kernel.money import Money


class Criterion(StrEnum):
    """What the order looks at. The words for the page are in `quoting.queries.ranking_explanation`."""

    TOTAL_COST = "total_cost"
    PRODUCT_CODE = "product_code"


@dataclass(frozen=True, slots=True)
class Rankable:
    """All that the ranking knows of an offer. `total` is the cost over the whole term."""

    product_code: str
    total: Money


@dataclass(frozen=True, slots=True)
class RankingRule:
    """Criteria in order: each decides only among offers that all earlier ones leave equal."""

    id: str
    criteria: tuple[Criterion, ...]


RANKING_RULE = RankingRule("ranking-1", (Criterion.TOTAL_COST, Criterion.PRODUCT_CODE))

# Amounts of different currencies are never converted: they stand in groups, by currency code.
_KEYS: dict[Criterion, Callable[[Rankable], tuple[str, int]]] = {
    Criterion.TOTAL_COST: lambda offer: (offer.total.currency, offer.total.minor),
    Criterion.PRODUCT_CODE: lambda offer: (offer.product_code, 0),
}


def order_of(offers: Sequence[Rankable], rule: RankingRule = RANKING_RULE) -> tuple[int, ...]:
    """Positions in `offers`, first place first."""
    return tuple(
        sorted(range(len(offers)), key=lambda place: tuple(_KEYS[each](offers[place]) for each in rule.criteria))
    )
