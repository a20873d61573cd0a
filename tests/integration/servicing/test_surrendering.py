"""Ending a contract early of which later premiums were paid: what it is worth goes back, once, latest payment first."""

from datetime import timedelta

import pytest
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.catalog.values import EarlyEnd, Profile
from marketplace.infra import present
from marketplace.infra.db import db
from marketplace.infra.failpoints import At
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import (
    LedgerAccount,
    MandateState,
    NothingToRefund,
    Purpose,
    RefundReason,
    RefundState,
)
from marketplace.policy import queries as policies
from marketplace.policy.values import Ending, Policy
from marketplace.servicing import queries, services
from marketplace.servicing.values import (
    NotSurrenderable,
    PremiumState,
    Surrender,
    SurrenderContract,
    ValueChanged,
)
from marketplace.traceability.queries import journey_entries
from marketplace.traceability.values import SYSTEM, Actor, ActorRole
from tests.at_once import at_once
from tests.deferred_jobs import drain
from tests.factories.accounts import a_member_of_staff
from tests.factories.payment import a_wish
from tests.factories.quoting import INFORMATION
from tests.integration.payment.test_lost_disputes import a_dispute, lose
from tests.integration.servicing.conftest import a_monthly_contract
from tests.integration.servicing.test_premiums import (
    first,
    kept,
    killed_at,
    mails,
    on_the_day,
    paid_by_link,
    standing,
    until,
)
from tests.simulator_server import SimulatorServer

P = PremiumState


@pytest.fixture
def contract(simulator: SimulatorServer) -> Policy:
    """Of the premium for the days that are left it gives four fifths back."""
    return a_monthly_contract(early_end=EarlyEnd(of_unused="80"))


@pytest.fixture
def two_paid(contract: Policy, simulator: SimulatorServer) -> Policy:
    """Its second and third premium are paid; it is the tenth day that the second pays for."""
    second, third, _ = queries.premiums_of(contract.id)
    until(second.due_on - timedelta(days=7))
    paid_by_link(contract, second, simulator)
    until(third.due_on - timedelta(days=7))
    paid_by_link(contract, third, simulator)
    on_the_day(second.due_on + timedelta(days=9))
    return contract


def offered(policy: Policy) -> Surrender:
    found = queries.surrender_of(policies.policy(policy.id))
    assert found is not None
    return found


def surrender(policy: Policy, amount: Money | None = None) -> None:
    by = Actor(ActorRole.CUSTOMER, policy.account_id, "customer")
    wanted = offered(policy).amount if amount is None else amount
    services.surrender(SurrenderContract(policy.id, wanted, policy.journey_id, None, by))
    db.session.commit()


def refunds(policy: Policy) -> list[tuple[int, RefundReason, int, RefundState]]:
    """By the number of the premium that they are of."""
    return [
        (premium.number, each.reason, each.amount.minor, each.state)
        for premium in queries.premiums_of(policy.id)
        for each in payments.refunds_for(Purpose.INSTALMENT, premium.id)
    ]


def insurers_money() -> int:
    return sum(each.total.minor for each in payments.account_totals() if each.account is LedgerAccount.INSURER_PAYABLE)


