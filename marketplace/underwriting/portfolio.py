"""Eligibility of many risks at once. For readers of files alone: NumPy comes with this room."""

import numpy as np

from marketplace.catalog.values import CHILDREN, ProductContent
from marketplace.catalog.values.columns import Columns, Mask, numbers, size_of, where, within


def eligible(content: ProductContent, columns: Columns) -> Mask:
    """Whether the product is offered, for each of many complete risks of its line; no reason is put in words."""
    found = np.ones(size_of(next(iter(columns.values()))), np.bool_)
    for name, allowed in content.accepted.items():
        found &= where(columns[name], allowed.includes)
    for limit in content.limits:
        found &= within(limit, columns)
    if (factors := content.death_cover_of_children) is not None:
        age, sum_insured = (numbers(columns[name]) for name in factors)
        for below, most in CHILDREN:
            found &= (age >= below) | (sum_insured <= most)
    return found
