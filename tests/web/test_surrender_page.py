"""Ending a contract early on its page: what goes back is said and how it is made, one button, written down, mailed."""

from collections.abc import Callable
from uuid import UUID

import pytest
from flask import Flask

from marketplace.accounts.values import Account
from marketplace.infra.db import Scope, use_scope
from marketplace.kernel.money import Money
from marketplace.oversight.queries.contradictions import contradictions
from marketplace.oversight.services import refresh_application
from marketplace.oversight.values import Sale
from marketplace.payment import queries as payments
from marketplace.payment.values import LedgerAccount, RefundReason, RefundState
from marketplace.policy import queries as policies
from marketplace.policy.values import CoverState, Ending, PaperKind
from marketplace.traceability import queries as trail
from marketplace.traceability.values import EntryType
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.evidence import asked
from tests.web.conftest import NothingWritten, days_later, form_for, run_jobs
from tests.web.test_withdrawal_page import contract, mails, refunds

Work = Callable[[], list[str]]
FUNCTION = "End this contract early"
VALUE = Money(6_604, "CNY")
"""Five per cent of 1,320.75, rounded up: what Harbour Term is worth in its first year."""


def surrender_on_page(customer: Visitor, path: str) -> str:
    """The two clicks of whoever stands on the page of the contract."""
    assert f'href="{path}/end"' in customer.get(path)
    customer.get(f"{path}/end")
    customer.post({})
    return words(customer.text)


@pytest.fixture
def path(shop: Flask, customer: Visitor, sale: Sale) -> str:
    """The page of a contract from which one cannot withdraw any more."""
    days_later(shop, 16)
    return f"/policies/{sale.policy_id}"


@pytest.mark.requirement("O13-35", "PER-08", "N108-05")
def test_two_clicks_end_the_contract_and_its_value_goes_back(
    shop: Flask, customer: Visitor, sale: Sale, path: str, work: Work
) -> None:
    policy = contract(shop, sale)
    said = words(customer.get(path))
    assert "Ended today, ¥66.04 goes back to you." in said
    assert "Withdraw from this contract" not in said
    page = words(customer.get(f"{path}/end"))
    assert "In the first year of cover: 5% of the ¥1,320.75 that you paid, which is ¥66.04" in page
    assert "You may end the contract at any time and receive the cash value" in page, "as its insurer has it"
    said = surrender_on_page(customer, path)
    assert "and ¥66.04 goes back to you. We confirm it by mail" in said
    assert "You ended this contract early, on" in said
    assert FUNCTION not in said
    work()
    after = contract(shop, sale)
    assert (after.ending, after.version) == (Ending.SURRENDERED, policy.version), "what was concluded stays as it was"
    (refund,) = refunds(shop, policy)
    assert (refund.reason, refund.amount, refund.state) == (RefundReason.SURRENDERED, VALUE, RefundState.SUCCEEDED)
    (told,) = mails(shop, "contract_surrendered")
    assert f"Harbour Term, number {policy.number}.”" in told
    assert "5% of the ¥1,320.75 that you paid, which is ¥66.04." in told
    assert len(mails(shop, "refund_made")) == 1
    with shop.app_context():
        checked = policies.check(policy.number, policy.check_code)
        assert checked is not None
        assert checked.state is not CoverState.ENDED, "it is covered to the end of the day"
    days_later(shop, 17)
    with shop.app_context(), use_scope(Scope.all()):
        checked = policies.check(policy.number, policy.check_code)
        assert checked is not None
        assert checked.state is CoverState.ENDED
        letters = [each for each in policies.papers_of_order(policy.order_id) if each.kind is PaperKind.REFUND_LETTER]
        assert [each.sha256 is not None for each in letters] == [True]
        totals = {each.account: each.total.minor for each in payments.account_totals()}
        owed = payments.transfer_of(policy.id).owed
        assert totals[LedgerAccount.INSURER_PAYABLE] == -owed.minor < 0, "the rest stays with its insurer"
        refresh_application(policy.application_id)
        assert list(contradictions()) == []


@pytest.mark.usefixtures("no_browser")
@pytest.mark.requirement("O13-38", "T26-41")
def test_the_record_says_who_confirmed_it_on_which_page_and_its_evidence_verifies(
    shop: Flask, customer: Visitor, path: str, compliance: Account, into_the_log: Callable[[], int]
) -> None:
    with shop.app_context():
        policy = policies.policy(UUID(path.rsplit("/", 1)[1]))
    surrender_on_page(customer, path)
    run_jobs(shop)
    with shop.app_context(), use_scope(Scope.all()):
        entries = trail.entries_of_application(policy.application_id)
        (confirmed,) = (each for each in entries if each.type is EntryType.SURRENDER_CONFIRMED)
        (ended,) = (each for each in entries if each.type is EntryType.CONTRACT_ENDED)
        assert confirmed.page_version_id is not None
        assert confirmed.actor.account_id == ended.actor.account_id == policy.account_id
        assert (confirmed.body["amount"], ended.body["ending"]) == (VALUE.minor, "surrendered")
    with shop.app_context():
        into_the_log()
        bundle = asked(policy.application_id, compliance)
        assert (bundle.verified, bundle.failure) == (True, None)


def test_a_second_click_and_forms_that_are_not_from_the_page_change_nothing(
    shop: Flask, customer: Visitor, sale: Sale, path: str, work: Work
) -> None:
    policy = contract(shop, sale)
    form = hidden_fields(customer.get(f"{path}/end"))
    assert form["amount"] == str(VALUE.minor)
    other = form_for(shop, customer, path)
    assert customer.client.post(f"{path}/end", data=other).status_code == 409
    for amount in ("6605", "-1", "all of it", "", "٦٦٠٤", "9" * 5_000):
        assert customer.client.post(f"{path}/end", data=form | {"amount": amount}).status_code == 303
    without = {name: value for name, value in form.items() if name != "amount"}
    assert customer.client.post(f"{path}/end", data=without).status_code == 303
    assert "Another amount goes back to you than the one you read." in words(customer.get(path))
    assert contract(shop, sale).ended_on is None
    assert [customer.client.post(f"{path}/end", data=form).status_code for _ in range(2)] == [303, 303]
    work()
    assert len(refunds(shop, policy)) == 1
    assert len(mails(shop, "contract_surrendered")) == 1


@pytest.mark.requirement("PER-08")
def test_within_the_cooling_off_period_it_is_not_offered(
    shop: Flask, customer: Visitor, sale: Sale, nothing_written: NothingWritten
) -> None:
    path = f"/policies/{sale.policy_id}"
    assert f"{path}/end" not in customer.get(path)
    with nothing_written():
        customer.client.post(f"{path}/end", data=form_for(shop, customer, path))
    assert contract(shop, sale).ended_on is None
