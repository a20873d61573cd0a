"""Pure decisions about insurers' shares: when one leaves, what is left of it after a refund, what a failure means.

Sources: docs.stripe.com/connect/separate-charges-and-transfers, /api/transfer_reversals;
docs/decisions/0027-premiums-leave-when-nobody-can-withdraw.md.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from marketplace.kernel.money import Money
from marketplace.kernel.transitions import Table
from marketplace.payment.values import ReversalState, TransferState

# What Stripe refused is asked again no sooner: what was wrong has to be mended first, mostly by somebody else.
REFUSAL_REST = timedelta(hours=1)
OVERDUE_AFTER = timedelta(days=1)


class TransferEvent(StrEnum):
    ASKED = "asked"
    SENT = "sent"
    REFUSED = "refused"
    WITHHELD = "withheld"  # before Stripe had it, a bank disputed the payment
    EMPTIED = "emptied"  # all of it went back to the customer


S, E = TransferState, TransferEvent

_NOT_ASKED = "Stripe was not asked for it"
_SENT = "it was sent"

TRANSFERS: Table[TransferState, TransferEvent] = Table(
    TransferState,
    TransferEvent,
    {
        (S.WAITING, E.ASKED): S.ASKED,
        (S.WAITING, E.SENT): S.SENT,  # another worker's call was answered after ours was refused
        (S.WAITING, E.REFUSED): S.WAITING,
        (S.WAITING, E.WITHHELD): S.WAITING,
        (S.WAITING, E.EMPTIED): S.CLOSED,
        (S.ASKED, E.ASKED): S.ASKED,
        (S.ASKED, E.SENT): S.SENT,
        (S.ASKED, E.REFUSED): S.WAITING,
        (S.ASKED, E.WITHHELD): S.WAITING,
        (S.ASKED, E.EMPTIED): S.ASKED,  # it may be there already; then it comes back
        (S.SENT, E.ASKED): _SENT,
        (S.SENT, E.SENT): S.SENT,
        (S.SENT, E.REFUSED): S.SENT,
        (S.SENT, E.WITHHELD): S.SENT,
        (S.SENT, E.EMPTIED): S.SENT,
        (S.CLOSED, E.ASKED): "nothing is left of it",
        (S.CLOSED, E.SENT): S.SENT,
        (S.CLOSED, E.REFUSED): S.CLOSED,
        (S.CLOSED, E.WITHHELD): S.CLOSED,
        (S.CLOSED, E.EMPTIED): S.CLOSED,
    },
)


class ReversalEvent(StrEnum):
    ASKED = "asked"
    SENT = "sent"


REVERSALS: Table[ReversalState, ReversalEvent] = Table(
    ReversalState,
    ReversalEvent,
    {
        (ReversalState.ASKED, ReversalEvent.ASKED): ReversalState.ASKED,
        (ReversalState.ASKED, ReversalEvent.SENT): ReversalState.SENT,
        (ReversalState.SENT, ReversalEvent.ASKED): _SENT,
        (ReversalState.SENT, ReversalEvent.SENT): ReversalState.SENT,
    },
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How an insurer's share of a contract stands. `sent` and `reversed` are what left and what comes back of it."""

    premium: Money
    commission: Money
    returned: Money
    commission_returned: Money
    sent: Money
    reversed: Money

    @property
    def owed(self) -> Money:
        """What the insurer is to have of it in the end."""
        return self.premium - self.returned - (self.commission - self.commission_returned)

    @property
    def too_much(self) -> Money:
        """What it has, or is on its way to it, and it is not to have; negative while something is still to leave."""
        return self.sent - self.reversed - self.owed


def may_leave(due_at: datetime, business_now: datetime) -> bool:
    """Whether nobody can withdraw from the contract any more."""
    return due_at <= business_now


def rests(asked_at: datetime | None, now: datetime) -> bool:
    """Whether it was refused so lately that asking again would only be refused again."""
    return asked_at is not None and now - asked_at < REFUSAL_REST
