"""Ask the sales log, tell a sale's trail in words, and whether what the features say agrees."""

from marketplace.oversight.queries.sales import sale, sales, state_counts
from marketplace.oversight.queries.soundness import broken, disagreements, under_way
from marketplace.oversight.queries.timeline import timeline
from marketplace.oversight.queries.words import page_words

__all__ = ["broken", "disagreements", "page_words", "sale", "sales", "state_counts", "timeline", "under_way"]
