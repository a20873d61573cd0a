"""Connected accounts: set up by their people, paid by transfers or by themselves, and asked for their money back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from tests.simulator.harness import Instant, Running, Shop, an_account, open_session, running, type_card, until

PAID_AT_ONCE = {"payment_method": "pm_card_bypassPending", "confirm": True}


def available(client: stripe.StripeClient, account: str = "") -> int:
    """What there is in yuan."""
    balance = client.v1.balance.retrieve(None, {"stripe_account": account} if account else None)
    return sum(line.amount for line in balance.available if line.currency == "cny")


def charged(client: stripe.StripeClient, amount: int, **params: Any) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create({"amount": amount, "currency": "cny", **PAID_AT_ONCE, **params})  # type: ignore[typeddict-item]


@pytest.fixture
def account(sim: Running) -> str:
    return an_account(sim)


def test_an_account_works_once_its_people_have_given_everything(sim: Running, client: stripe.StripeClient):
    account = client.v1.accounts.create(
        {"type": "express", "country": "SG", "capabilities": {"transfers": {"requested": True}}, "metadata": {"i": "7"}}
    )
    assert (account.charges_enabled, account.payouts_enabled, account.default_currency) == (False, False, "sgd")
    assert account.capabilities is not None
    assert account.capabilities.transfers == "inactive"
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        charged(client, 5000, transfer_data={"destination": account.id})
    assert refusal.value.code == "insufficient_capabilities_for_transfer"
    assert client.v1.payment_intents.list().data == []
    link = link_for(client, account.id)
    assert link.expires_at == int(sim.instant()) + 300
    assert requests.get(link.url, timeout=5).status_code == 200
    done = requests.post(link.url, data={"answer": "finish"}, timeout=5, allow_redirects=False)
    assert done.headers["Location"] == "http://localhost:8000/joined"
    account = client.v1.accounts.retrieve(account.id)
    assert (account.charges_enabled, account.payouts_enabled, account.details_submitted) == (True, True, True)
    assert account.requirements is not None
    assert account.requirements.currently_due == []
    assert charged(client, 5000, transfer_data={"destination": account.id}).status == "succeeded"


def test_a_link_to_change_what_stripe_collects_is_refused(client: stripe.StripeClient):
    asked = {"type": "account_update", "refresh_url": "http://a.test/", "return_url": "http://b.test/"}
    express = client.v1.accounts.create({"type": "express"}).id
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.account_links.create({"account": express, **asked})  # type: ignore[typeddict-item]
    assert refusal.value.param == "type"
    custom = client.v1.accounts.create({"type": "custom"}).id
    assert client.v1.account_links.create({"account": custom, **asked}).url  # type: ignore[typeddict-item]


def link_for(client: stripe.StripeClient, account: str) -> stripe.AccountLink:
    return client.v1.account_links.create(
        {
            "account": account,
            "type": "account_onboarding",
            "refresh_url": "http://localhost:8000/again",
            "return_url": "http://localhost:8000/joined",
        }
    )


def test_a_link_opens_once_and_for_five_minutes(sim: Running, client: stripe.StripeClient):
    account = client.v1.accounts.create({"type": "express"}).id
    link = link_for(client, account)
    assert requests.get(link.url, timeout=5).status_code == 200
    again = requests.get(link.url, timeout=5, allow_redirects=False)
    assert again.headers["Location"] == "http://localhost:8000/again"
    late = link_for(client, account)
    sim.instant.pass_by(300)
    for method in ("GET", "POST"):
        answer = requests.request(method, late.url, data={"answer": "finish"}, timeout=5, allow_redirects=False)
        assert answer.headers["Location"] == "http://localhost:8000/again"
    assert requests.get(f"{sim.url}/setup/{account}/guessed", timeout=5).status_code == 404
    assert client.v1.accounts.retrieve(account).charges_enabled is False


def test_leaving_the_page_leaves_the_account_as_it_was(client: stripe.StripeClient):
    account = client.v1.accounts.create({"type": "express"}).id
    requests.post(link_for(client, account).url, data={"answer": "leave"}, timeout=5, allow_redirects=False)
    assert client.v1.accounts.retrieve(account).details_submitted is False


def test_a_destination_charge_splits_the_money_and_a_refund_brings_back_its_share(
    client: stripe.StripeClient, account: str
):
    paid = charged(client, 10_000, application_fee_amount=1_500, transfer_data={"destination": account})
    charge = client.v1.charges.retrieve(str(paid.latest_charge), {"expand": ["transfer.destination_payment"]})
    assert isinstance(charge.transfer, stripe.Transfer)
    assert (charge.transfer.amount, charge.transfer.destination) == (10_000, account)
    assert charge.transfer.source_transaction == charge.id
    fee = client.v1.application_fees.retrieve(str(charge.application_fee))
    assert (fee.amount, fee.account, fee.originating_transaction) == (1_500, account, charge.id)
    stripe_fee = 320  # 2.9 % and 30
    assert (available(client), available(client, account)) == (10_000 - stripe_fee - 10_000 + 1_500, 8_500)

    refund = client.v1.refunds.create(
        {"charge": charge.id, "amount": 4_000, "reverse_transfer": True, "refund_application_fee": True}
    )
    transfer = client.v1.transfers.retrieve(charge.transfer.id)
    assert (transfer.amount_reversed, transfer.reversed) == (4_000, False)
    assert [(r.amount, r.source_refund) for r in transfer.reversals.data] == [(4_000, refund.id)]
    assert refund.transfer_reversal == transfer.reversals.data[0].id
    assert client.v1.application_fees.retrieve(fee.id).amount_refunded == 600
    assert (available(client), available(client, account)) == (1_180 - 4_000 + 4_000 - 600, 8_500 - 4_000 + 600)

    client.v1.refunds.create({"charge": charge.id, "reverse_transfer": True, "refund_application_fee": True})
    assert client.v1.transfers.retrieve(charge.transfer.id).reversed
    assert client.v1.application_fees.retrieve(fee.id).refunded
    assert (available(client), available(client, account)) == (-stripe_fee, 0)


def test_without_asking_a_refund_comes_from_the_platform_alone(client: stripe.StripeClient, account: str):
    paid = charged(client, 10_000, application_fee_amount=1_500, transfer_data={"destination": account})
    client.v1.refunds.create({"payment_intent": paid.id})
    assert available(client, account) == 8_500
    assert client.v1.transfers.list().data[0].amount_reversed == 0


def test_thirds_of_a_yuan_add_up_in_the_end(client: stripe.StripeClient, account: str):
    paid = charged(client, 1_000, application_fee_amount=101, transfer_data={"destination": account})
    for amount in (333, 333, 334):
        client.v1.refunds.create(
            {"payment_intent": paid.id, "amount": amount, "reverse_transfer": True, "refund_application_fee": True}
        )
    fee = client.v1.application_fees.list().data[0]
    assert (fee.amount_refunded, fee.refunded) == (101, True)
    assert [refund.amount for refund in fee.refunds.data] == [33, 34, 34]
    assert available(client, account) == 0


def test_a_session_can_pay_an_account(sim: Running, client: stripe.StripeClient, account: str):
    terms = {"application_fee_amount": 8_400, "transfer_data": {"destination": account}, "on_behalf_of": account}
    session = open_session(client, payment_intent_data=terms)
    type_card(str(session.url))
    charge = client.v1.charges.list({"expand": ["data.transfer_data.destination"]}).data[0]
    assert charge.transfer_data is not None
    assert isinstance(charge.transfer_data.destination, stripe.Account)
    assert charge.on_behalf_of == account
    assert available(client, account) == 0  # pending for two days, here and there
    sim.instant.pass_by(2 * 86_400)
    assert available(client, account) == 120_000


@pytest.mark.parametrize(
    ("terms", "param"),
    [
        ({"application_fee_amount": 100}, "application_fee_amount"),
        ({"application_fee_amount": 501, "transfer_data": {"destination": "ACCOUNT"}}, "application_fee_amount"),
        (
            {"application_fee_amount": 5, "transfer_data": {"destination": "ACCOUNT", "amount": 5}},
            "application_fee_amount",
        ),
        ({"transfer_data": {"destination": "ACCOUNT", "amount": 501}}, "transfer_data[amount]"),
        ({"transfer_data": {"destination": "acct_unknown"}}, "transfer_data[destination]"),
        ({"on_behalf_of": "acct_unknown"}, "on_behalf_of"),
    ],
)
def test_terms_that_do_not_go_together_move_nothing(
    client: stripe.StripeClient, account: str, terms: dict[str, Any], param: str
):
    if "transfer_data" in terms:
        destination = terms["transfer_data"]["destination"].replace("ACCOUNT", account)
        terms = terms | {"transfer_data": terms["transfer_data"] | {"destination": destination}}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        charged(client, 500, **terms)
    assert refusal.value.param == param
    assert client.v1.payment_intents.list().data == []
    assert client.v1.transfers.list().data == []


def test_one_basket_is_split_between_two_accounts(sim: Running, client: stripe.StripeClient, account: str):
    other = an_account(sim)
    paid = charged(client, 10_000, transfer_group="order_7")
    first = client.v1.transfers.create(
        {"amount": 6_000, "currency": "cny", "destination": account, "source_transaction": str(paid.latest_charge)}
    )
    assert first.transfer_group == "order_7"
    client.v1.transfers.create(
        {"amount": 3_000, "currency": "cny", "destination": other, "transfer_group": "order_7", "metadata": {"o": "7"}}
    )
    listed = client.v1.transfers.list({"transfer_group": "order_7"}).data
    assert [(t.destination, t.amount) for t in listed] == [(other, 3_000), (account, 6_000)]
    assert (available(client), available(client, account), available(client, other)) == (680, 6_000, 3_000)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.transfers.create({"amount": 681, "currency": "cny", "destination": other})
    assert refusal.value.code == "balance_insufficient"
    with pytest.raises(stripe.InvalidRequestError, match="4000 of 10000 are left"):
        client.v1.transfers.create(
            {"amount": 4_001, "currency": "cny", "destination": other, "source_transaction": str(paid.latest_charge)}
        )
    assert len(client.v1.transfers.list().data) == 2


def test_a_transfer_comes_back_in_parts_while_the_money_is_there(client: stripe.StripeClient, account: str):
    charged(client, 10_000)
    transfer = client.v1.transfers.create({"amount": 6_000, "currency": "cny", "destination": account})
    reversal = client.v1.transfers.reversals.create(transfer.id, {"amount": 1_000, "metadata": {"why": "void"}})
    assert reversal.transfer == transfer.id
    client.v1.payouts.create({"amount": 4_000, "currency": "cny"}, {"stripe_account": account})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.transfers.reversals.create(transfer.id, {"amount": 1_001})
    assert refusal.value.code == "balance_insufficient"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unreversed"):
        client.v1.transfers.reversals.create(transfer.id, {"amount": 5_001})
    client.v1.transfers.reversals.create(transfer.id, {"amount": 1_000})
    assert client.v1.transfers.retrieve(transfer.id).amount_reversed == 2_000
    assert [r.amount for r in client.v1.transfers.reversals.list(transfer.id).data] == [1_000, 1_000]
    assert available(client, account) == 0


def test_a_restricted_account_is_paid_nothing_until_it_is_in_order(
    sim: Running, client: stripe.StripeClient, account: str
):
    put(sim, account, "restricted")
    known = client.v1.accounts.retrieve(account)
    assert known.requirements is not None
    assert (known.payouts_enabled, known.requirements.disabled_reason) == (False, "requirements.past_due")
    with pytest.raises(stripe.InvalidRequestError):
        charged(client, 500, transfer_data={"destination": account})
    with pytest.raises(stripe.InvalidRequestError, match="not enabled"):
        client.v1.payouts.create({"amount": 100, "currency": "cny"}, {"stripe_account": account})
    put(sim, account, "in_good_standing")
    assert charged(client, 500, transfer_data={"destination": account}).status == "succeeded"
    client.v1.accounts.reject(account, {"reason": "fraud"})
    assert client.v1.accounts.retrieve(account).charges_enabled is False


def put(sim: Running, account: str, state: str) -> None:
    url = f"{sim.url}/_simulator/accounts/{account}"
    requests.post(url, json={"state": state}, timeout=5).raise_for_status()


def test_events_of_accounts_go_to_those_who_asked_for_them(
    database: Path, instant: Instant, open_shop: Callable[[], Shop]
):
    everything, own, theirs = open_shop(), open_shop(), open_shop()
    with running(database, instant, webhook_url=everything.url, webhook_secret="whsec_x") as sim:
        client = sim.client
        client.v1.webhook_endpoints.create({"url": own.url, "enabled_events": ["*"]})
        client.v1.webhook_endpoints.create({"url": theirs.url, "enabled_events": ["*"], "connect": True})
        sim.simulator.start_deliveries()
        account = client.v1.accounts.create({"type": "express"}).id
        client.v1.customers.create()
        everything.wait_for(2)
        own.wait_for(1)
        theirs.wait_for(1)
        until(lambda: client.v1.events.list({"delivery_success": False}).data == [])
        assert set(everything.types()) == {"account.updated", "customer.created"}
        assert own.types() == ["customer.created"]
        assert [(event["type"], event["account"]) for event in theirs.events()] == [("account.updated", account)]
        assert [e.type for e in client.v1.events.list().data] == ["customer.created"]
        assert [e.type for e in client.v1.events.list(None, {"stripe_account": account}).data] == ["account.updated"]


def test_accounts_see_their_own_and_nobody_elses(sim: Running, client: stripe.StripeClient, account: str):
    other = an_account(sim)
    paid = charged(client, 10_000, transfer_data={"destination": account})
    theirs = client.v1.charges.list(None, {"stripe_account": account}).data
    assert [charge.amount for charge in theirs] == [10_000]
    assert client.v1.charges.list(None, {"stripe_account": other}).data == []
    for charge, options in ((theirs[0].id, {}), (str(paid.latest_charge), {"stripe_account": account})):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            client.v1.charges.retrieve(charge, None, options)  # type: ignore[arg-type]
        assert refusal.value.code == "resource_missing"
    with pytest.raises(stripe.PermissionError) as stranger:
        client.v1.balance.retrieve(None, {"stripe_account": "acct_unknown"})
    assert stranger.value.json_body["error"]["code"] == "account_invalid"
    with pytest.raises(stripe.InvalidRequestError, match="on behalf of a connected account"):
        client.v1.customers.create(None, {"stripe_account": account})
    assert client.v1.customers.list().data == []


def test_the_same_key_on_two_accounts_is_two_requests(sim: Running, client: stripe.StripeClient, account: str):
    charged(client, 10_000, transfer_data={"destination": account, "amount": 5_000})
    params = {"amount": 100, "currency": "cny"}
    here = client.v1.payouts.create(params, {"idempotency_key": "k"})  # type: ignore[arg-type]
    there = client.v1.payouts.create(params, {"idempotency_key": "k", "stripe_account": account})  # type: ignore[arg-type]
    again = client.v1.payouts.create(params, {"idempotency_key": "k", "stripe_account": account})  # type: ignore[arg-type]
    assert here.id != there.id == again.id
