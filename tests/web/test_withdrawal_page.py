"""Withdrawing from a contract on its page: two clicks, everything back, written down, and not a day too late."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts.values import Account, Role
from marketplace.application import queries as applications
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel.money import Money
from marketplace.oversight import queries as oversight
from marketplace.oversight.queries.contradictions import contradictions
from marketplace.oversight.services import refresh_application
from marketplace.oversight.values import Sale, SaleFilter
from marketplace.payment import queries as payments
from marketplace.payment import services as payment
from marketplace.payment.values import LedgerAccount, NothingToRefund, Purpose, Refund, RefundReason, RefundState
from marketplace.policy import queries as policies
from marketplace.policy.values import CoverState, Ending, PaperKind, Policy
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from marketplace.web.sale_file import _money
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import a_member_of_staff
from tests.factories.evidence import asked
from tests.factories.payment import a_wish, at_the_refund_desk, two_needed
from tests.web.conftest import count, days_later, form_for, run_jobs
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
    with shop.app_context():
        checked = policies.check(policy.number, policy.check_code)
        assert checked is not None
        assert checked.state is CoverState.ENDED, "at once, not from tomorrow on"
    token = hidden_fields(customer.get(f"/policies/{policy.id}/evidence"))["csrf_token"]
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
    assert "Mail me the policy again" not in customer.get(f"/policies/{policy.id}")
    customer.client.post(f"/policies/{policy.id}/mail", data={"csrf_token": token})
    work()
    again = [each for each in mails(shop, "policy_issued") if "This contract has ended meanwhile" in each]
    assert len(again) == 1, "asked for all the same, it does not say that one may still change one's mind"
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
        staff = a_member_of_staff(Role.ADMIN_FINANCE), a_member_of_staff(Role.ADMIN_FINANCE)
        (paid,) = (each for each in payments.attempts_of(Purpose.NEW_BUSINESS, left.order_id) if each.succeeded_at)
        with two_needed():
            wish = a_wish(paid.id, staff[0].id, reason=RefundReason.OVERCHARGED)
        db.session.commit()
    withdraw_on_page(visitor, left)
    work()
    (refund,) = refunds(market, left)
    assert refund.amount == left.premium
    assert count(market, "screening_trace", "kind = 'refunded'") == 1, "one contract was left, not three"
    with market.app_context():
        with pytest.raises(NothingToRefund):
            payment.approve_wish(wish.id, at_the_refund_desk(staff[1].id))
        db.session.rollback()
        (stands,) = (each for each in oversight.sales(SaleFilter()).sales if each.policy_id == others[0].id)
        seen = list(_money(stands, others[0].insurer_id))
        assert [each.amount for each in seen] == [others[0].premium], "paid, and nothing went back of it"
    withdraw_on_page(visitor, others[0])
    work()
    assert sorted(each.amount.minor for each in refunds(market, left)) == sorted(
        [left.premium.minor, others[0].premium.minor]
    )
    with market.app_context():
        assert [policies.policy(each.id).ending for each in others] == [Ending.WITHDRAWN, None]
        assert payments.goes_back_of(others[1].id, others[1].premium.currency) == others[1].premium


@pytest.mark.requirement("EU-19", "O13-43")
def test_what_was_given_of_our_own_before_is_not_given_twice_and_the_insurer_keeps_nothing(
    shop: Flask, customer: Visitor, sale: Sale, work: Work
) -> None:
    policy = contract(shop, sale)
    goodwill = Money(2_000, policy.premium.currency)
    with shop.app_context():
        staff = a_member_of_staff(Role.ADMIN_FINANCE)
        (paid,) = (each for each in payments.attempts_of(Purpose.NEW_BUSINESS, policy.order_id) if each.succeeded_at)
        a_wish(paid.id, staff.id, amount=goodwill, reason=RefundReason.GOODWILL)
        db.session.commit()
    work()
    said = withdraw_on_page(customer, policy)
    assert "¥1,300.75 goes back to you" in said
    work()
    assert {(each.reason, each.amount) for each in refunds(shop, policy)} == {
        (RefundReason.GOODWILL, goodwill), (RefundReason.WITHDRAWN, policy.premium - goodwill),
    }  # fmt: skip
    (told,) = mails(shop, "contract_withdrawn")
    assert "¥1,300.75" in told
    with shop.app_context(), use_scope(Scope.all()):
        totals = {each.account: each.total.minor for each in payments.account_totals()}
        assert payments.transfer_of(policy.id).owed.minor == 0
        assert totals.get(LedgerAccount.GOODWILL, 0) == totals.get(LedgerAccount.INSURER_PAYABLE, 0) == 0
