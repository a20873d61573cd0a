"""Do: make copies, take and answer requests, close accounts, forget what is not needed any more."""

from marketplace.privacy.services.closing import close_account
from marketplace.privacy.services.exporting import ask_export, drop_expired_exports, make_export
from marketplace.privacy.services.forgetting import forget
from marketplace.privacy.services.replaying import erase_again
from marketplace.privacy.services.requesting import answer_request, ask_request, warn_of_pressing

__all__ = [
    "answer_request",
    "ask_export",
    "ask_request",
    "close_account",
    "drop_expired_exports",
    "erase_again",
    "forget",
    "make_export",
    "warn_of_pressing",
]
