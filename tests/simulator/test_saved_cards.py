"""Cards kept for later, and charged when nobody is there."""

from typing import Any

import pytest
import requests
import stripe

from tests.simulator.harness import CHALLENGED, open_session, page_of, type_card, words_of


@pytest.fixture
def customer(client: stripe.StripeClient) -> str:
    return client.v1.customers.create({"email": "li@example.com"}).id


def keep(client: stripe.StripeClient, customer: str, alias: str, **params: Any) -> stripe.SetupIntent:
    wish = {"customer": customer, "payment_method": f"pm_card_{alias}", "confirm": True}
    return client.v1.setup_intents.create({**wish, **params})  # type: ignore[typeddict-item]


def charge(client: stripe.StripeClient, customer: str, method: str) -> stripe.PaymentIntent:
    """A renewal: the person is away."""
    return client.v1.payment_intents.create(
        {
            "amount": 5000,
            "currency": "cny",
            "customer": customer,
            "payment_method": method,
            "off_session": True,
            "confirm": True,
        }
    )


def agree(setup: stripe.SetupIntent, answer: str = "confirm") -> requests.Response:
    assert setup.next_action is not None
    assert setup.next_action.redirect_to_url is not None
    page = str(setup.next_action.redirect_to_url.url)
    return requests.post(page, data={"answer": answer}, timeout=5, allow_redirects=False)


def test_a_card_is_kept_and_charged_again_and_again(client: stripe.StripeClient, customer: str):
    setup = keep(client, customer, "visa")
    assert (setup.status, setup.usage, setup.customer) == ("succeeded", "off_session", customer)
    method = str(setup.payment_method)
    assert [m.id for m in client.v1.customers.payment_methods.list(customer).data] == [method]
    assert {charge(client, customer, method).status for _ in range(2)} == {"succeeded"}
    assert len(client.v1.charges.list({"customer": customer}).data) == 2


@pytest.mark.parametrize(
    ("alias", "kept_with_the_bank", "outcome"),
    [
        ("authenticationRequiredOnSetup", True, "succeeded"),
        ("authenticationRequiredOnSetup", False, "authentication_required"),
        ("authenticationRequired", True, "authentication_required"),
        ("authenticationRequiredSetupForOffSession", False, "succeeded"),
        ("authenticationRequiredChargeDeclinedInsufficientFunds", True, "authentication_required"),
        ("chargeCustomerFail", True, "card_declined"),
    ],
)
def test_what_a_bank_says_when_nobody_is_there(
    client: stripe.StripeClient, customer: str, alias: str, *, kept_with_the_bank: bool, outcome: str
):
    if kept_with_the_bank:
        setup = keep(client, customer, alias)
        if setup.status == "requires_action":
            agree(setup)
        setup = client.v1.setup_intents.retrieve(setup.id)
        assert setup.status == "succeeded"
        method = str(setup.payment_method)
    else:
        method = client.v1.payment_methods.attach(f"pm_card_{alias}", {"customer": customer}).id
    if outcome == "succeeded":
        assert charge(client, customer, method).status == "succeeded"
        return
    with pytest.raises(stripe.CardError) as refusal:
        charge(client, customer, method)
    assert refusal.value.code == outcome
    assert refusal.value.error is not None
    assert refusal.value.error.payment_intent is not None
    intent = client.v1.payment_intents.retrieve(refusal.value.error.payment_intent.id)
    assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)
    assert [c.status for c in client.v1.charges.list().data] == ["failed"]
    if outcome == "authentication_required":
        asked = client.v1.payment_intents.confirm(intent.id, {"payment_method": method})
        assert asked.status == "requires_action"  # on the session, with the person there


def test_a_card_that_pays_nothing_can_not_be_kept(client: stripe.StripeClient, customer: str):
    with pytest.raises(stripe.CardError) as refusal:
        keep(client, customer, "chargeDeclined")
    assert refusal.value.code == "card_declined"
    assert refusal.value.error is not None
    assert refusal.value.error.setup_intent is not None
    setup = client.v1.setup_intents.retrieve(refusal.value.error.setup_intent.id)
    assert setup.status == "requires_payment_method"
    assert setup.last_setup_error is not None
    assert setup.last_setup_error.code == "card_declined"
    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer})
    assert client.v1.payment_methods.list({"customer": customer}).data == []


def test_a_person_who_refuses_at_the_bank_has_kept_nothing(client: stripe.StripeClient, customer: str):
    setup = keep(client, customer, "authenticationRequired", return_url="http://localhost:8000/kept")
    back = agree(setup, "refuse").headers["Location"]
    assert back.startswith(f"http://localhost:8000/kept?setup_intent={setup.id}&")
    assert back.endswith("redirect_status=failed")
    assert client.v1.setup_intents.retrieve(setup.id).status == "requires_payment_method"
    assert client.v1.payment_methods.list({"customer": customer}).data == []
    assert client.v1.events.list().data[0].type == "setup_intent.setup_failed"


