"""Pure decisions of oversight: how far a sale came, whether its trail is whole, and whether two witnesses agree."""

from marketplace.oversight.rules.completeness import completeness
from marketplace.oversight.rules.reconciling import acts_on, disagreements
from marketplace.oversight.rules.standing import Standing, is_to_be_whole, state_of

__all__ = ["Standing", "acts_on", "completeness", "disagreements", "is_to_be_whole", "state_of"]
