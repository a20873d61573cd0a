"""Alipay and WeChat Pay: led away, asked there, paid at once, later or never; money back takes its time."""

import pytest
import requests
import stripe

from tests.simulator.harness import Running, open_session, page_of, words_of


def choose(session: stripe.checkout.Session, kind: str, **fields: str) -> requests.Response:
    """Press the wallet's button on the payment page."""
    form = {"email": "wang@example.com", "method": kind} | fields
    return requests.post(str(session.url), data=form, timeout=5, allow_redirects=False)


def answer(page: str, what: str) -> requests.Response:
    return requests.post(page, data={"answer": what}, timeout=5, allow_redirects=False)


def now(client: stripe.StripeClient, session: stripe.checkout.Session) -> tuple[str | None, str, str]:
    """(session, payment, intent) as they stand."""
    found = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(found.payment_intent, stripe.PaymentIntent)
    return found.status, found.payment_status, found.payment_intent.status


def test_the_page_offers_the_wallets_that_take_the_currency(client: stripe.StripeClient):
    assert open_session(client).payment_method_types == ["card", "alipay", "wechat_pay"]
    tree = page_of(requests.get(str(open_session(client, locale="zh").url), timeout=5))
    assert "用支付宝付款" in words_of(tree)
    assert "用微信支付付款" in words_of(tree)
    price = {"currency": "pln", "unit_amount": 500, "product_data": {"name": "Cover"}}
    polish = open_session(client, line_items=[{"quantity": 1, "price_data": price}])
    assert polish.payment_method_types == ["card"]
    assert "Alipay" not in words_of(page_of(requests.get(str(polish.url), timeout=5)))
    assert choose(polish, "alipay").status_code == 400
    assert client.v1.payment_intents.list().data == []


def test_alipay_leads_away_and_back_paid(sim: Running, client: stripe.StripeClient):
    session = open_session(client, locale="en")
    led = choose(session, "alipay")
    intent = client.v1.payment_intents.list().data[0]
    assert (led.status_code, led.headers["Location"]) == (303, f"{sim.url}/wallet/{intent.id}")
    assert now(client, session) == ("open", "unpaid", "requires_action")
    page = requests.get(led.headers["Location"], timeout=5)
    assert "Confirm the payment in Alipay" in words_of(page_of(page))
    assert "CN¥1,284.00" in words_of(page_of(page))
    assert page.headers["Content-Security-Policy"].endswith(f"form-action 'self' {sim.url} http://localhost:8000")
    back = answer(led.headers["Location"], "confirm")
    assert back.headers["Location"] == f"http://localhost:8000/back?session={session.id}"
    assert now(client, session) == ("complete", "paid", "succeeded")
    charge = client.v1.charges.list().data[0]
    assert charge.id.startswith("py_")
    assert charge.payment_method_details is not None
    assert (charge.payment_method_details.type, charge.status, charge.amount) == ("alipay", "succeeded", 128_400)
    assert answer(led.headers["Location"], "confirm").status_code == 410
    assert len(client.v1.charges.list().data) == 1


def test_wechat_pay_shows_a_code_and_goes_on_when_it_was_scanned(sim: Running, client: stripe.StripeClient):
    session = open_session(client, locale="zh")
    led = choose(session, "wechat_pay").headers["Location"]
    tree = page_of(requests.get(led, timeout=5))
    assert "扫描二维码支付 ¥1,284.00" in words_of(tree)
    picture = next(tree.iter("{http://www.w3.org/1999/xhtml}img"))
    assert picture.get("src").startswith("data:image/svg+xml")
    assert picture.get("alt") == "用微信扫描的二维码"
    phone = led.removesuffix("/code")
    for extension, begins in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        assert requests.get(f"{led}.{extension}", timeout=5).content.startswith(begins)
    assert answer(phone, "confirm").status_code == 303
    done = requests.get(led, timeout=5, allow_redirects=False)
    assert done.headers["Location"] == f"http://localhost:8000/back?session={session.id}"
    assert now(client, session) == ("complete", "paid", "succeeded")


def test_money_that_comes_later_is_waited_for(sim: Running, client: stripe.StripeClient):
    session = open_session(client)
    wallet = choose(session, "alipay").headers["Location"]
    assert answer(wallet, "later").headers["Location"].endswith(session.id)
    assert now(client, session) == ("complete", "unpaid", "processing")
    assert [charge.status for charge in client.v1.charges.list().data] == ["pending"]
    assert client.v1.balance_transactions.list().data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"charge": client.v1.charges.list().data[0].id})
    sim.instant.pass_by(9)
    assert now(client, session)[2] == "processing"
    sim.instant.pass_by(1)
    assert now(client, session) == ("complete", "paid", "succeeded")
    assert [charge.status for charge in client.v1.charges.list().data] == ["succeeded"]
    assert [event.type for event in client.v1.events.list().data][:4] == [
        "checkout.session.async_payment_succeeded",
        "payment_intent.succeeded",
        "charge.succeeded",
        "checkout.session.completed",
    ]


