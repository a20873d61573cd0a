"""Pure decisions of listing: the road of an upload, who takes which step, and what a draft changes."""

from marketplace.listing.rules.contents import content_changes
from marketplace.listing.rules.premiums import PossibleRisks, spread
from marketplace.listing.rules.road import LIFE, first_day_on_sale, followed, require_may_take

__all__ = [
    "LIFE",
    "PossibleRisks",
    "content_changes",
    "first_day_on_sale",
    "followed",
    "require_may_take",
    "spread",
]
