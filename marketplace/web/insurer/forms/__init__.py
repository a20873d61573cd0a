"""Forms of the insurers' desk: shape and format."""
