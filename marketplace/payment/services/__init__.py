"""Do: start a payment, open its page, take the provider's word, settle, send money back.

Nothing here commits, and no lock is held while the provider is asked. Every function may be repeated after a crash at
any point and then ends in the same state.
"""

from marketplace.payment.services.attempts import close_subject, expire_session, open_session, start_attempt
from marketplace.payment.services.forgetting import forget_payer
from marketplace.payment.services.inbox import mark_handled, note_decline, receive_event
from marketplace.payment.services.ledger import book_premiums
from marketplace.payment.services.movements import take_movements
from marketplace.payment.services.reconciliation import reconcile
from marketplace.payment.services.refunds import request_refund, send_refund
from marketplace.payment.services.settlement import settle, settle_latest

__all__ = [
    "book_premiums",
    "close_subject",
    "expire_session",
    "forget_payer",
    "mark_handled",
    "note_decline",
    "open_session",
    "receive_event",
    "reconcile",
    "request_refund",
    "send_refund",
    "settle",
    "settle_latest",
    "start_attempt",
    "take_movements",
]
