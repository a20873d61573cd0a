"""Do: start a payment, open its page, take the provider's word, settle, send money back, send insurers their share.

Nothing here commits, and no lock is held while the provider is asked. Every function may be repeated after a crash at
any point and then ends in the same state.
"""

from marketplace.payment.services.attempts import (
    close_subject,
    expire_session,
    hold_subject,
    open_session,
    start_attempt,
)
from marketplace.payment.services.disputes import note_dispute, see_dispute, take_disputes, watch_disputes
from marketplace.payment.services.forgetting import forget_payer
from marketplace.payment.services.inbox import look_up_event, mark_handled, note_decline, receive_event
from marketplace.payment.services.mandates import (
    ask_mandate,
    detach_card,
    open_setup,
    settle_mandate,
    stop_mandates,
)
from marketplace.payment.services.movements import take_movements
from marketplace.payment.services.reconciliation import reconcile, reconcile_transfers
from marketplace.payment.services.refunds import ask_again, give_back, pay_out, request_refund, send_refund
from marketplace.payment.services.settlement import send_charge, settle, settle_latest
from marketplace.payment.services.shares import book_premiums, share_of
from marketplace.payment.services.transfers import release_transfer, send_reversal, send_transfer
from marketplace.payment.services.wishes import approve_wish, ask_refund, configure, limit_of, refuse_wish

__all__ = [
    "approve_wish",
    "ask_again",
    "ask_mandate",
    "ask_refund",
    "book_premiums",
    "close_subject",
    "configure",
    "detach_card",
    "expire_session",
    "forget_payer",
    "give_back",
    "hold_subject",
    "limit_of",
    "look_up_event",
    "mark_handled",
    "note_decline",
    "note_dispute",
    "open_session",
    "open_setup",
    "pay_out",
    "receive_event",
    "reconcile",
    "reconcile_transfers",
    "refuse_wish",
    "release_transfer",
    "request_refund",
    "see_dispute",
    "send_charge",
    "send_refund",
    "send_reversal",
    "send_transfer",
    "settle",
    "settle_latest",
    "settle_mandate",
    "share_of",
    "start_attempt",
    "stop_mandates",
    "take_disputes",
    "take_movements",
    "watch_disputes",
]