@pytest.mark.requirement("N108-09", "O13-32", "O13-43")
def test_what_it_is_worth_goes_back_out_of_the_latest_payment_first(two_paid: Policy) -> None:
    second, third, _ = queries.premiums_of(two_paid.id)
    days = (third.due_on - second.due_on).days
    part = -(-second.amount.minor * 80 * (days - 10) // (100 * days))
    whole = -(-third.amount.minor * 80 // 100)
    found = offered(two_paid)
    assert found.amount == found.value.total == Money(part + whole, second.amount.currency)
    owed = insurers_money()
    surrender(two_paid)
    drain("payment", "servicing")
    assert part + whole > third.amount.minor, "so that both payments are needed"
    assert refunds(two_paid) == [
        (2, RefundReason.SURRENDERED, part + whole - third.amount.minor, RefundState.SUCCEEDED),
        (3, RefundReason.SURRENDERED, third.amount.minor, RefundState.SUCCEEDED),
    ]
    assert standing(two_paid) == [P.PAID, P.PAID, P.DROPPED]
    assert abs(insurers_money()) < abs(owed), "what goes back is the insurer's, its commission with it"
    assert mails().count("contract_surrendered") == 1
    assert mails()[-1] == "refund_made"
    ended = policies.policy(two_paid.id)
    assert (ended.ending, ended.ended_on) == (Ending.SURRENDERED, clock.today("Asia/Shanghai"))
    assert ended.version == two_paid.version


def test_a_kept_card_is_kept_no_more(contract: Policy, simulator: SimulatorServer) -> None:
    mandate = kept(contract, simulator)
    until(first(contract).due_on - timedelta(days=1))
    surrender(contract)
    drain("payment", "servicing")
    assert payments.mandate(mandate.id).state is MandateState.STOPPED
    assert standing(contract) == [P.DROPPED] * 3
    until(first(contract).due_on + timedelta(days=1))
    assert standing(contract) == [P.DROPPED] * 3
    assert "premium_due" not in mails()


@pytest.mark.requirement("PER-08")
def test_while_one_can_withdraw_it_is_a_withdrawal(contract: Policy) -> None:
    withdrawal = queries.withdrawal_of(contract)
    assert withdrawal is not None
    on_the_day(withdrawal.last_on)
    assert queries.surrender_of(contract) is None
    with pytest.raises(NotSurrenderable):
        surrender(contract, Money.zero("CNY"))
    on_the_day(withdrawal.last_on + timedelta(days=1))
    assert queries.surrender_of(contract) is not None
    on_the_day(contract.period.end_on + timedelta(days=1))
    assert queries.surrender_of(contract) is None


def test_a_contract_whose_terms_do_not_say_what_it_is_worth_is_not_ended_here(simulator: SimulatorServer) -> None:
    contract = a_monthly_contract(profile=Profile.EU_NONLIFE, information=INFORMATION, early_end=None)
    on_the_day(clock.today("Asia/Shanghai") + timedelta(days=16))
    assert queries.withdrawal_of(contract) is None
    assert queries.surrender_of(contract) is None


def test_another_amount_than_the_one_that_was_read_is_not_confirmed(two_paid: Policy) -> None:
    read = offered(two_paid).amount
    on_the_day(clock.today("Asia/Shanghai") + timedelta(days=1))
    with pytest.raises(ValueChanged):
        surrender(two_paid, read)
    db.session.rollback()
    assert policies.policy(two_paid.id).ended_on is None
    assert refunds(two_paid) == []
    assert "contract_surrendered" not in mails()
    types = [each.type.value for each in journey_entries(two_paid.journey_id)]
    assert {"surrender:confirmed", "contract:ended"} & set(types) == set()


def test_many_clicks_at_once_end_it_once(app: Flask, two_paid: Policy) -> None:
    amount = offered(two_paid).amount

    def click() -> bool:
        present.load()
        try:
            surrender(two_paid, amount)
        except NotSurrenderable:
            db.session.rollback()
            return False
        return True

    assert sorted(at_once(app, 4, click)) == [False, False, False, True]
    drain("payment", "servicing")
    assert sum(minor for _, _, minor, _ in refunds(two_paid)) == amount.minor
    assert mails().count("contract_surrendered") == 1


def test_killed_in_between_nothing_happened_and_it_can_be_done_again(two_paid: Policy) -> None:
    amount = offered(two_paid).amount

    with killed_at(At.REFUND_WRITTEN):
        surrender(two_paid)
    assert policies.policy(two_paid.id).ended_on is None
    assert refunds(two_paid) == []
    surrender(two_paid)
    drain("payment", "servicing")
    assert sum(minor for _, _, minor, _ in refunds(two_paid)) == amount.minor


def of_third_taken(policy: Policy, taken: Money) -> Money:
    """What it is worth where so much of its third premium is its customer's again."""
    second, third, _ = queries.premiums_of(policy.id)
    days = (third.due_on - second.due_on).days
    part = -(-second.amount.minor * 80 * (days - 10) // (100 * days))
    return Money(part + -(-(third.amount - taken).minor * 80 // 100), taken.currency)


def test_of_a_premium_that_went_back_in_part_only_the_rest_counts(two_paid: Policy) -> None:
    third = queries.premiums_of(two_paid.id)[1]
    half = Money(third.amount.minor // 2, third.amount.currency)
    staff = a_member_of_staff(Role.ADMIN_FINANCE)
    a_wish(third.attempt_id, staff.id, amount=half, reason=RefundReason.OVERCHARGED)
    db.session.commit()
    drain("payment", "servicing")
    found = offered(two_paid)
    assert found.amount == found.value.total == of_third_taken(two_paid, half)
    surrender(two_paid)
    drain("payment", "servicing")
    assert sum(minor for *_, minor, _ in refunds(two_paid)) == found.amount.minor + half.minor


def test_what_a_bank_took_back_is_not_worth_anything_and_while_it_decides_nothing_is_ended(
    two_paid: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    third = queries.premiums_of(two_paid.id)[1]
    attempt, amount = payments.attempt(third.attempt_id), offered(two_paid).amount
    lose(monkeypatch, a_dispute(attempt, third.amount, "needs_response"))
    assert queries.surrender_of(two_paid) is None
    with pytest.raises(NotSurrenderable):
        surrender(two_paid, amount)
    db.session.rollback()
    lose(monkeypatch, a_dispute(attempt, third.amount))
    assert offered(two_paid).amount == of_third_taken(two_paid, third.amount)
    surrender(two_paid)
    assert [(number, minor) for number, _, minor, _ in refunds(two_paid)] == [
        (2, of_third_taken(two_paid, third.amount).minor)
    ]


def test_what_goes_back_otherwise_at_the_same_moment_ends_nothing(
    two_paid: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise NothingToRefund

    monkeypatch.setattr(payment, "pay_out", gone)
    with pytest.raises(ValueChanged):
        surrender(two_paid)
    db.session.rollback()
    assert policies.policy(two_paid.id).ended_on is None
    assert "contract_surrendered" not in mails()


def test_more_than_is_left_of_what_was_paid_never_goes_back(two_paid: Policy) -> None:
    left = payments.goes_back_of(two_paid.id, "CNY")
    with pytest.raises(NothingToRefund):
        payment.pay_out(two_paid.id, left + Money(1, "CNY"), SYSTEM)
    db.session.rollback()
    assert refunds(two_paid) == []
