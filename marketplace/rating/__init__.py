"""Tariffs and premiums.

Owns the tariff of each product version and the arithmetic that turns a risk into a premium with its lines. Promises
that the same tariff and risk give the same amount for ever, to the minor unit, and that the lines sum exactly to the
total. Refuses a risk it does not know, naming the factor.
"""
