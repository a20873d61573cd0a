"""When a premium is announced, collected and tried again; every state answers every event."""

from datetime import date, timedelta

import pytest

from marketplace.kernel.transitions import TransitionRefused
from marketplace.servicing import rules
from marketplace.servicing.rules import PREMIUMS, PremiumEvent
from marketplace.servicing.values import PremiumState, Refusal

DAY = date(2027, 3, 1)


@pytest.mark.parametrize(("told", "collected"), [(-30, 0), (-7, 0), (-6, 1), (0, 7), (5, 12)])
def test_nobody_is_charged_less_than_a_week_after_being_told(told: int, collected: int) -> None:
    assert rules.collected_on(DAY, DAY + timedelta(days=told)) == DAY + timedelta(days=collected)


def test_grace_is_that_of_the_contract_or_of_the_law() -> None:
    assert rules.grace_until(DAY, 30) == date(2027, 3, 31)
    assert rules.grace_until(DAY, 0) == DAY
    assert rules.grace_until(DAY, None) == date(2027, 4, 30)


@pytest.mark.parametrize(
    ("why", "days"),
    [
        (Refusal.NO_MONEY, [3, 7, 14, None]),
        (Refusal.TECHNICAL, [3, 7, 14, None]),
        (Refusal.BANK_ASKS, [None] * 4),
        (Refusal.CARD, [None] * 4),
        (Refusal.STOPPED, [None] * 4),
    ],
)
def test_a_card_is_tried_again_only_where_that_may_help(why: Refusal, days: list[int | None]) -> None:
    found = [rules.next_try(why, tries, DAY, DAY + timedelta(days=60)) for tries in (1, 2, 3, 4)]
    assert found == [None if each is None else DAY + timedelta(days=each) for each in days]


def test_a_card_is_never_tried_after_grace() -> None:
    assert rules.next_try(Refusal.NO_MONEY, 2, DAY, DAY + timedelta(days=6)) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("authentication_required", Refusal.BANK_ASKS),
        ("insufficient_funds", Refusal.NO_MONEY),
        ("provider_unavailable", Refusal.TECHNICAL),
        ("card_not_kept", Refusal.STOPPED),
        ("lost_card", Refusal.CARD),
        ("a word that nobody knows", Refusal.CARD),
        (None, Refusal.CARD),
    ],
)
def test_what_the_provider_says_means_one_of_five_things_to_the_owner(said: str | None, meant: Refusal) -> None:
    assert rules.refusal_of(said) is meant


def test_what_is_paid_stays_paid_and_nothing_falls_due_untold() -> None:
    assert PREMIUMS.next(PremiumState.PAID, PremiumEvent.CONTRACT_ENDED) is PremiumState.PAID
    assert PREMIUMS.next(PremiumState.OVERDUE, PremiumEvent.PAID) is PremiumState.PAID
    for event in (PremiumEvent.FELL_DUE, PremiumEvent.PAID, PremiumEvent.GRACE_OVER):
        with pytest.raises(TransitionRefused):
            PREMIUMS.next(PremiumState.PLANNED, event)
