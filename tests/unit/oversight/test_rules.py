"""How far a sale came, and how little of an address the log shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.application.values import State
from marketplace.checkout.values import OrderState
from marketplace.kernel.addresses import masked
from marketplace.oversight.rules import Standing, is_to_be_whole, state_of
from marketplace.oversight.values import SaleState

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
APPLYING = Standing(State.STARTED, order=None, paid=False, issued=False, mailed=False)


@pytest.mark.parametrize(
    ("application", "state"),
    [
        (State.STARTED, SaleState.ENTERED),
        (State.SUBMITTED, SaleState.APPLIED),
        (State.ACCEPTED, SaleState.APPLIED),
        (State.REFERRED, SaleState.REFERRED),
        (State.DECLINED, SaleState.DECLINED),
        (State.LAPSED, SaleState.LAPSED),
        (State.CONTRACTED, SaleState.ISSUED),
    ],
)
def test_without_an_order_the_application_tells(application: State, state: SaleState) -> None:
    assert state_of(replace(APPLYING, application=application)) is state


def test_every_state_of_an_application_is_told() -> None:
    assert {state_of(replace(APPLYING, application=state)) for state in State} <= set(SaleState)


@pytest.mark.parametrize("order", [OrderState.OPEN, OrderState.LAPSED])
def test_an_unpaid_order_says_nothing_new(order: OrderState) -> None:
    assert state_of(replace(APPLYING, application=State.ACCEPTED, order=order)) is SaleState.APPLIED


def test_money_outweighs_the_application_even_before_checkout_heard_of_it() -> None:
    paid = replace(APPLYING, application=State.ACCEPTED, order=OrderState.OPEN, paid=True)
    assert state_of(paid) is SaleState.PAID
    assert state_of(replace(paid, application=State.LAPSED)) is SaleState.PAID
    assert state_of(replace(paid, order=OrderState.NOT_ISSUABLE)) is SaleState.REFUND_DUE
    assert state_of(replace(paid, order=OrderState.REFUNDED)) is SaleState.REFUNDED


def test_a_contract_outweighs_everything() -> None:
    issued = Standing(State.CONTRACTED, OrderState.ISSUED, paid=True, issued=True, mailed=False)
    assert state_of(issued) is SaleState.ISSUED
    assert state_of(replace(issued, mailed=True)) is SaleState.MAILED
    assert state_of(replace(issued, order=OrderState.PAID, application=State.ACCEPTED)) is SaleState.ISSUED


@pytest.mark.asvs("14.2.6")
@pytest.mark.parametrize(
    ("email", "shown"),
    [("li.na@customer.example", "l…@customer.example"), ("x@y.example", "x…@y.example")],
)
def test_an_address_is_shown_masked(email: str, shown: str) -> None:
    assert masked(email) == shown


@pytest.mark.parametrize("state", SaleState)
@pytest.mark.parametrize(("since", "overdue"), [(None, False), (3_599, False), (3_600, True)])
def test_a_trail_is_to_be_whole_once_mailed_or_an_hour_after_the_conclusion(
    state: SaleState, since: int | None, *, overdue: bool
) -> None:
    concluded_at = None if since is None else NOW - timedelta(seconds=since)
    expected = state is SaleState.MAILED or (state is SaleState.ISSUED and overdue)
    assert is_to_be_whole(state, concluded_at, NOW) is expected
