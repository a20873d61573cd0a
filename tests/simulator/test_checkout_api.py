"""Checkout Sessions as the shop's server sees them."""

import pytest
import requests
import stripe

from tests.simulator.harness import SESSION, Running, open_session, paid_session, type_card


def test_a_session_says_what_was_asked_and_has_no_payment_yet(sim: Running, client: stripe.StripeClient):
    session = open_session(client, locale="zh", expires_at=int(sim.instant()) + 3600)
    assert session.id.startswith("cs_test_")
    assert (session.status, session.payment_status, session.mode) == ("open", "unpaid", "payment")
    assert (session.amount_total, session.currency) == (128_400, "cny")
    assert session.client_reference_id == "order-7"
    assert session.customer_email == "wang@example.com"
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"order": "7"}
    assert session.payment_intent is None
    assert session.locale == "zh"
    assert session.expires_at == int(sim.instant()) + 3600
    assert session.url == f"{sim.url}/c/pay/{session.id}"
    assert session.livemode is False


def test_a_session_without_an_end_lasts_24_hours(sim: Running, client: stripe.StripeClient):
    assert open_session(client).expires_at == int(sim.instant()) + 86_400


@pytest.mark.parametrize("seconds", [29 * 60 - 1, 24 * 3600 + 61])
def test_an_end_too_near_or_too_far_is_refused(sim: Running, client: stripe.StripeClient, seconds: int):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_session(client, expires_at=int(sim.instant()) + seconds)
    assert refusal.value.param == "expires_at"
    assert client.v1.checkout.sessions.list().data == []


def test_the_paid_session_leads_to_intent_and_charge(client: stripe.StripeClient):
    session = paid_session(client)
    assert (session.status, session.payment_status, session.url) == ("complete", "paid", None)
    assert session.customer_details is not None
    assert session.customer_details.email == "wang@example.com"
    intent = session.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (intent.status, intent.amount_received) == ("succeeded", 128_400)
    assert intent.metadata.to_dict() == {"order": "7"}
    assert intent.description == "Household cover"
    charge = intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.paid, charge.amount, charge.status) == (True, 128_400, "succeeded")
    assert charge.payment_method_details is not None
    assert charge.payment_method_details.card is not None
    assert charge.payment_method_details.card.last4 == "4242"


def test_line_items_come_in_order_and_in_pages(client: stripe.StripeClient):
    names = ["Cover", "Tax", "Fee"]
    items = [
        {"quantity": 2, "price_data": {"currency": "jpy", "unit_amount": 50, "product_data": {"name": name}}}
        for name in names
    ]
    session = open_session(client, line_items=items)
    assert (session.amount_total, session.currency) == (300, "jpy")
    first = client.v1.checkout.sessions.line_items.list(session.id, {"limit": 2})
    assert first.has_more
    assert [item.description for item in first.auto_paging_iter()] == names
    assert [item.amount_total for item in first.data] == [100, 100]
    expanded = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items"]})
    assert expanded.line_items is not None
    assert [item.description for item in expanded.line_items.data] == names


def test_two_currencies_in_one_session_are_refused(client: stripe.StripeClient):
    items = [
        {"quantity": 1, "price_data": {"currency": currency, "unit_amount": 5, "product_data": {"name": "x"}}}
        for currency in ("cny", "eur")
    ]
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_session(client, line_items=items)
    assert refusal.value.param == "line_items"
    assert client.v1.checkout.sessions.list().data == []


def test_sessions_are_listed_newest_first_by_time_page_and_payment(sim: Running, client: stripe.StripeClient):
    made = []
    for _ in range(5):
        made.append(open_session(client).id)
        sim.instant.pass_by(10)
    newest = made[::-1]
    assert [s.id for s in client.v1.checkout.sessions.list().data] == newest
    page = client.v1.checkout.sessions.list({"limit": 2})
    assert ([s.id for s in page.data], page.has_more) == (newest[:2], True)
    page = client.v1.checkout.sessions.list({"limit": 2, "starting_after": newest[2]})
    assert ([s.id for s in page.data], page.has_more) == (newest[3:], False)
    page = client.v1.checkout.sessions.list({"limit": 2, "ending_before": newest[3]})
    assert ([s.id for s in page.data], page.has_more) == (newest[1:3], True)
    assert [s.id for s in client.v1.checkout.sessions.list({"limit": 2}).auto_paging_iter()] == newest
    since = client.v1.checkout.sessions.list({"created": {"gte": int(sim.instant()) - 20}})
    assert [s.id for s in since.data] == newest[:2]
    paid = paid_session(client)
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    found = client.v1.checkout.sessions.list({"payment_intent": paid.payment_intent.id})
    assert [s.id for s in found.data] == [paid.id]
    by_mail = client.v1.checkout.sessions.list({"customer_details": {"email": "wang@example.com"}})
    assert [s.id for s in by_mail.data] == [paid.id]
    assert len(client.v1.checkout.sessions.list({"status": "open"}).data) == 5


