"""Forms of the marketplace's desks."""
