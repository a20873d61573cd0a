"""What the provider's answer means and what it does in each state: the whole truth table, duplicates and all."""

from datetime import UTC, datetime, timedelta

import pytest

from marketplace.kernel.money import Money
from marketplace.kernel.transitions import TransitionRefused
from marketplace.payment.rules.settling import (
    ATTEMPTS,
    REFUNDED_AS,
    REFUNDS,
    AttemptEvent,
    RefundEvent,
    Seen,
    attempt_event,
    is_final,
    is_usable,
    must_look_first,
    needs_second,
    refund_event,
)
from marketplace.payment.values import AttemptState, RefundReason, RefundState

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
PREMIUM = Money(128_400, "CNY")

# Columns: created, open, processing, succeeded, failed, expired, refund_pending, refunded. A dash is a refusal.
ATTEMPT_TABLE = """
opened            open           open           processing     succeeded      failed         expired        refund_pending refunded
paid              succeeded      succeeded      succeeded      succeeded      refund_pending refund_pending refund_pending refunded
paid_otherwise    refund_pending refund_pending refund_pending -              refund_pending refund_pending refund_pending refunded
paid_again        refund_pending refund_pending refund_pending -              refund_pending refund_pending refund_pending refunded
pending           processing     processing     processing     succeeded      failed         expired        refund_pending refunded
failed            failed         failed         failed         succeeded      failed         expired        refund_pending refunded
expired           expired        expired        expired        succeeded      failed         expired        refund_pending refunded
closed            expired        expired        -              -              failed         expired        refund_pending refunded
refund_requested  -              -              -              refund_pending -              -              refund_pending refund_pending
partly_refunded   -              -              -              -              -              -              succeeded      succeeded
refund_succeeded  -              -              -              -              -              -              refunded       refunded
refund_failed     -              -              -              refund_pending -              -              refund_pending refund_pending
"""  # noqa: E501  a table reads best as one

# Columns: requested, sent, succeeded, failed, overtaken.
REFUND_TABLE = """
asked_again -          -          -          requested  -
overtaken   overtaken  sent       succeeded  overtaken  overtaken
sent        sent       sent       succeeded  failed     -
succeeded   succeeded  succeeded  succeeded  -          -
failed      failed     failed     failed     failed     overtaken
"""


def rows(table: str) -> list[tuple[str, int, str]]:
    return [
        (words[0], column, after)
        for words in (line.split() for line in table.strip().splitlines())
        for column, after in enumerate(words[1:])
    ]


@pytest.mark.parametrize(("event", "column", "after"), rows(ATTEMPT_TABLE))
def test_each_event_in_each_state_of_an_attempt(event: str, column: int, after: str) -> None:
    state = list(AttemptState)[column]
    if after == "-":
        with pytest.raises(TransitionRefused):
            ATTEMPTS.next(state, AttemptEvent(event))
    else:
        assert ATTEMPTS.next(state, AttemptEvent(event)) is AttemptState(after)


@pytest.mark.parametrize(("event", "column", "after"), rows(REFUND_TABLE))
def test_each_event_in_each_state_of_a_refund(event: str, column: int, after: str) -> None:
    state = list(RefundState)[column]
    if after == "-":
        with pytest.raises(TransitionRefused):
            REFUNDS.next(state, RefundEvent(event))
    else:
        assert REFUNDS.next(state, RefundEvent(event)) is RefundState(after)


def test_the_written_tables_are_whole() -> None:
    assert len(rows(ATTEMPT_TABLE)) == len(list(ATTEMPTS.pairs()))
    assert len(rows(REFUND_TABLE)) == len(list(REFUNDS.pairs()))


def test_the_same_event_twice_in_a_row_is_one_event() -> None:
    for state, event in ATTEMPTS.pairs():
        after = ATTEMPTS.rows[state, event]
        if isinstance(after, AttemptState) and (state, event) != (AttemptState.REFUNDED, AttemptEvent.REFUND_REQUESTED):
            again = ATTEMPTS.rows[after, event]
            assert again is after or isinstance(again, str), (state, event)


def test_money_that_came_in_is_counted_or_goes_back_whatever_the_state() -> None:
    paid = (AttemptEvent.PAID, AttemptEvent.PAID_OTHERWISE, AttemptEvent.PAID_AGAIN)
    held = {AttemptState.SUCCEEDED, AttemptState.REFUND_PENDING, AttemptState.REFUNDED}
    outcomes = {ATTEMPTS.rows[state, event] for state in AttemptState for event in paid}
    assert {after for after in outcomes if isinstance(after, AttemptState)} == held
    assert set(REFUNDED_AS) == set(paid)


