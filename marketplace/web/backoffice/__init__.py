"""The desk of the marketplace's own staff: every sale, as it was recorded."""
