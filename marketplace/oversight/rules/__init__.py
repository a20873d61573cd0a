"""Pure decisions of oversight: how far a sale came, and whether its trail is whole."""

from marketplace.oversight.rules.completeness import completeness
from marketplace.oversight.rules.standing import Standing, masked, state_of

__all__ = ["Standing", "completeness", "masked", "state_of"]
