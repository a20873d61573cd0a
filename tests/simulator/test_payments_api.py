"""Customers, PaymentIntents and charges over the API."""

from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import stripe

from tests.simulator.harness import Running, open_session, page_of, type_card, words_of


def test_a_customer_is_kept_changed_and_found(client: stripe.StripeClient):
    customer = client.v1.customers.create({"email": "li@example.com", "name": "李", "metadata": {"a": "1", "b": "2"}})
    changed = client.v1.customers.update(customer.id, {"name": "李四", "metadata": {"b": "", "c": "3"}})
    assert (changed.name, changed.email) == ("李四", "li@example.com")
    assert changed.metadata is not None
    assert changed.metadata.to_dict() == {"a": "1", "c": "3"}
    client.v1.customers.create({"email": "other@example.com"})
    assert [c.id for c in client.v1.customers.list({"email": "li@example.com"}).data] == [customer.id]
    assert client.v1.customers.retrieve(customer.id).name == "李四"
    updated = client.v1.events.list({"type": "customer.updated"}).data[0]
    assert updated.data.previous_attributes is not None
    assert updated.data.to_dict()["previous_attributes"]["name"] == "李"


def test_an_unknown_customer_is_missing(client: stripe.StripeClient):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.customers.retrieve("cus_unknown")
    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (404, "resource_missing", "id")
    assert refusal.value.user_message == "No such customer: 'cus_unknown'"
    assert refusal.value.request_id is not None
    assert refusal.value.request_id.startswith("req_")


def test_an_identifier_of_another_kind_is_missing_too(client: stripe.StripeClient):
    customer = client.v1.customers.create()
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.retrieve(customer.id)
    assert (refusal.value.code, refusal.value.param) == ("resource_missing", "intent")


def test_an_intent_is_confirmed_with_a_card_that_pays(client: stripe.StripeClient):
    intent = client.v1.payment_intents.create(
        {"amount": 1099, "currency": "EUR", "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    )
    assert (intent.status, intent.currency) == ("requires_payment_method", "eur")
    paid = client.v1.payment_intents.confirm(
        intent.id, {"payment_method": "pm_card_visa", "expand": ["latest_charge", "payment_method"]}
    )
    assert (paid.status, paid.amount_received) == ("succeeded", 1099)
    assert isinstance(paid.latest_charge, stripe.Charge)
    assert isinstance(paid.payment_method, stripe.PaymentMethod)
    assert client.v1.charges.retrieve(paid.latest_charge.id).payment_method == paid.payment_method.id
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert refusal.value.code == "payment_intent_unexpected_state"
    assert len(client.v1.charges.list({"payment_intent": intent.id}).data) == 1


def test_created_and_confirmed_at_once_a_declined_card_leaves_its_trace(client: stripe.StripeClient):
    with pytest.raises(stripe.CardError) as refusal:
        client.v1.payment_intents.create(
            {
                "amount": 1099,
                "currency": "eur",
                "payment_method": "pm_card_visa_chargeDeclinedInsufficientFunds",
                "confirm": True,
            }
        )
    error = refusal.value
    assert (error.http_status, error.code) == (402, "card_declined")
    assert error.user_message == "Your card has insufficient funds."
    assert error.error is not None
    assert error.error.decline_code == "insufficient_funds"
    assert error.error.payment_intent is not None
    intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id, {"expand": ["latest_charge"]})
    assert intent.status == "requires_payment_method"
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert intent.latest_charge.status == "failed"
    assert intent.latest_charge.id == error.error.charge
    kinds = [event.type for event in client.v1.events.list().data]
    assert kinds == ["payment_intent.payment_failed", "charge.failed", "payment_intent.created"]
    paid = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa"})
    assert paid.status == "succeeded"


def test_a_card_that_needs_the_bank_waits_with_an_address(sim: Running, client: stripe.StripeClient):
    intent = challenged(client)
    assert intent.status == "requires_action"
    assert bank_page(intent) == f"{sim.url}/authenticate/{intent.id}"
    assert client.v1.charges.list().data == []


@pytest.mark.parametrize("answer", ["confirm", "refuse"])
def test_after_the_banks_page_the_person_is_led_back(client: stripe.StripeClient, answer: str):
    intent = challenged(client, return_url="http://localhost:8000/done")
    back = requests.post(bank_page(intent), data={"answer": answer}, timeout=5, allow_redirects=False)
    told = urlsplit(back.headers["Location"])
    assert (back.status_code, f"{told.scheme}://{told.netloc}{told.path}") == (303, "http://localhost:8000/done")
    assert dict(parse_qsl(told.query)) == {
        "payment_intent": intent.id,
        "payment_intent_client_secret": intent.client_secret,
        "redirect_status": "succeeded" if answer == "confirm" else "failed",
    }
    after = client.v1.payment_intents.retrieve(intent.id)
    assert after.status == ("succeeded" if answer == "confirm" else "requires_payment_method")
    assert len(client.v1.charges.list().data) == (1 if answer == "confirm" else 0)


def test_without_a_way_back_the_banks_page_says_thank_you(client: stripe.StripeClient):
    intent = challenged(client)
    assert "pm_" in str(intent.payment_method)
    answer = requests.post(bank_page(intent), data={"answer": "confirm"}, timeout=5)
    assert "You can close this page" in words_of(page_of(answer))
    assert client.v1.payment_intents.retrieve(intent.id).amount_received == 1099


def challenged(client: stripe.StripeClient, **params: str) -> stripe.PaymentIntent:
    card = {"payment_method": "pm_card_authenticationRequired", "confirm": True}
    return client.v1.payment_intents.create({"amount": 1099, "currency": "eur", **card, **params})


def bank_page(intent: stripe.PaymentIntent) -> str:
    assert intent.next_action is not None
    assert intent.next_action.redirect_to_url is not None
    return str(intent.next_action.redirect_to_url.url)


def test_an_intent_without_a_card_can_not_be_confirmed(client: stripe.StripeClient):
    intent = client.v1.payment_intents.create({"amount": 1099, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        client.v1.payment_intents.confirm(intent.id)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


def test_a_canceled_intent_stays_canceled(client: stripe.StripeClient):
    intent = client.v1.payment_intents.create({"amount": 1099, "currency": "eur"})
    canceled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    for act in (client.v1.payment_intents.cancel, client.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            act(intent.id)
        assert refusal.value.code == "payment_intent_unexpected_state"
    assert [e.type for e in client.v1.events.list().data] == ["payment_intent.canceled", "payment_intent.created"]


def test_the_intent_of_a_session_is_ruled_by_the_session(client: stripe.StripeClient):
    session = open_session(client)
    type_card(str(session.url), "4000000000000002")
    intent = client.v1.payment_intents.list().data[0]
    for act in (client.v1.payment_intents.cancel, client.v1.payment_intents.confirm):
        with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
            act(intent.id)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"currency": "eur"}, "amount", "parameter_missing"),
        ({"amount": 0, "currency": "eur"}, "amount", "parameter_invalid_integer"),
        ({"amount": "ten", "currency": "eur"}, "amount", "parameter_invalid_integer"),
        ({"amount": 49, "currency": "eur"}, "amount", "amount_too_small"),
        ({"amount": 50, "currency": "eur", "capture_method": "manual"}, "capture_method", "parameter_unknown"),
        ({"amount": 50, "currency": "eur", "customer": "cus_x"}, "customer", "resource_missing"),
        ({"amount": 50, "currency": "eur", "payment_method": "pm_x"}, "payment_method", "resource_missing"),
        ({"amount": 50, "currency": "eur", "payment_method_types": ["ideal"]}, "payment_method_types[0]", None),
        ({"amount": 200, "currency": "pln", "payment_method_types": ["alipay"]}, "payment_method_types", None),
        ({"amount": 50, "currency": "eur", "off_session": True}, "off_session", None),
    ],
)
def test_a_wrong_intent_is_named_and_not_made(client: stripe.StripeClient, params: dict, param: str, code: str | None):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.create(params)
    assert (refusal.value.param, refusal.value.code) == (param, code)
    assert client.v1.payment_intents.list().data == []
    assert client.v1.events.list().data == []


