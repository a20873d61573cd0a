"""Withdrawing from a contract on its page: two clicks, everything back, written down, and not a day too late."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts.values import Account
from marketplace.application import queries as applications
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import Scope, use_scope
from marketplace.oversight.queries.contradictions import contradictions
from marketplace.oversight.services import refresh_application
from marketplace.oversight.values import Sale
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose, Refund, RefundReason, RefundState
from marketplace.policy import queries as policies
from marketplace.policy.values import Ending, PaperKind, Policy
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, words
from tests.factories.evidence import asked
from tests.web.conftest import days_later, form_for, run_jobs
from tests.web.test_basket import basket, market, to_payment

__all__ = ["basket", "market"]

Work = Callable[[], list[str]]
FUNCTION = "Withdraw from this contract"
TOO_LATE = "One cannot withdraw from this contract any more."


def contract(shop: Flask, sale: Sale) -> Policy:
    assert sale.policy_id is not None
    with shop.app_context():
        return policies.policy(sale.policy_id)


def refunds(shop: Flask, policy: Policy) -> tuple[Refund, ...]:
    with shop.app_context():
        return payments.refunds_for(Purpose.NEW_BUSINESS, policy.order_id)


def mails(shop: Flask, kind: str) -> list[str]:
    with shop.app_context():
        found = [each for each in correspondence.inbox() if each.kind.value == kind]
        return [correspondence.message_parts(each.id).text for each in found]


def withdraw_on_page(customer: Visitor, policy: Policy) -> str:
    """The two clicks of whoever stands on the page of the contract."""
    assert f'href="/policies/{policy.id}/withdraw"' in customer.get(f"/policies/{policy.id}")
    customer.get(f"/policies/{policy.id}/withdraw")
    customer.post({})
    return words(customer.text)


@pytest.mark.requirement("EU-20", "EU-19", "UK-09", "O13-38", "O13-43")
def test_two_clicks_end_the_contract_and_everything_goes_back(
    shop: Flask, customer: Visitor, sale: Sale, work: Work
) -> None:
    policy = contract(shop, sale)
    said = withdraw_on_page(customer, policy)
    assert "You have withdrawn from this contract, and ¥1,320.75 goes back to you." in said
    assert "Nobody is covered by it any more" in said
    assert FUNCTION not in said
    work()
    after = contract(shop, sale)
    assert (after.ending, after.version) == (Ending.WITHDRAWN, policy.version), "what was concluded stays as it was"
    (refund,) = refunds(shop, policy)
    assert (refund.reason, refund.amount, refund.state) == (
        RefundReason.WITHDRAWN, policy.premium, RefundState.SUCCEEDED,
    )  # fmt: skip
    (told,) = mails(shop, "contract_withdrawn")
    assert f"Harbour Term, number {policy.number}.”" in told
    assert "(Beijing time)" in told, told
    assert len(mails(shop, "refund_made")) == 1
    with shop.app_context(), use_scope(Scope.all()):
        letters = [each for each in policies.papers_of_order(policy.order_id) if each.kind is PaperKind.REFUND_LETTER]
        assert [each.sha256 is not None for each in letters] == [True]
        refresh_application(policy.application_id)
        assert list(contradictions()) == []


@pytest.mark.usefixtures("no_browser")
@pytest.mark.requirement("O13-38", "T26-41")
def test_the_record_says_who_confirmed_it_on_which_page_and_its_evidence_verifies(
    shop: Flask, customer: Visitor, sale: Sale, compliance: Account, into_the_log: Callable[[], int]
) -> None:
    policy = contract(shop, sale)
    withdraw_on_page(customer, policy)
    run_jobs(shop)
    with shop.app_context(), use_scope(Scope.all()):
        entries = trail.entries_of_application(policy.application_id)
        (confirmed,) = (each for each in entries if each.type is EntryType.WITHDRAWAL_CONFIRMED)
        (ended,) = (each for each in entries if each.type is EntryType.CONTRACT_ENDED)
        assert confirmed.page_version_id is not None
        assert confirmed.actor.account_id == ended.actor.account_id == policy.account_id
        assert ended.body["ending"] == "withdrawn"
    with shop.app_context():
        into_the_log()
        bundle = asked(policy.application_id, compliance)
        assert (bundle.verified, bundle.failure) == (True, None)


@pytest.mark.requirement("PER-08", "EU-19")
def test_on_the_fifteenth_day_and_not_on_the_sixteenth(shop: Flask, customer: Visitor, sale: Sale, work: Work) -> None:
    policy = contract(shop, sale)
    days_later(shop, 15)
    customer.get(f"/policies/{policy.id}/withdraw")
    assert FUNCTION in words(customer.text)
    days_later(shop, 16)
    customer.post({})
    assert TOO_LATE in words(customer.text)
    assert FUNCTION not in words(customer.text)
    work()
    assert contract(shop, sale).ended_on is None
    assert refunds(shop, policy) == ()
    assert mails(shop, "contract_withdrawn") == []


def test_a_second_click_and_a_form_that_is_not_from_the_page_change_nothing(
    shop: Flask, customer: Visitor, sale: Sale, work: Work
) -> None:
    policy = contract(shop, sale)
    path = f"/policies/{policy.id}/withdraw"
    customer.get(path)
    other = form_for(shop, customer, f"/policies/{policy.id}")
    assert customer.client.post(path, data=other).status_code == 409
    assert contract(shop, sale).ended_on is None
    form = form_for(shop, customer, path)
    assert [customer.client.post(path, data=form).status_code for _ in range(2)] == [303, 303]
    work()
    assert len(refunds(shop, policy)) == 1
    assert len(mails(shop, "contract_withdrawn")) == 1


@pytest.mark.requirement("EU-19", "O13-43")
def test_of_a_basket_one_contract_goes_back_and_the_others_stand(
    market: Flask, visitor: Visitor, basket: str, work: Work, code_for: Callable[[str], str]
) -> None:
    to_payment(visitor, basket, code_for)
    assert visitor.pay() is True
    work()
    with market.app_context():
        parts = applications.applications_of_basket(UUID(basket.rsplit("/", 1)[1]))
        left, *others = (policies.policy_of_application(each.id) for each in parts.values())
    withdraw_on_page(visitor, left)
    work()
    (refund,) = refunds(market, left)
    assert refund.amount == left.premium
    withdraw_on_page(visitor, others[0])
    work()
    assert sorted(each.amount.minor for each in refunds(market, left)) == sorted(
        [left.premium.minor, others[0].premium.minor]
    )
    with market.app_context():
        assert [policies.policy(each.id).ending for each in others] == [Ending.WITHDRAWN, None]
        assert payments.paid_for(others[1].id, others[1].premium.currency) == others[1].premium
