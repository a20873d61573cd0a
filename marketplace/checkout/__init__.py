"""The order: one or more accepted applications, paid together, each of which becomes a contract.

Owns the order's road from application through payment to policy, and the failed middle of it. Promises: a paid order
ends with a contract for every line or with all of its money on the way back, never with both and never with neither.
Refuses to know how money moves (payment) or what a contract says (policy).
"""
