"""Pure decisions about kept cards: how one is kept and stopped, and what may be tried again with it."""

from enum import StrEnum

from marketplace.kernel.transitions import Table
from marketplace.payment.values import MandateState


class MandateEvent(StrEnum):
    KEPT = "kept"  # the provider says that it keeps the card
    EXPIRED = "expired"  # no card was given while the page was open
    STOPPED = "stopped"  # by the customer, or because nothing is left to be paid


M, E = MandateState, MandateEvent

MANDATES: Table[MandateState, MandateEvent] = Table(
    MandateState,
    MandateEvent,
    {
        (M.ASKED, E.KEPT): M.KEPT,
        (M.ASKED, E.EXPIRED): M.LAPSED,
        (M.ASKED, E.STOPPED): M.STOPPED,
        (M.KEPT, E.KEPT): M.KEPT,
        (M.KEPT, E.EXPIRED): M.KEPT,
        (M.KEPT, E.STOPPED): M.STOPPED,
        # The card came after we had stopped waiting for it: it is detached, and nothing is charged to it.
        (M.STOPPED, E.KEPT): M.STOPPED,
        (M.STOPPED, E.EXPIRED): M.STOPPED,
        (M.STOPPED, E.STOPPED): M.STOPPED,
        (M.LAPSED, E.KEPT): M.LAPSED,
        (M.LAPSED, E.EXPIRED): M.LAPSED,
        (M.LAPSED, E.STOPPED): M.LAPSED,
    },
)
