"""What the administrators and insurers see of every sale.

Owns the sales log on a read model of its own, a row for each journey that compared and for each application. Promises:
the row follows from what the features say now, so a fact that comes twice, late or out of order does no harm, and the
whole log can be built again by a command. Refuses to change any sale.
"""
