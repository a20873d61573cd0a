"""Money in and money back.

Owns each attempt to pay, the inbox of the provider's events, and refunds, for any `Purpose`; the thing paid for is an
opaque `subject_id`. Promises: one open payment page and at most one successful payment per subject; money that came in
and cannot count (wrong amount, late, a second time) goes back by itself, once. Refuses to know what was bought.
"""
