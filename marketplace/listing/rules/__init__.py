"""Pure decisions of listing: the road of an upload, who takes which step, and what a draft changes."""

from marketplace.listing.rules.contents import content_changes
from marketplace.listing.rules.premiums import MOST_RISKS, PossibleRisks, premium_difference, rises_much, spread
from marketplace.listing.rules.road import LIFE, first_day_on_sale, require_may_take

__all__ = [
    "LIFE",
    "MOST_RISKS",
    "PossibleRisks",
    "content_changes",
    "first_day_on_sale",
    "premium_difference",
    "require_may_take",
    "rises_much",
    "spread",
]
