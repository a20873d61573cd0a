"""Pure decisions about insurers' shares: when one leaves, what is left of it after a refund, what a failure means.

Sources: docs.stripe.com/connect/separate-charges-and-transfers, /api/transfer_reversals;
docs/decisions/0027-premiums-leave-when-nobody-can-withdraw.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from marketplace.kernel.money import Money
from marketplace.kernel.transitions import Table
from marketplace.payment.values import ReversalState, TransferState

# What Stripe refused is asked again no sooner: what was wrong has to be mended first, mostly by somebody else.
REFUSAL_REST = timedelta(hours=1)
# A call that failed at Stripe is replayed as a failure for as long as its key is kept; then we look and take another.
FAILURES_OF_A_KEY = 3
OVERDUE_AFTER = timedelta(days=1)


class TransferEvent(StrEnum):
    ASKED = "asked"
    SENT = "sent"
    REFUSED = "refused"
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
        (S.WAITING, E.EMPTIED): S.CLOSED,
        (S.ASKED, E.ASKED): S.ASKED,
        (S.ASKED, E.SENT): S.SENT,
        (S.ASKED, E.REFUSED): S.WAITING,
        (S.ASKED, E.EMPTIED): S.ASKED,  # it may be there already; then it comes back
        (S.SENT, E.ASKED): _SENT,
        (S.SENT, E.SENT): S.SENT,
        (S.SENT, E.REFUSED): S.SENT,
        (S.SENT, E.EMPTIED): S.SENT,
        (S.CLOSED, E.ASKED): "nothing is left of it",
        (S.CLOSED, E.SENT): S.SENT,
        (S.CLOSED, E.REFUSED): S.CLOSED,
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
    def left(self) -> Money:
        """What of the premium has not gone back."""
        return self.premium - self.returned

    @property
    def owed(self) -> Money:
        """What the insurer is to have of it in the end."""
        return self.left - (self.commission - self.commission_returned)

    @property
    def too_much(self) -> Money:
        """What it has, or is on its way to it, and it is not to have; negative while something is still to leave."""
        return self.sent - self.reversed - self.owed

    def commission_of(self, part: Money) -> Money:
        """What of the commission belongs to a part of the premium that goes back: in proportion, to the nearest minor
        unit, a half to the even one; with the last part whatever is left of it.
        """
        left = self.commission - self.commission_returned
        if part == self.left:
            return left
        share = (Decimal(self.commission.minor) * part.minor / self.premium.minor).to_integral_value(ROUND_HALF_EVEN)
        return Money(min(int(share), left.minor), part.currency)


def split(amount: Money, left: Sequence[Money]) -> list[Money]:
    """`amount` in parts, each in proportion to what is left of a premium, so that all of it takes all of each. Raises
    ValueError for more than there is.
    """
    whole = sum(each.minor for each in left)
    if not 0 < amount.minor <= whole or {each.currency for each in left} != {amount.currency}:
        raise ValueError(f"{amount} is not to be had of {whole}")
    parts: list[Money] = []
    taken = before = 0
    for each in left:
        before += each.minor
        part = amount.minor * before // whole - taken  # what the one before it was cut down by, the next one gives
        taken += part
        parts.append(Money(part, amount.currency))
    return parts


def may_leave(due_at: datetime, business_now: datetime) -> bool:
    """Whether nobody can withdraw from the contract any more."""
    return due_at <= business_now


def rests(asked_at: datetime | None, now: datetime) -> bool:
    """Whether it was refused so lately that asking again would only be refused again."""
    return asked_at is not None and now - asked_at < REFUSAL_REST


def key_is_spent(failures: int) -> bool:
    """Whether another call under this key would only be told of the same failure."""
    return failures >= FAILURES_OF_A_KEY
