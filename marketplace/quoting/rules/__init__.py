"""Pure decisions of quoting: what a risk must look like, and the order of the offers."""
