"""Everything that speaks HTTP or HTML: one folder for each audience, and the few rules they share."""