@pytest.mark.parametrize(
    ("seen", "paid_before", "event"),
    [
        (Seen("open", "unpaid", None, PREMIUM), False, AttemptEvent.OPENED),
        (Seen("complete", "paid", "succeeded", PREMIUM), False, AttemptEvent.PAID),
        (Seen("complete", "paid", "succeeded", PREMIUM), True, AttemptEvent.PAID_AGAIN),
        (Seen("complete", "paid", "succeeded", Money(128_401, "CNY")), False, AttemptEvent.PAID_OTHERWISE),
        (Seen("complete", "paid", "succeeded", Money(128_400, "USD")), False, AttemptEvent.PAID_OTHERWISE),
        (Seen("complete", "paid", "succeeded", Money(1, "CNY")), True, AttemptEvent.PAID_OTHERWISE),
        (Seen("complete", "paid", "succeeded", None), False, AttemptEvent.PAID_OTHERWISE),
        (Seen("complete", "unpaid", "processing", PREMIUM), False, AttemptEvent.PENDING),
        (Seen("complete", "unpaid", "requires_payment_method", PREMIUM), False, AttemptEvent.FAILED),
        (Seen("complete", "unpaid", "canceled", PREMIUM), False, AttemptEvent.FAILED),
        (Seen("expired", "unpaid", None, PREMIUM), False, AttemptEvent.EXPIRED),
    ],
)
def test_what_the_provider_says_means_one_thing(seen: Seen, *, paid_before: bool, event: AttemptEvent) -> None:
    assert attempt_event(seen, PREMIUM, paid_before=paid_before) is event


@pytest.mark.parametrize(
    ("status", "event"),
    [
        ("pending", RefundEvent.SENT),
        ("requires_action", RefundEvent.SENT),
        ("succeeded", RefundEvent.SUCCEEDED),
        ("failed", RefundEvent.FAILED),
        ("canceled", RefundEvent.FAILED),
    ],
)
def test_what_a_refund_status_means(status: str, event: RefundEvent) -> None:
    assert refund_event(status) is event


def test_why_money_goes_back() -> None:
    assert REFUNDED_AS[AttemptEvent.PAID] is RefundReason.LATE_PAYMENT
    assert REFUNDED_AS[AttemptEvent.PAID_OTHERWISE] is RefundReason.AMOUNT_MISMATCH
    assert REFUNDED_AS[AttemptEvent.PAID_AGAIN] is RefundReason.SECOND_PAYMENT


@pytest.mark.parametrize(
    ("state", "event", "final"),
    [
        (AttemptState.OPEN, AttemptEvent.OPENED, False),
        (AttemptState.PROCESSING, AttemptEvent.PENDING, False),
        (AttemptState.EXPIRED, AttemptEvent.CLOSED, False),  # closed by us, still open at the provider
        (AttemptState.EXPIRED, AttemptEvent.OPENED, False),
        (AttemptState.EXPIRED, AttemptEvent.EXPIRED, True),
        (AttemptState.SUCCEEDED, AttemptEvent.PAID, True),
        (AttemptState.FAILED, AttemptEvent.FAILED, True),
        (AttemptState.REFUND_PENDING, AttemptEvent.PAID, True),
    ],
)
def test_when_nobody_has_to_ask_again(state: AttemptState, event: AttemptEvent, *, final: bool) -> None:
    assert is_final(state, event) is final


@pytest.mark.parametrize(
    ("state", "age", "usable"),
    [
        (AttemptState.CREATED, timedelta(seconds=119), True),
        (AttemptState.CREATED, timedelta(seconds=120), False),
        (AttemptState.OPEN, timedelta(minutes=59), True),
        (AttemptState.OPEN, timedelta(minutes=60), False),
        (AttemptState.EXPIRED, timedelta(0), False),
        (AttemptState.SUCCEEDED, timedelta(0), False),
    ],
)
def test_when_another_click_leads_to_the_same_page(state: AttemptState, age: timedelta, *, usable: bool) -> None:
    created = NOW - age
    assert is_usable(state, created, created + timedelta(hours=1), NOW) is usable


def test_a_key_that_only_replays_its_failure_opens_no_page() -> None:
    assert is_usable(AttemptState.CREATED, NOW, NOW + timedelta(hours=1), NOW, failed_calls=2)
    assert not is_usable(AttemptState.CREATED, NOW, NOW + timedelta(hours=1), NOW, failed_calls=3)


def test_old_calls_that_move_money_are_looked_up_first() -> None:
    assert not must_look_first(NOW - timedelta(hours=20), NOW)
    assert must_look_first(NOW - timedelta(hours=20, seconds=1), NOW)


def test_after_three_failures_alike_it_is_looked_up_first() -> None:
    assert [must_look_first(NOW, NOW, failed) for failed in range(5)] == [False, False, False, True, True]


@pytest.mark.parametrize(("minor", "second"), [(200_000, False), (200_001, True)])
def test_above_the_limit_a_second_person_is_needed(minor: int, *, second: bool) -> None:
    assert needs_second(Money(minor, "CNY"), Money(200_000, "CNY")) is second


def test_the_table_draws_itself() -> None:
    assert "open --> succeeded: paid" in ATTEMPTS.mermaid()
