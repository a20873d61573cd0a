"""Do: make copies, take and answer requests, withdraw consent, close accounts, note disputes, forget what is not needed
any more.
"""

from marketplace.privacy.services.closing import close_account, refuse_closing
from marketplace.privacy.services.exporting import ask_export, drop_expired_exports, make_export
from marketplace.privacy.services.forgetting import STEPS, note_run
from marketplace.privacy.services.holding import close_hold, open_hold
from marketplace.privacy.services.replaying import erase_again
from marketplace.privacy.services.requesting import answer_request, ask_request, warn_of_pressing
from marketplace.privacy.services.withdrawing import withdraw_health_consent

__all__ = [
    "STEPS",
    "answer_request",
    "ask_export",
    "ask_request",
    "close_account",
    "close_hold",
    "drop_expired_exports",
    "erase_again",
    "make_export",
    "note_run",
    "open_hold",
    "refuse_closing",
    "warn_of_pressing",
    "withdraw_health_consent",
]
