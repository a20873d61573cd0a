"""Pure words that every feature shares: money, clocks, days, ids, errors. Knows the standard library only."""
