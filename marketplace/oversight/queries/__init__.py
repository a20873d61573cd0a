"""Ask the sales log, and tell a sale's trail in words."""

from marketplace.oversight.queries.sales import sale, sales, state_counts
from marketplace.oversight.queries.timeline import timeline

__all__ = ["sale", "sales", "state_counts", "timeline"]
