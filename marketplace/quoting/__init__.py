"""Quoting: a need (what a person wants covered) and its offers, frozen with price, breakdown, ranking and expiry.

Promises that every product on sale is either offered or named with the reason why not, that the order follows one
disclosed rule which does not know the commission, and that the price of an offer is only ever read from the offer.
"""
