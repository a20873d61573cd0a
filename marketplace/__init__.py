"""The marketplace: features cut by the words of insurance, stacked in one direction (see README, map of the house).

This file imports nothing, ever: the extensions live in `infra`, the application is made in `app`.
"""
