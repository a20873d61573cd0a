"""The shop and the simulator count money alike, and Stripe's special cases are held."""

import pytest
import stripe

from marketplace.kernel import money
from sandbox.stripe_simulator import currencies
from tests.simulator.harness import open_session


def test_the_shop_counts_every_currency_as_the_payment_service_does():
    ours = {code: money.minor_digits(code.upper()) for code in currencies.CURRENCIES}
    assert ours == {code: currencies.minor_digits(code) for code in currencies.CURRENCIES}
    assert {code for code, digits in ours.items() if digits == 0} == {
        "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf",
    }  # fmt: skip
    assert {code for code, digits in ours.items() if digits == 3} == {"bhd", "jod", "kwd", "omr", "tnd"}


@pytest.mark.parametrize(
    ("currency", "good", "bad"),
    [("isk", 500, 550), ("ugx", 100, 101), ("kwd", 5120, 5124), ("huf", 20_045, None), ("twd", 80_045, None)],
)
def test_an_amount_a_currency_cannot_have_is_refused(
    client: stripe.StripeClient, currency: str, good: int, bad: int | None
):
    assert client.v1.payment_intents.create({"amount": good, "currency": currency}).amount == good
    if bad is None:
        return
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.create({"amount": bad, "currency": currency})
    assert refusal.value.param == "amount"
    price = {"currency": currency, "unit_amount": bad, "product_data": {"name": "Cover"}}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_session(client, line_items=[{"quantity": 1, "price_data": price}])
    assert refusal.value.param == "line_items"
    assert len(client.v1.payment_intents.list().data) == 1
    assert client.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize(
    ("currency", "least"), [("usd", 50), ("gbp", 30), ("hkd", 400), ("jpy", 50), ("huf", 17_500), ("cny", 1)]
)
def test_less_than_is_worth_the_fee_is_not_charged(client: stripe.StripeClient, currency: str, least: int):
    def items(amount: int) -> list[dict]:
        price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Cover"}}
        return [{"quantity": 1, "price_data": price}]

    assert open_session(client, line_items=items(least)).amount_total == least
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_session(client, line_items=items(least - 1))
    assert refusal.value.code == "amount_too_small"
    assert len(client.v1.checkout.sessions.list().data) == 1


def test_a_refund_may_be_of_less(client: stripe.StripeClient):
    paid = client.v1.payment_intents.create(
        {"amount": 50, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    )
    assert client.v1.refunds.create({"payment_intent": paid.id, "amount": 1}).amount == 1


def test_a_refund_keeps_to_the_same_rule(client: stripe.StripeClient):
    paid = client.v1.payment_intents.create(
        {"amount": 5000, "currency": "kwd", "payment_method": "pm_card_visa", "confirm": True}
    )
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 1234})
    assert refusal.value.param == "amount"
    assert client.v1.refunds.create({"payment_intent": paid.id, "amount": 1230}).amount == 1230