@pytest.mark.parametrize(
    "params",
    [{"limit": 0}, {"limit": 101}, {"starting_after": "pi_unknown"}, {"created": {"around": 5}}, {"status": "open"}],
)
def test_a_wrong_list_request_is_refused(client: stripe.StripeClient, params: dict):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.list(params)
    assert refusal.value.param is not None
    assert refusal.value.param.startswith(next(iter(params)))


def test_a_method_is_named_or_described_and_never_both(client: stripe.StripeClient):
    both = {"payment_method": "pm_card_visa", "payment_method_data": {"type": "card", "card": {"token": "tok_visa"}}}
    for create in (
        lambda: client.v1.payment_intents.create({"amount": 500, "currency": "eur", **both}),  # type: ignore[typeddict-item]
        lambda: client.v1.setup_intents.create({**both}),  # type: ignore[typeddict-item]
    ):
        with pytest.raises(stripe.InvalidRequestError) as refusal:
            create()
        assert refusal.value.param == "payment_method_data"
    assert client.v1.payment_intents.list().data == []
    assert client.v1.setup_intents.list().data == []


def test_an_amount_is_not_made_too_small_afterwards(client: stripe.StripeClient):
    intent = client.v1.payment_intents.create({"amount": 50, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.update(intent.id, {"amount": 49})
    assert refusal.value.code == "amount_too_small"
    assert client.v1.payment_intents.retrieve(intent.id).amount == 50


@pytest.mark.parametrize("path", ["amount", "latest_charge.refunds.data", "latest_charge.a.b.c.d", "data.customer"])
def test_what_can_not_be_expanded_is_refused(client: stripe.StripeClient, path: str):
    paid = client.v1.payment_intents.create(
        {"amount": 50, "currency": "eur", "payment_method": "pm_card_visa", "confirm": True}
    )
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.retrieve(paid.id, {"expand": [path]})
