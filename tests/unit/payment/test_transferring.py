"""When an insurer's share leaves, what is left of it after a refund, and every event in every state."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.kernel.money import Money
from marketplace.kernel.transitions import TransitionRefused
from marketplace.payment.rules.transferring import (
    REFUSAL_REST,
    REVERSALS,
    TRANSFERS,
    ReversalEvent,
    Standing,
    TransferEvent,
    may_leave,
    rests,
)
from marketplace.payment.values import ReversalState, TransferState

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)

# Columns: waiting, asked, sent, closed. A dash is a refusal.
TRANSFER_TABLE = """
asked    asked    asked    -        -
sent     sent     sent     sent     sent
refused  waiting  waiting  sent     closed
withheld waiting  waiting  sent     closed
emptied  closed   asked    sent     closed
"""
# Columns: asked, sent.
REVERSAL_TABLE = """
asked  asked  -
sent   sent   sent
"""


def rows(table: str) -> list[tuple[str, int, str]]:
    return [
        (words[0], column, after)
        for words in (line.split() for line in table.strip().splitlines())
        for column, after in enumerate(words[1:])
    ]


@pytest.mark.parametrize(("event", "column", "after"), rows(TRANSFER_TABLE))
def test_each_event_in_each_state_of_a_transfer(event: str, column: int, after: str) -> None:
    state = list(TransferState)[column]
    if after == "-":
        with pytest.raises(TransitionRefused):
            TRANSFERS.next(state, TransferEvent(event))
    else:
        assert TRANSFERS.next(state, TransferEvent(event)).value == after


@pytest.mark.parametrize(("event", "column", "after"), rows(REVERSAL_TABLE))
def test_each_event_in_each_state_of_a_reversal(event: str, column: int, after: str) -> None:
    state = list(ReversalState)[column]
    if after == "-":
        with pytest.raises(TransitionRefused):
            REVERSALS.next(state, ReversalEvent(event))
    else:
        assert REVERSALS.next(state, ReversalEvent(event)).value == after


def test_the_tables_are_whole() -> None:
    assert len(rows(TRANSFER_TABLE)) == len(TransferState) * len(TransferEvent)
    assert len(rows(REVERSAL_TABLE)) == len(ReversalState) * len(ReversalEvent)


def standing(premium: int, commission: int, **changes: int) -> Standing:
    parts = {"returned": 0, "commission_returned": 0, "sent": 0, "reversed": 0} | changes
    return Standing(*(Money(each, "CNY") for each in (premium, commission, *parts.values())))


def test_what_is_owed_is_the_premium_less_the_commission_less_what_went_back() -> None:
    assert standing(10_000, 1500).owed == Money(8500, "CNY")
    assert standing(10_000, 1500, returned=4000, commission_returned=600).owed == Money(5100, "CNY")
    assert standing(10_000, 1500, sent=8500).too_much == Money(0, "CNY")
    assert standing(10_000, 1500, returned=4000, commission_returned=600, sent=8500).too_much == Money(3400, "CNY")
    assert standing(10_000, 1500).too_much == Money(-8500, "CNY"), "all of it is still to leave"


def test_a_share_leaves_when_its_moment_has_come() -> None:
    assert may_leave(NOW, NOW)
    assert not may_leave(NOW + timedelta(seconds=1), NOW)


def test_what_was_refused_rests_a_while() -> None:
    assert not rests(None, NOW)
    assert rests(NOW, NOW + REFUSAL_REST - timedelta(seconds=1))
    assert not rests(NOW, NOW + REFUSAL_REST)