def test_money_that_never_comes_is_told_too(sim: Running, client: stripe.StripeClient):
    session = open_session(client)
    answer(choose(session, "wechat_pay").headers["Location"].removesuffix("/code"), "never")
    sim.instant.pass_by(10)
    assert now(client, session) == ("complete", "unpaid", "requires_payment_method")
    assert [charge.status for charge in client.v1.charges.list().data] == ["failed"]
    assert client.v1.balance_transactions.list().data == []
    assert client.v1.events.list().data[0].type == "checkout.session.async_payment_failed"


def test_what_was_refused_there_can_be_paid_by_card(client: stripe.StripeClient):
    session = open_session(client, locale="en")
    back = answer(choose(session, "alipay").headers["Location"], "refuse").headers["Location"]
    assert "The payment was not confirmed there." in words_of(page_of(requests.get(back, timeout=5)))
    assert now(client, session) == ("open", "unpaid", "requires_payment_method")
    card = {"email": "a@example.com", "number": "4242424242424242", "expiry": "12/34", "cvc": "123"}
    assert requests.post(str(session.url), data=card, timeout=5, allow_redirects=False).status_code == 303
    assert now(client, session) == ("complete", "paid", "succeeded")
    assert len(client.v1.charges.list().data) == 1


def test_a_wallet_needs_an_address_for_the_receipt(client: stripe.StripeClient):
    session = open_session(client, customer_email=None)
    assert choose(session, "alipay", email="nobody").status_code == 400
    assert client.v1.payment_intents.list().data == []


def test_over_the_api_a_wallet_says_what_comes_next(sim: Running, client: stripe.StripeClient):
    params = {"amount": 500, "currency": "cny", "confirm": True}
    alipay = client.v1.payment_intents.create(
        {
            **params,
            "payment_method_types": ["alipay"],
            "payment_method_data": {"type": "alipay"},
            "return_url": "http://localhost:8000/done?order=7",
        }
    )
    assert alipay.next_action is not None
    assert alipay.next_action.alipay_handle_redirect is not None
    page = str(alipay.next_action.alipay_handle_redirect.url)
    back = answer(page, "confirm").headers["Location"]
    assert back.startswith(f"http://localhost:8000/done?order=7&payment_intent={alipay.id}&")
    assert back.endswith("&redirect_status=succeeded")
    wechat = client.v1.payment_intents.create(
        {
            **params,
            "payment_method_types": ["wechat_pay"],
            "payment_method_data": {"type": "wechat_pay"},
            "payment_method_options": {"wechat_pay": {"client": "web"}},
        }
    )
    assert wechat.payment_method_options is not None
    assert wechat.payment_method_options.to_dict() == {"wechat_pay": {"app_id": None, "client": "web"}}
    assert wechat.next_action is not None
    assert wechat.next_action.wechat_pay_display_qr_code is not None
    code = wechat.next_action.wechat_pay_display_qr_code
    assert code.data == f"{sim.url}/wallet/{wechat.id}"
    assert "Thank you" in words_of(page_of(answer(code.data, "confirm")))
    assert {i.status for i in client.v1.payment_intents.list().data} == {"succeeded"}


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"payment_method_types": ["alipay"], "payment_method_data": {"type": "alipay"}}, "return_url"),
        (
            {"payment_method_types": ["wechat_pay"], "payment_method_data": {"type": "wechat_pay"}},
            "payment_method_options[wechat_pay][client]",
        ),
        ({"payment_method_data": {"type": "alipay"}, "return_url": "http://a.test/"}, "payment_method"),
        (
            {
                "payment_method_types": ["alipay"],
                "payment_method_data": {"type": "alipay"},
                "return_url": "http://a.test/",
                "setup_future_usage": "off_session",
            },
            "setup_future_usage",
        ),
    ],
)
def test_a_wallet_asked_for_wrongly_moves_nothing(client: stripe.StripeClient, params: dict, param: str):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.create({"amount": 500, "currency": "cny", "confirm": True, **params})
    assert refusal.value.param == param
    assert client.v1.payment_intents.list().data == []
    assert client.v1.charges.list().data == []


def test_a_wallet_is_used_once_and_kept_by_nobody(client: stripe.StripeClient):
    customer = client.v1.customers.create().id
    wallet = client.v1.payment_methods.create({"type": "alipay"})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be attached"):
        client.v1.payment_methods.attach(wallet.id, {"customer": customer})
    with pytest.raises(stripe.InvalidRequestError):
        open_session(client, payment_method_types=["alipay"], payment_intent_data={"setup_future_usage": "off_session"})
    assert client.v1.payment_methods.list({"customer": customer}).data == []


