"""The contract in its life: its premiums after the first one, told of before, collected on their day, and followed up;
and its end by its customer, within the cooling-off period or later.

Owns how each later premium stands. Promises: nothing is collected without a mail days before and without either the
customer's own click or the customer's own consent to a kept card; nothing is collected twice; whoever withdraws in time
gets all of it back, and whoever ends it later what it is worth by its own terms. Refuses: to charge for a contract that
has ended.
"""
