"""Pure decisions about later premiums: when its customer is told, when it is collected, and when again; and what a
contract is worth that is ended early.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from marketplace.catalog.values import EarlyEnd
from marketplace.kernel.dates import add_years, years_between
from marketplace.kernel.money import Money
from marketplace.kernel.transitions import Table
from marketplace.policy.values import Instalment
from marketplace.servicing.values import REFUSALS, CashValue, PaidPremium, PremiumState, Refusal, ValueLine

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


def spans(start_on: date, last_on: date, first: Money, later: Sequence[Instalment]) -> tuple[PaidPremium, ...]:
    """Each premium of a contract with the days that it pays for: up to the day on which the next one falls due, the
    last one up to the end.
    """
    starts = [start_on, *(each.due_on for each in later)]
    ends = [*starts[1:], last_on + timedelta(days=1)]
    amounts = [first, *(each.amount for each in later)]
    return tuple(PaidPremium(*each) for each in zip(starts, ends, amounts, strict=True))


def cash_value(terms: EarlyEnd, start_on: date, last_on: date, paid: Sequence[PaidPremium], on: date) -> CashValue:
    """What a contract is worth that is ended on a day, of which `paid` are the premiums paid. That day is covered still
    and counts as used, as a part of a day does (银保监办发〔2021〕108号, (九)5).

    What is less than the smallest coin is rounded up: nothing is lost to the customer by rounding.
    """
    whole = _total([each.amount for each in paid])
    if terms.whole_before_start and on < start_on:
        return CashValue(whole, before_start=True)
    after = on + timedelta(days=1)
    if terms.of_unused is not None:
        ahead = [each for each in paid if each.end_on > after and each.amount] or paid[-1:]
        lines = tuple(_unused(each, terms.of_unused, after) for each in ahead)
        return CashValue(_total([each.value for each in lines]), lines)
    years, of_all = max(0, years_between(start_on, after)), years_between(start_on, last_on + timedelta(days=1))
    if terms.nothing_in_last_year and on >= add_years(start_on, of_all - 1):
        return CashValue(Money.zero(whole.currency), years=years, last_year=True)
    percent = terms.of_paid[min(years, len(terms.of_paid) - 1)]
    value = _share(whole, percent, 1, 1)
    return CashValue(value, (ValueLine(whole, percent, value),), years)


def _total(amounts: Sequence[Money]) -> Money:
    return sum(amounts[1:], amounts[0])


def _unused(paid: PaidPremium, percent: str, after: date) -> ValueLine:
    """Of a premium that pays for days to come, as much as the days from `after` on."""
    days, unused = (paid.end_on - paid.start_on).days, max(0, (paid.end_on - max(after, paid.start_on)).days)
    return ValueLine(paid.amount, percent, _share(paid.amount, percent, unused, days), unused, days)


def _share(of: Money, percent: str, part: int, whole: int) -> Money:
    """Exact, and rounded up once."""
    hundredths = int(Decimal(percent) * 100)
    return Money(-(-of.minor * hundredths * part // (10_000 * whole)), of.currency)