def paid_by(client: stripe.StripeClient, kind: str, what: str = "confirm") -> stripe.Charge:
    """The charge of a purchase paid with a wallet."""
    page = choose(open_session(client), kind).headers["Location"].removesuffix("/code")
    assert answer(page, what).status_code == 303
    return client.v1.charges.list({"limit": 1}).data[0]


def told(client: stripe.StripeClient, kind: str) -> list[dict]:
    """Events of a type, as their object was then with what it was before."""
    told = [event.data.to_dict() for event in client.v1.events.list({"type": kind}).data]
    return [data["object"] | {"before": data.get("previous_attributes")} for data in told]


@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_a_refund_is_on_its_way_first_and_then_arrives(sim: Running, client: stripe.StripeClient, kind: str):
    charge = paid_by(client, kind)
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 400})
    assert refund.id.startswith("pyr_")
    assert (refund.status, refund.pending_reason) == ("pending", "processing")
    assert client.v1.charges.retrieve(charge.id).amount_refunded == 400
    sim.instant.pass_by(9)
    assert client.v1.refunds.retrieve(refund.id).status == "pending"
    assert told(client, "refund.updated") == []
    sim.instant.pass_by(1)
    arrived = client.v1.refunds.retrieve(refund.id)
    assert (arrived.status, arrived.pending_reason) == ("succeeded", None)
    (event,) = told(client, "refund.updated")
    assert (event["id"], event["status"]) == (refund.id, "succeeded")
    assert event["before"] == {"status": "pending", "pending_reason": "processing"}
    assert told(client, "refund.failed") == []


@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_a_refund_can_come_back_and_its_money_is_ours_again(sim: Running, client: stripe.StripeClient, kind: str):
    charge = paid_by(client, kind, "refund_fails")
    had = client.v1.balance.retrieve().pending[0].amount
    refund = client.v1.refunds.create({"charge": charge.id})
    assert refund.status == "pending"
    assert client.v1.balance.retrieve().pending[0].amount + client.v1.balance.retrieve().available[0].amount < had
    sim.instant.pass_by(10)
    failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason, failed.pending_reason) == ("failed", "unknown", None)
    assert isinstance(failed.failure_balance_transaction, stripe.BalanceTransaction)
    assert (failed.failure_balance_transaction.amount, failed.failure_balance_transaction.type) == (
        charge.amount,
        "payment_failure_refund",
    )
    left = client.v1.charges.retrieve(charge.id)
    assert (left.amount_refunded, left.refunded) == (0, False)
    now_has = client.v1.balance.retrieve()
    assert now_has.pending[0].amount + now_has.available[0].amount == had
    (event,) = told(client, "refund.failed")
    assert (event["id"], event["before"]["status"]) == (refund.id, "pending")
    assert told(client, "refund.updated") == []


@pytest.mark.parametrize(("kind", "days"), [("alipay", 90), ("wechat_pay", 180)])
def test_after_some_months_a_wallet_takes_nothing_back(sim: Running, client: stripe.StripeClient, kind: str, days: int):
    charge = paid_by(client, kind)
    sim.instant.pass_by(days * 86_400)
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 5})
    sim.instant.pass_by(1)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"charge": charge.id, "amount": 5})
    assert refusal.value.code == "charge_not_refundable"
    assert [found.id for found in client.v1.refunds.list().data] == [refund.id]


@pytest.mark.parametrize("kind", ["alipay", "wechat_pay"])
def test_wallets_know_no_disputes(sim: Running, client: stripe.StripeClient, kind: str):
    charge = paid_by(client, kind)
    asked = requests.post(f"{sim.url}/_simulator/disputes", json={"charge": charge.id}, timeout=5)
    assert asked.status_code == 400
    assert client.v1.disputes.list().data == []
    assert not client.v1.charges.retrieve(charge.id).disputed


def test_a_wallet_is_not_described_as_a_card_too(client: stripe.StripeClient):
    data = {"type": "alipay", "card": {"token": "tok_visa"}}
    for ask, param in (
        (lambda: client.v1.payment_methods.create(data), "card"),
        (
            lambda: client.v1.payment_intents.create(
                {"amount": 500, "currency": "cny", "payment_method_types": ["alipay"], "payment_method_data": data}
            ),
            "payment_method_data[card]",
        ),
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            ask()
        assert (refusal.value.param, refusal.value.code) == (param, "parameter_unknown")
    assert client.v1.payment_intents.list().data == []
