"""Money back: all of it, some of it, never more than was paid."""

import pytest
import stripe

from tests.simulator.harness import Running, open_session, paid_session, type_card


def payment_of(session: stripe.checkout.Session) -> str:
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    return session.payment_intent.id


def test_all_of_it_comes_back(client: stripe.StripeClient):
    payment = payment_of(paid_session(client))
    refund = client.v1.refunds.create(
        {"payment_intent": payment, "reason": "requested_by_customer", "metadata": {"policy": "p"}}
    )
    assert (refund.status, refund.amount, refund.currency) == ("succeeded", 128_400, "cny")
    assert refund.metadata is not None
    assert refund.metadata.to_dict() == {"policy": "p"}
    charge = client.v1.charges.list({"payment_intent": payment}).data[0]
    assert (charge.refunded, charge.amount_refunded) == (True, 128_400)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"charge": charge.id})
    assert refusal.value.code == "charge_already_refunded"
    assert [r.id for r in client.v1.refunds.list({"payment_intent": payment}).data] == [refund.id]


def test_parts_come_back_until_nothing_is_left(client: stripe.StripeClient):
    payment = payment_of(paid_session(client))
    client.v1.refunds.create({"payment_intent": payment, "amount": 28_400})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"payment_intent": payment, "amount": 100_001})
    assert refusal.value.param == "amount"
    assert refusal.value.user_message == (
        "Refund amount (1000.01 CNY) is greater than unrefunded amount on charge (1000.00 CNY)"
    )
    assert client.v1.charges.list({"payment_intent": payment}).data[0].amount_refunded == 28_400
    rest = client.v1.refunds.create({"payment_intent": payment})
    assert rest.amount == 100_000
    charge = client.v1.charges.list({"payment_intent": payment, "expand": ["data.refunds"]}).data[0]
    assert charge.refunded
    assert charge.refunds is not None
    assert [r.amount for r in charge.refunds.data] == [100_000, 28_400]
    kinds = [e.type for e in client.v1.events.list({"types": ["refund.created", "charge.refunded"]}).data]
    assert kinds == ["charge.refunded", "refund.created"] * 2


def test_an_unpaid_session_has_nothing_to_refund(client: stripe.StripeClient):
    session = open_session(client)
    type_card(str(session.url), "4000000000000002")
    intent = client.v1.payment_intents.list().data[0]
    for target in ({"payment_intent": intent.id}, {"charge": str(intent.latest_charge)}):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.refunds.create(target)
    assert client.v1.refunds.list().data == []


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 400),
        ({"payment_intent": "pi_x"}, 404),
        ({"charge": "ch_x"}, 404),
        ({"charge": "a", "payment_intent": "b"}, 400),
    ],
)
def test_a_refund_of_nothing_is_refused(client: stripe.StripeClient, params: dict, status: int):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create(params)
    assert refusal.value.http_status == status
    assert client.v1.refunds.list().data == []


def bought(client: stripe.StripeClient, alias: str) -> str:
    params = {"amount": 5000, "currency": "cny", "payment_method": f"pm_card_{alias}", "confirm": True}
    return client.v1.payment_intents.create(params).id  # type: ignore[arg-type]


def test_a_refund_can_take_its_time(sim: Running, client: stripe.StripeClient):
    refund = client.v1.refunds.create({"payment_intent": bought(client, "pendingRefund")})
    assert refund.status == "pending"
    assert client.v1.charges.list().data[0].refunded
    sim.instant.pass_by(10)
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
    kinds = [event.type for event in client.v1.events.list().data]
    assert kinds[:2] == ["charge.refund.updated", "refund.updated"]


def test_a_refund_can_fail_after_all_and_be_tried_again(sim: Running, client: stripe.StripeClient):
    payment = bought(client, "refundFail")
    refund = client.v1.refunds.create({"payment_intent": payment, "amount": 2000})
    assert refund.status == "succeeded"
    sim.instant.pass_by(10)
    failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "unknown")
    assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
    assert failed.failure_balance_transaction.amount == 2000
    charge = client.v1.charges.list().data[0]
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert client.v1.events.list({"type": "refund.failed"}).data[0].data.object["id"] == refund.id
    assert client.v1.refunds.create({"payment_intent": payment}).amount == 5000


def test_a_refund_keeps_new_words(client: stripe.StripeClient):
    refund = client.v1.refunds.create({"payment_intent": bought(client, "visa"), "metadata": {"a": "1", "b": "2"}})
    changed = client.v1.refunds.update(refund.id, {"metadata": {"a": "", "c": "3"}})
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"b": "2", "c": "3"}
