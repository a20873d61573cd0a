"""Pure decisions of consultation: states, clocks, what may be public."""
