"""Figures of the marketplace: each is measured beside its floor or peer in one run, and said as a ratio.

`make bench` starts a demonstration of its own on free ports, measures, and stops it. What the figures mean and how they
came out is in docs/figures.md.
"""
