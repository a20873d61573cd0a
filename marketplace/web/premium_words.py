"""How a later premium stands, in words, for its customer and for staff."""

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.servicing.values import PremiumState

STATES: dict[PremiumState, tuple[str, str]] = {
    PremiumState.PLANNED: (_l("to come"), "plain"),
    PremiumState.ANNOUNCED: (_l("due soon"), "plain"),
    PremiumState.DUE: (_l("due"), "warn"),
    PremiumState.OVERDUE: (_l("overdue"), "bad"),
    PremiumState.PAID: (_l("paid"), ""),
    PremiumState.DROPPED: (_l("no longer owed"), "plain"),
}
"""The words, and the class of the tag."""
