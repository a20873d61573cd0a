"""Do: take up the premiums of a contract, run through what is to be done today, collect, note what came of it; end
a contract, within its cooling-off period or later.

Nothing here commits but for whoever runs: `run` yields after each chunk. Every function may be repeated.
"""

from marketplace.servicing.services.collecting import note_failure, pay, take_payment
from marketplace.servicing.services.running import drop, run, take_up
from marketplace.servicing.services.surrendering import surrender
from marketplace.servicing.services.telling import tell_card_kept, tell_refunded
from marketplace.servicing.services.withdrawing import withdraw

__all__ = [
    "drop",
    "note_failure",
    "pay",
    "run",
    "surrender",
    "take_payment",
    "take_up",
    "tell_card_kept",
    "tell_refunded",
    "withdraw",
]