def test_a_list_expands_the_payment_of_every_session(client: stripe.StripeClient):
    open_session(client)
    paid_session(client)
    listed = client.v1.checkout.sessions.list({"expand": ["data.payment_intent"]})
    payments = [session.payment_intent for session in listed.data]
    assert isinstance(payments[0], stripe.PaymentIntent)
    assert payments[1] is None


def test_an_expired_session_takes_no_money(client: stripe.StripeClient):
    session = open_session(client)
    declined = type_card(str(session.url), "4000000000000002")
    assert declined.status_code == 402
    expired = client.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    assert type_card(str(session.url)).status_code == 410
    after = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(after.payment_intent, stripe.PaymentIntent)
    assert (after.payment_intent.status, after.payment_intent.amount_received) == ("canceled", 0)
    with pytest.raises(stripe.InvalidRequestError, match="status of `expired`"):
        client.v1.checkout.sessions.expire(session.id)


def test_a_session_expires_when_its_time_is_over(sim: Running, client: stripe.StripeClient):
    session = open_session(client, expires_at=int(sim.instant()) + 1800)
    sim.instant.pass_by(1799)
    assert requests.get(str(session.url), timeout=5).status_code == 200
    sim.instant.pass_by(1)
    assert client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    assert [e.type for e in client.v1.events.list().data] == ["checkout.session.expired"]


def test_a_paid_session_can_not_be_expired(client: stripe.StripeClient):
    session = paid_session(client)
    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        client.v1.checkout.sessions.expire(session.id)
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"surprise": "x"}, "surprise", "parameter_unknown"),
        ({"success_url": "nowhere"}, "success_url", "url_invalid"),
        ({"ui_mode": "embedded_page"}, "ui_mode", None),
        ({"mode": "subscription"}, "mode", None),
        ({"locale": "tlh"}, "locale", None),
        ({"customer_email": "nobody"}, "customer_email", "email_invalid"),
        ({"customer_email": ""}, "customer_email", "parameter_invalid_empty"),
        ({"line_items": [{"quantity": 0}]}, "line_items[0][price_data]", "parameter_missing"),
        (
            {"payment_intent_data": {"capture_method": "manual"}},
            "payment_intent_data[capture_method]",
            "parameter_unknown",
        ),
        ({"customer": "cus_x"}, "customer_email", None),
        ({"metadata": {"k": "v" * 501}}, "metadata[k]", None),
    ],
)
def test_a_wrong_parameter_is_named(client: stripe.StripeClient, changes: dict, param: str, code: str | None):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_session(client, **changes)
    assert (refusal.value.http_status, refusal.value.param, refusal.value.code) == (400, param, code)
    assert client.v1.checkout.sessions.list().data == []


@pytest.mark.parametrize(
    ("unit_amount", "named"), [(-1, "unit_amount"), ("12.5", "unit_amount"), (10**9, "unit_amount")]
)
def test_an_amount_that_is_none_is_refused(client: stripe.StripeClient, unit_amount: object, named: str):
    price = {"currency": "cny", "unit_amount": unit_amount, "product_data": {"name": "x"}}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_session(client, line_items=[{"quantity": 1, "price_data": price}])
    assert refusal.value.param == f"line_items[0][price_data][{named}]"
    assert refusal.value.code == "parameter_invalid_integer"


def test_a_currency_that_is_none_and_a_total_of_nothing_are_refused(client: stripe.StripeClient):
    for currency, amount, param in (("xxx", 5, "line_items[0][price_data][currency]"), ("cny", 0, "line_items")):
        price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "x"}}
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            open_session(client, line_items=[{"quantity": 1, "price_data": price}])
        assert refusal.value.param == param


def test_a_session_for_a_customer_pays_for_that_customer(client: stripe.StripeClient):
    customer = client.v1.customers.create({"email": "wang@example.com"})
    asked = {name: value for name, value in SESSION.items() if name != "customer_email"}
    session = client.v1.checkout.sessions.create({**asked, "customer": customer.id})
    type_card(str(session.url))
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer", "payment_intent"]})
    assert isinstance(paid.customer, stripe.Customer)
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert paid.customer.id == paid.payment_intent.customer == customer.id
