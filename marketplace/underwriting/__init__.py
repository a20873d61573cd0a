"""Underwriting: who may be offered a product, and what an insurer's guideline says to the answers given.

Promises that a decision names its reasons and the hash of the guideline it was made by, and that it is never changed
afterwards. Refuses to decide on an incomplete set of answers.
"""
