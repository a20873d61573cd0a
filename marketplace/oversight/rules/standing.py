"""How far a sale came, and what its log says of the customer."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from marketplace.application.values import State
from marketplace.checkout.values import OrderState
from marketplace.oversight.values import SaleState

MAILED_WITHIN = timedelta(hours=1)
_OF_APPLICATION = {
    State.STARTED: SaleState.ENTERED,
    State.SUBMITTED: SaleState.APPLIED,
    State.ACCEPTED: SaleState.APPLIED,
    State.REFERRED: SaleState.REFERRED,
    State.COUNTERED: SaleState.COUNTERED,
    State.DECLINED: SaleState.DECLINED,
    State.POSTPONED: SaleState.POSTPONED,
    State.REFUSED: SaleState.REFUSED,
    State.LAPSED: SaleState.LAPSED,
    State.CONTRACTED: SaleState.ISSUED,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the features say of one application now. `paid`: the money came in, whether checkout knows it or not."""

    application: State
    order: OrderState | None
    paid: bool
    issued: bool
    mailed: bool


def state_of(standing: Standing) -> SaleState:
    """The furthest truth about a sale. A contract outweighs everything, money outweighs the application."""
    if standing.issued:
        return SaleState.MAILED if standing.mailed else SaleState.ISSUED
    if standing.order is OrderState.REFUNDED:
        return SaleState.REFUNDED
    if standing.order is OrderState.NOT_ISSUABLE:
        return SaleState.REFUND_DUE
    if standing.paid:
        return SaleState.PAID
    return _OF_APPLICATION[standing.application]


def is_to_be_whole(state: SaleState, concluded_at: datetime | None, now: datetime) -> bool:
    """Whether the trail of a sale has to be whole by now: once the policy is mailed, and where it is not, an hour after
    the contract was concluded.
    """
    overdue = concluded_at is not None and now - concluded_at >= MAILED_WITHIN
    return state is SaleState.MAILED or (state is SaleState.ISSUED and overdue)
