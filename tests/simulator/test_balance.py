"""The books: every movement of money is written down, and they add up."""

from collections import Counter

import pytest
import stripe

from tests.simulator.harness import Running, paid_session


def lines(client: stripe.StripeClient) -> dict[str, dict[str, int]]:
    balance = client.v1.balance.retrieve()
    return {
        "available": {line.currency: line.amount for line in balance.available},
        "pending": {line.currency: line.amount for line in balance.pending},
    }


def pay(client: stripe.StripeClient, amount: int, currency: str, alias: str = "visa") -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {"amount": amount, "currency": currency, "payment_method": f"pm_card_{alias}", "confirm": True}
    )


def test_a_charge_is_pending_for_two_days_less_its_fee(sim: Running, client: stripe.StripeClient):
    session = paid_session(client)
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    charge = session.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    movement = client.v1.balance_transactions.retrieve(str(charge.balance_transaction), {"expand": ["source"]})
    assert (movement.amount, movement.fee, movement.net) == (128_400, 3_754, 124_646)
    assert [(detail.amount, detail.type) for detail in movement.fee_details] == [(3_754, "stripe_fee")]
    assert (movement.type, movement.reporting_category, movement.status) == ("charge", "charge", "pending")
    assert isinstance(movement.source, stripe.Charge)
    assert lines(client) == {"available": {"cny": 0}, "pending": {"cny": 124_646}}
    midnight = int(sim.instant()) // 86_400 * 86_400
    assert movement.available_on == midnight + 2 * 86_400
    sim.instant.pass_by(movement.available_on - sim.instant() - 1)
    assert lines(client)["pending"] == {"cny": 124_646}
    sim.instant.pass_by(1)
    assert lines(client) == {"available": {"cny": 124_646}, "pending": {"cny": 0}}
    assert client.v1.balance_transactions.retrieve(movement.id).status == "available"


@pytest.mark.parametrize(
    ("currency", "amount", "fee"),
    [("cny", 10_000, 320), ("jpy", 10_000, 320), ("kwd", 100_000, 3_200), ("cny", 20, 20)],
)
def test_the_fee_is_a_share_and_a_fixed_part_and_never_more_than_the_money(
    client: stripe.StripeClient, currency: str, amount: int, fee: int
):
    pay(client, amount, currency)
    assert [(m.amount, m.fee) for m in client.v1.balance_transactions.list().data] == [(amount, fee)]


def test_a_refund_leaves_the_fee_with_stripe(client: stripe.StripeClient):
    client.v1.refunds.create({"payment_intent": pay(client, 10_000, "cny", "bypassPending").id})
    refund, charge = client.v1.balance_transactions.list().data
    assert (refund.type, refund.amount, refund.fee) == ("refund", -10_000, 0)
    assert charge.net + refund.net == -320
    assert lines(client)["available"] == {"cny": -320}


def test_the_balance_is_the_sum_of_all_movements(sim: Running, client: stripe.StripeClient):
    for currency in ("cny", "eur", "cny"):
        for alias in ("visa", "bypassPending", "bypassPending", "refundFail"):
            bought = pay(client, 7_770, currency, alias)
            client.v1.refunds.create({"payment_intent": bought.id, "amount": 1_110})
    pay(client, 7_770, "cny", "createDispute")
    client.v1.payouts.create({"amount": 1_000, "currency": "eur"})
    sim.instant.pass_by(3 * 86_400)
    totals: Counter[str] = Counter()
    for movement in client.v1.balance_transactions.list({"limit": 7}).auto_paging_iter():
        assert movement.net == movement.amount - movement.fee
        totals[movement.currency] += movement.net
    shown = lines(client)
    assert {code: shown["available"][code] + shown["pending"][code] for code in totals} == dict(totals)


def test_movements_are_found_by_kind_currency_and_source(client: stripe.StripeClient):
    bought = pay(client, 10_000, "cny")
    pay(client, 10_000, "eur")
    refund = client.v1.refunds.create({"payment_intent": bought.id, "amount": 5})
    listed = client.v1.balance_transactions.list
    assert [m.source for m in listed({"type": "refund"}).data] == [refund.id]
    assert [m.currency for m in listed({"currency": "eur"}).data] == ["eur"]
    assert [m.type for m in listed({"source": str(bought.latest_charge)}).data] == ["charge"]


def test_a_payout_leaves_at_once_and_arrives_later(sim: Running, client: stripe.StripeClient):
    pay(client, 10_000, "cny", "bypassPending")
    payout = client.v1.payouts.create({"amount": 9_000, "currency": "cny", "metadata": {"week": "47"}})
    assert (payout.status, payout.arrival_date) == ("pending", int(sim.instant()) + 10)
    assert lines(client)["available"] == {"cny": 680}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payouts.create({"amount": 681, "currency": "cny"})
    assert refusal.value.code == "balance_insufficient"
    sim.instant.pass_by(10)
    assert [p.id for p in client.v1.payouts.list({"status": "paid"}).data] == [payout.id]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.cancel(payout.id)
    found = client.v1.balance_transactions.list({"payout": payout.id}).data
    assert [(m.type, m.amount) for m in found] == [("payout", -9_000)]


def test_a_canceled_payout_comes_back_and_never_arrives(sim: Running, client: stripe.StripeClient):
    pay(client, 10_000, "cny", "bypassPending")
    payout = client.v1.payouts.create({"amount": 9_000, "currency": "cny"})
    assert client.v1.payouts.cancel(payout.id).status == "canceled"
    assert lines(client)["available"] == {"cny": 9_680}
    sim.instant.pass_by(10)
    assert client.v1.payouts.retrieve(payout.id).status == "canceled"


@pytest.mark.parametrize("currency", ["huf", "twd"])
def test_some_currencies_are_paid_out_in_whole_units(client: stripe.StripeClient, currency: str):
    pay(client, 20_045, currency, "bypassPending")
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payouts.create({"amount": 1_045, "currency": currency})
    assert refusal.value.param == "amount"
    assert client.v1.payouts.create({"amount": 1_000, "currency": currency}).amount == 1_000
    assert len(client.v1.payouts.list().data) == 1
