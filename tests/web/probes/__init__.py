"""Attacks of the fifteen kinds that scanners miss, each tried on a shop that is full of holes before it is believed."""
