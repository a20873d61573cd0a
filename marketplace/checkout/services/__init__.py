"""Do: place an order, pay it, conclude its contracts, or give its money back.

Nothing here commits, and every function may be repeated after a crash at any point.
"""

from marketplace.checkout.services.issuing import check_payment, issue_contracts, note_refund, take_payment
from marketplace.checkout.services.ordering import lapse_order, pay, place_order
from marketplace.checkout.services.papers import order_receipt
from marketplace.checkout.services.sweeping import close_orders, sweep
from marketplace.checkout.services.telling import send_paper, send_payment_receipt, send_policy, send_receipts

__all__ = [
    "check_payment",
    "close_orders",
    "issue_contracts",
    "lapse_order",
    "note_refund",
    "order_receipt",
    "pay",
    "place_order",
    "send_paper",
    "send_payment_receipt",
    "send_policy",
    "send_receipts",
    "sweep",
    "take_payment",
]
