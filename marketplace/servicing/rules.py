"""Pure decisions about later premiums: when its customer is told, when it is collected, and when again."""

from datetime import date, timedelta
from enum import StrEnum

from marketplace.kernel.transitions import Table
from marketplace.servicing.values import REFUSALS, PremiumState, Refusal

NOTICE = timedelta(days=7)
"""So long before anything is collected its customer has been told day and amount, and how to stop it."""

RETRIES = (timedelta(days=3), timedelta(days=7), timedelta(days=14))
"""How long after the first refusal a card is charged once more, and again; never when grace is over."""

TRIED_AGAIN = frozenset({Refusal.NO_MONEY, Refusal.TECHNICAL})
"""What may be otherwise in some days. A bank that asks for its customer, or does not take the card, is not asked again
with nobody there (docs.stripe.com/declines)."""

STATUTORY_GRACE = timedelta(days=60)
"""Where the contract says nothing of grace: Insurance Law of the PRC, article 36."""


class PremiumEvent(StrEnum):
    ANNOUNCED = "announced"
    FELL_DUE = "fell_due"
    PAID = "paid"
    GRACE_OVER = "grace_over"
    CONTRACT_ENDED = "contract_ended"


S, E = PremiumState, PremiumEvent

_NOT_TOLD = "its customer was not told"
_PAID = "it is paid"
_DROPPED = "the contract has ended"

PREMIUMS: Table[PremiumState, PremiumEvent] = Table(
    PremiumState,
    PremiumEvent,
    {
        (S.PLANNED, E.ANNOUNCED): S.ANNOUNCED,
        (S.PLANNED, E.FELL_DUE): _NOT_TOLD,
        (S.PLANNED, E.PAID): _NOT_TOLD,
        (S.PLANNED, E.GRACE_OVER): _NOT_TOLD,
        (S.PLANNED, E.CONTRACT_ENDED): S.DROPPED,
        (S.ANNOUNCED, E.ANNOUNCED): S.ANNOUNCED,
        (S.ANNOUNCED, E.FELL_DUE): S.DUE,
        (S.ANNOUNCED, E.PAID): S.PAID,
        (S.ANNOUNCED, E.GRACE_OVER): "it is not due yet",
        (S.ANNOUNCED, E.CONTRACT_ENDED): S.DROPPED,
        (S.DUE, E.ANNOUNCED): S.DUE,
        (S.DUE, E.FELL_DUE): S.DUE,
        (S.DUE, E.PAID): S.PAID,
        (S.DUE, E.GRACE_OVER): S.OVERDUE,
        (S.DUE, E.CONTRACT_ENDED): S.DROPPED,
        # Cover is not suspended by itself, so what comes late counts.
        (S.OVERDUE, E.ANNOUNCED): S.OVERDUE,
        (S.OVERDUE, E.FELL_DUE): S.OVERDUE,
        (S.OVERDUE, E.PAID): S.PAID,
        (S.OVERDUE, E.GRACE_OVER): S.OVERDUE,
        (S.OVERDUE, E.CONTRACT_ENDED): S.DROPPED,
        (S.PAID, E.ANNOUNCED): _PAID,
        (S.PAID, E.FELL_DUE): _PAID,
        (S.PAID, E.PAID): S.PAID,
        (S.PAID, E.GRACE_OVER): _PAID,
        (S.PAID, E.CONTRACT_ENDED): S.PAID,
        (S.DROPPED, E.ANNOUNCED): _DROPPED,
        (S.DROPPED, E.FELL_DUE): _DROPPED,
        (S.DROPPED, E.PAID): S.DROPPED,  # the money goes back
        (S.DROPPED, E.GRACE_OVER): _DROPPED,
        (S.DROPPED, E.CONTRACT_ENDED): S.DROPPED,
    },
)


def collected_on(due_on: date, told_on: date) -> date:
    """The day of the contract, or later where its customer was told late."""
    return max(due_on, told_on + NOTICE)


def grace_until(collect_on: date, grace_days: int | None) -> date:
    """The last day of grace, counted from the day on which the premium is collected."""
    return collect_on + (STATUTORY_GRACE if grace_days is None else timedelta(days=grace_days))


def refusal_of(failure: str | None) -> Refusal:
    """What the provider's word for a failure means to the owner of the card."""
    return REFUSALS.get(failure or "", Refusal.CARD)


def next_try(why: Refusal, tries: int, first_on: date, last_on: date) -> date | None:
    """When the card is charged again after `tries` refusals, the first on `first_on`; None where it is not."""
    if why not in TRIED_AGAIN or tries > len(RETRIES):
        return None
    day = first_on + RETRIES[tries - 1]
    return day if day <= last_on else None
