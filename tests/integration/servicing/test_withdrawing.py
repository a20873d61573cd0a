"""Withdrawing from a contract of which later premiums were paid, or are being paid: each goes back, and once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from marketplace.infra.db import db
from marketplace.infra.failpoints import At
from marketplace.kernel import clock
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import LedgerAccount, MandateState, Purpose, RefundReason, RefundState
from marketplace.policy import queries as policies
from marketplace.policy.values import Ending, Policy
from marketplace.servicing import queries, services
from marketplace.servicing.values import NotWithdrawable, PremiumState, WithdrawContract
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import Actor, ActorRole
from tests.at_once import at_once
from tests.deferred_jobs import drain
from tests.factories.policy import a_content
from tests.integration.servicing.conftest import a_monthly_contract
from tests.integration.servicing.test_premiums import (
    first,
    kept,
    killed_at,
    mails,
    on_the_day,
    open_page,
    paid_by_link,
    standing,
    until,
)
from tests.simulator_server import SimulatorServer

P = PremiumState


@pytest.fixture
def contract(simulator: SimulatorServer) -> Policy:
    """One can withdraw from it for 40 days, in which its second premium falls due."""
    return a_monthly_contract(key_facts=replace(a_content().key_facts, cooling_off_days=40))


def command(policy: Policy) -> WithdrawContract:
    customer = Actor(ActorRole.CUSTOMER, policy.account_id, "customer")
    return WithdrawContract(policy.id, policy.journey_id, None, customer)


def withdraw(policy: Policy) -> None:
    services.withdraw(command(policy))
    db.session.commit()


def refunds(policy: Policy) -> list[tuple[RefundReason, int, RefundState]]:
    found = payments.refunds_for(Purpose.INSTALMENT, first(policy).id)
    return [(each.reason, each.amount.minor, each.state) for each in found]


def insurers_money() -> int:
    return sum(each.total.minor for each in payments.account_totals() if each.account is LedgerAccount.INSURER_PAYABLE)


@pytest.mark.requirement("EU-19", "O13-43")
def test_a_later_premium_that_was_paid_goes_back_whole_and_no_other_is_asked_for(
    contract: Policy, simulator: SimulatorServer
) -> None:
    mandate = kept(contract, simulator)
    due = first(contract).due_on
    until(due - timedelta(days=7))
    until(due)
    assert standing(contract) == [P.PAID, P.PLANNED, P.PLANNED]
    amount = first(contract).amount
    assert queries.withdrawal_of(contract).amount == amount
    withdraw(contract)
    drain("payment", "servicing")
    assert refunds(contract) == [(RefundReason.WITHDRAWN, amount.minor, RefundState.SUCCEEDED)]
    assert standing(contract) == [P.PAID, P.DROPPED, P.DROPPED]
    assert payments.mandate(mandate.id).state is MandateState.STOPPED
    assert payments.goes_back_of(contract.id, amount.currency).minor == 0
    assert insurers_money() == 0
    assert mails()[-2:] == ["contract_withdrawn", "refund_made"]
    ended = policies.policy(contract.id)
    assert (ended.ending, ended.ended_on) == (Ending.WITHDRAWN, clock.today("Asia/Shanghai"))


@pytest.mark.requirement("EU-19")
def test_what_is_paid_late_after_the_withdrawal_goes_back_and_nothing_counts(
    contract: Policy, simulator: SimulatorServer
) -> None:
    until(first(contract).due_on - timedelta(days=7))
    simulator.pay(open_page(contract, first(contract)))
    withdraw(contract)
    assert refunds(contract) == [], "nobody told of the payment yet"
    payment.settle_latest(Purpose.INSTALMENT, first(contract).id)
    db.session.commit()
    drain("payment", "servicing")
    drain("payment", "servicing")
    assert refunds(contract) == [(RefundReason.NOT_ISSUABLE, first(contract).amount.minor, RefundState.SUCCEEDED)]
    assert P.PAID not in standing(contract)
    assert insurers_money() == 0
    assert "premium_paid" not in mails()


def test_many_clicks_at_once_withdraw_once(app: Flask, contract: Policy, simulator: SimulatorServer) -> None:
    until(first(contract).due_on - timedelta(days=7))
    paid_by_link(contract, first(contract), simulator)

    def click() -> bool:
        try:
            withdraw(contract)
        except NotWithdrawable:
            db.session.rollback()
            return False
        return True

    assert sorted(at_once(app, 4, click)) == [False, False, False, True]
    drain("payment", "servicing")
    assert [reason for reason, *_ in refunds(contract)] == [RefundReason.WITHDRAWN]
    assert mails().count("contract_withdrawn") == 1


def test_killed_in_between_nothing_happened_and_it_can_be_done_again(
    contract: Policy, simulator: SimulatorServer
) -> None:
    until(first(contract).due_on - timedelta(days=7))
    paid_by_link(contract, first(contract), simulator)

    with killed_at(At.REFUND_WRITTEN):
        withdraw(contract)
    assert policies.policy(contract.id).ended_on is None
    assert refunds(contract) == []
    assert "contract_withdrawn" not in mails()
    assert "contract:ended" not in [each.type.value for each in journey_entries(contract.journey_id)]
    withdraw(contract)
    assert len(refunds(contract)) == 1


@pytest.mark.requirement("EU-19", "PER-08")
def test_on_its_last_day_it_is_a_withdrawal_and_on_the_next_it_is_none(contract: Policy) -> None:
    last = queries.withdrawal_of(contract).last_on
    assert last == clock.today("Asia/Shanghai") + timedelta(days=40)
    on_the_day(last + timedelta(days=1))
    assert queries.withdrawal_of(contract) is None
    with pytest.raises(NotWithdrawable):
        services.withdraw(command(contract))
    assert policies.policy(contract.id).ended_on is None
    on_the_day(last)
    withdraw(contract)
    assert policies.policy(contract.id).ended_on == last