def test_a_setup_is_finished_stopped_or_refused_by_name(client: stripe.StripeClient, customer: str):
    setup = client.v1.setup_intents.create({"customer": customer})
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        client.v1.setup_intents.confirm(setup.id)
    client.v1.setup_intents.update(setup.id, {"metadata": {"policy": "7"}})
    done = client.v1.setup_intents.confirm(setup.id, {"payment_method": "pm_card_visa"})
    assert done.status == "succeeded"
    assert done.metadata is not None
    assert done.metadata.to_dict() == {"policy": "7"}
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.setup_intents.cancel(setup.id)
    assert refusal.value.code == "setup_intent_unexpected_state"
    assert [s.id for s in client.v1.setup_intents.list({"customer": customer}).data] == [setup.id]


def test_a_card_belongs_to_its_customer_and_a_used_one_to_nobody(client: stripe.StripeClient, customer: str):
    method = str(keep(client, customer, "visa").payment_method)
    stranger = client.v1.customers.create().id
    with pytest.raises(stripe.InvalidRequestError, match="belongs to a customer"):
        charge(client, stranger, method)
    bought = client.v1.payment_intents.create(
        {"amount": 500, "currency": "cny", "payment_method": "pm_card_visa", "confirm": True}
    )
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        charge(client, customer, str(bought.payment_method))
    detached = client.v1.payment_methods.detach(method)
    assert detached.customer is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        client.v1.payment_methods.attach(method, {"customer": customer})
    assert len(client.v1.charges.list().data) == 1


def test_no_card_number_goes_over_the_api(client: stripe.StripeClient):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_methods.create({"type": "card", "card": {"number": "4242424242424242"}})  # type: ignore[typeddict-item]
    assert refusal.value.param == "card[number]"
    made = client.v1.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    assert made.card is not None
    assert made.card.last4 == "4242"


def test_a_purchase_can_keep_the_card_for_renewals(client: stripe.StripeClient):
    session = open_session(client, payment_intent_data={"setup_future_usage": "off_session"})
    assert session.payment_method_types == ["card"]
    bank = type_card(str(session.url), CHALLENGED[0]).headers["Location"]
    requests.post(bank, data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    customer = str(paid.customer)
    assert client.v1.customers.retrieve(customer).email == "wang@example.com"
    renewal = charge(client, customer, str(paid.payment_intent.payment_method))
    assert renewal.status == "succeeded"


def test_a_card_is_kept_on_the_hosted_page_without_paying(client: stripe.StripeClient, customer: str):
    session = client.v1.checkout.sessions.create(
        {
            "mode": "setup",
            "customer": customer,
            "success_url": "http://localhost:8000/kept",
            "setup_intent_data": {"metadata": {"policy": "7"}},
            "locale": "en",
        }
    )
    assert (session.amount_total, session.payment_status) == (None, "no_payment_required")
    page = requests.get(str(session.url), timeout=5)
    assert "Keep a card for later payments" in words_of(page_of(page))
    assert "Alipay" not in words_of(page_of(page))
    declined = type_card(str(session.url), "4000000000000002")
    assert declined.status_code == 402
    assert "The card was not kept" in words_of(page_of(declined))
    assert type_card(str(session.url)).headers["Location"] == "http://localhost:8000/kept"
    done = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["setup_intent"]})
    assert (done.status, done.payment_status) == ("complete", "no_payment_required")
    assert isinstance(done.setup_intent, stripe.SetupIntent)
    assert done.setup_intent.status == "succeeded"
    assert charge(client, customer, str(done.setup_intent.payment_method)).status == "succeeded"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"mode": "setup"}, "line_items"),
        ({"mode": "setup", "line_items": []}, "payment_intent_data"),
        ({"line_items": []}, "line_items"),
        ({"customer": "cus_x", "customer_email": None, "customer_creation": "always"}, "customer_creation"),
    ],
)
def test_what_belongs_to_the_other_mode_is_refused(client: stripe.StripeClient, changes: dict, param: str):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        open_session(client, **changes)
    assert refusal.value.param == param
    assert client.v1.checkout.sessions.list().data == []


def test_an_expired_setup_session_keeps_nothing(client: stripe.StripeClient, customer: str):
    session = client.v1.checkout.sessions.create(
        {"mode": "setup", "customer": customer, "success_url": "http://localhost:8000/kept"}
    )
    with pytest.raises(stripe.InvalidRequestError, match="created by Checkout"):
        client.v1.setup_intents.cancel(str(session.setup_intent))
    client.v1.checkout.sessions.expire(session.id)
    assert type_card(str(session.url)).status_code == 410
    assert client.v1.setup_intents.retrieve(str(session.setup_intent)).status == "canceled"
    assert client.v1.payment_methods.list({"customer": customer}).data == []
