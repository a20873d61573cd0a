"""The disclosed ranking rules (O13-16, EU-03, EU-24; SCM article 17). The newest ranks what is asked now; a comparison
keeps the rule it was made with.

What may influence the order is what `Rankable` holds and nothing else: the commission, the insurer and any payment to
the marketplace are not in it, so they cannot be an input. The page "how we rank" is made from `RULES`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from marketplace.kernel.money import Money


class Criterion(StrEnum):
    """What the order looks at. The words for the page are in `quoting.queries.ranking_rules`."""

    NEEDS_MET = "needs_met"
    TOTAL_COST = "total_cost"
    PRODUCT_CODE = "product_code"


@dataclass(frozen=True, slots=True)
class Rankable:
    """All that the ranking knows of an offer. `total` is the cost over the whole term; `needs_met` counts the stated
    needs it meets. All offers of a comparison are held against the same needs, so the count orders as the share does.
    """

    product_code: str
    total: Money
    needs_met: int = 0


@dataclass(frozen=True, slots=True)
class RankingRule:
    """Criteria in order: each decides only among offers that all earlier ones leave equal."""

    id: str
    criteria: tuple[Criterion, ...]


RULES: Mapping[str, RankingRule] = {
    rule.id: rule
    for rule in (
        RankingRule("ranking-2", (Criterion.NEEDS_MET, Criterion.TOTAL_COST, Criterion.PRODUCT_CODE)),
        RankingRule("ranking-1", (Criterion.TOTAL_COST, Criterion.PRODUCT_CODE)),
    )
}
"""Every rule that ever ranked, the newest first."""
RANKING_RULE = next(iter(RULES.values()))

# Amounts of different currencies are never converted: they stand in groups, by currency code.
_KEYS: dict[Criterion, Callable[[Rankable], tuple[str, int]]] = {
    Criterion.NEEDS_MET: lambda offer: ("", -offer.needs_met),
    Criterion.TOTAL_COST: lambda offer: (offer.total.currency, offer.total.minor),
    Criterion.PRODUCT_CODE: lambda offer: (offer.product_code, 0),
}


def order_of(offers: Sequence[Rankable], rule: RankingRule = RANKING_RULE) -> tuple[int, ...]:
    """Positions in `offers`, first place first."""
    return tuple(
        sorted(range(len(offers)), key=lambda place: tuple(_KEYS[each](offers[place]) for each in rule.criteria))
    )
