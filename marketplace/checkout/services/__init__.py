"""Do: place an order, pay it, conclude its contracts, or give its money back.

Nothing here commits, and every function may be repeated after a crash at any point.
"""

from marketplace.checkout.services.delivering import (
    count_working_days,
    note_bounced,
    note_fetched,
    note_mailed,
    start_clock,
    watch_calendars,
    watch_deliveries,
)
from marketplace.checkout.services.issuing import (
    check_payment,
    conclude_at_once,
    issue_contracts,
    note_refund,
    take_payment,
)
from marketplace.checkout.services.ordering import lapse_order, pay, place_order
from marketplace.checkout.services.papers import order_receipt
from marketplace.checkout.services.sweeping import close_orders, sweep
from marketplace.checkout.services.telling import (
    send_again,
    send_paper,
    send_payment_receipt,
    send_policy,
    send_receipts,
)

__all__ = [
    "check_payment",
    "close_orders",
    "conclude_at_once",
    "count_working_days",
    "issue_contracts",
    "lapse_order",
    "note_bounced",
    "note_fetched",
    "note_mailed",
    "note_refund",
    "order_receipt",
    "pay",
    "place_order",
    "send_again",
    "send_paper",
    "send_payment_receipt",
    "send_policy",
    "send_receipts",
    "start_clock",
    "sweep",
    "take_payment",
    "watch_calendars",
    "watch_deliveries",
]
