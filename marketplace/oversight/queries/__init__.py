"""Ask the sales log, tell a sale's trail in words, and whether what the features say agrees."""

from marketplace.oversight.queries.sales import readings, sale, sales, state_counts
from marketplace.oversight.queries.soundness import broken, disagreements, under_way
from marketplace.oversight.queries.timeline import timeline
from marketplace.oversight.queries.words import gap_words

__all__ = ["broken", "disagreements", "gap_words", "readings", "sale", "sales", "state_counts", "timeline", "under_way"]
