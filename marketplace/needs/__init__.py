"""Needs: what a household tells of itself, the cover it needs by a declared rule, and a scheme that fits its budget.

Promises that a scheme is frozen with the rule that made it, names what it leaves uncovered and why, and knows no
commission. Refuses to guess: who has not told an income is shown no sum for it.
"""
