"""The payment page and the bank's page, as a person without script meets them."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests
import stripe

from tests.simulator.harness import (
    CHALLENGED,
    DECLINED,
    EXPIRED,
    GOOD,
    NO_FUNDS,
    WRONG_CODE,
    XHTML,
    Running,
    open_session,
    page_of,
    paid_session,
    type_card,
    words_of,
)


def test_the_page_says_what_is_paid_and_that_no_money_moves(client: stripe.StripeClient):
    session = open_session(client, locale="en")
    answer = requests.get(str(session.url), timeout=5)
    tree = page_of(answer)
    words = words_of(tree)
    assert answer.status_code == 200
    assert tree.get("lang") == "en"
    assert words.startswith("TEST MODE – no money moves.")
    assert "Household cover, one year" in words
    assert "Pay CN¥1,284.00" in words
    back = tree.find(f".//{XHTML}a[@id='back']")
    assert back.get("href") == "http://localhost:8000/cancelled"
    for number in (GOOD, DECLINED, NO_FUNDS, EXPIRED, WRONG_CODE, *CHALLENGED):
        assert f"Use {number}" in words


def test_the_page_is_chinese_for_a_chinese_session(client: stripe.StripeClient):
    session = open_session(client, locale="zh")
    tree = page_of(requests.get(str(session.url), headers={"Accept-Language": "en"}, timeout=5))
    assert tree.get("lang") == "zh-Hans"
    assert "支付 ¥1,284.00" in words_of(tree)
    assert "TEST MODE" not in words_of(tree)


@pytest.mark.parametrize(("accepted", "lang"), [("zh-CN,zh;q=0.9", "zh-Hans"), ("de", "en"), ("", "en")])
def test_without_a_locale_the_page_follows_the_browser(client: stripe.StripeClient, accepted: str, lang: str):
    session = open_session(client, locale="auto")
    tree = page_of(requests.get(str(session.url), headers={"Accept-Language": accepted}, timeout=5))
    assert tree.get("lang") == lang


def test_every_field_has_its_label_and_nothing_comes_from_elsewhere(client: stripe.StripeClient):
    session = open_session(client)
    answer = requests.get(str(session.url), timeout=5)
    tree = page_of(answer)
    labelled = {label.get("for") for label in tree.iter(f"{XHTML}label")}
    assert {field.get("id") for field in tree.iter(f"{XHTML}input")} == labelled
    assert tree.find(f".//{XHTML}script") is None
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; ")
    # Chromium holds the redirect after the form against form-action as well
    assert policy.endswith("form-action 'self' http://localhost:8000")
    assert answer.headers["Cache-Control"] == "no-store"
    style = requests.get(f"{_origin(str(session.url))}{tree.find(f'.//{XHTML}link').get('href')}", timeout=5)
    assert style.headers["Content-Type"] == "text/css; charset=utf-8"


def test_paying_sends_the_person_back_to_the_shop(client: stripe.StripeClient):
    session = open_session(client)
    answer = type_card(str(session.url))
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"http://localhost:8000/back?session={session.id}"


def test_a_test_card_can_be_chosen_by_link(client: stripe.StripeClient):
    session = open_session(client)
    tree = page_of(requests.get(f"{session.url}?card=378282246310005", timeout=5))
    filled = {field.get("name"): field.get("value") for field in tree.iter(f"{XHTML}input")}
    assert filled["number"] == "3782 822463 10005"
    assert type_card(str(session.url), **filled).status_code == 303


@pytest.mark.parametrize(
    ("number", "sentence", "code", "decline_code"),
    [
        (DECLINED, "Your card was declined.", "card_declined", "generic_decline"),
        (NO_FUNDS, "The card does not have enough money", "card_declined", "insufficient_funds"),
        (EXPIRED, "The card has expired.", "expired_card", None),
        (WRONG_CODE, "The security code is not right.", "incorrect_cvc", None),
    ],
)
def test_a_refused_card_is_explained_and_another_one_pays_in_the_same_session(
    client: stripe.StripeClient, number: str, sentence: str, code: str, decline_code: str | None
):
    session = open_session(client, locale="en")
    refused = type_card(str(session.url), number)
    tree = page_of(refused)
    assert refused.status_code == 402
    alert = tree.find(f".//{XHTML}div[@role='alert']")
    assert sentence in "".join(alert.itertext())
    assert tree.find(f".//{XHTML}input[@id='number']").get("aria-invalid") == "true"

    waiting = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
    intent = waiting.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert (waiting.status, waiting.payment_status) == ("open", "unpaid")
    assert (intent.status, intent.amount_received) == ("requires_payment_method", 0)
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == code
    assert getattr(intent.last_payment_error, "decline_code", None) == decline_code
    assert isinstance(intent.latest_charge, stripe.Charge)
    assert (intent.latest_charge.paid, intent.latest_charge.failure_code) == (False, code)

    assert type_card(str(session.url), GOOD).status_code == 303
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert paid.payment_intent.id == intent.id
    assert paid.payment_intent.last_payment_error is None
    assert [c.paid for c in client.v1.charges.list({"payment_intent": intent.id}).data] == [True, False]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"number": "4242 4242 4242 4241"}, "number"),
        ({"number": "4242"}, "number"),
        ({"expiry": "13 / 34"}, "expiry"),
        ({"expiry": "01 / 20"}, "expiry"),
        ({"cvc": "12"}, "cvc"),
        ({"cvc": "１２３"}, "cvc"),
    ],
)
def test_a_slip_is_shown_beside_its_field_and_nothing_is_tried(
    client: stripe.StripeClient, fields: dict[str, str], field: str
):
    session = open_session(client)
    answer = type_card(str(session.url), **fields)
    assert answer.status_code == 400
    marked = [i.get("id") for i in page_of(answer).iter(f"{XHTML}input") if i.get("aria-invalid") == "true"]
    assert marked == [field]
    assert client.v1.payment_intents.list().data == []
    assert client.v1.events.list().data == []


def test_a_card_that_is_not_a_test_card_is_refused_and_kept_nowhere(sim: Running, client: stripe.StripeClient):
    session = open_session(client, locale="en")
    real_looking = "4539578763621486"
    answer = type_card(str(session.url), real_looking, cvc="658")
    assert answer.status_code == 400
    assert "not one of the published test cards" in answer.text
    assert real_looking not in answer.text
    assert "658" not in answer.text.replace(session.id, "")
    for file in sim.simulator.settings.database.parent.iterdir():
        assert real_looking.encode() not in file.read_bytes()


def test_no_card_number_is_kept_after_paying(sim: Running, client: stripe.StripeClient):
    paid_session(client)
    for file in sim.simulator.settings.database.parent.iterdir():
        assert b"4242424242424242" not in file.read_bytes()


@pytest.mark.parametrize("number", CHALLENGED)
def test_the_bank_asks_and_the_person_confirms(client: stripe.StripeClient, number: str):
    session = open_session(client, locale="en")
    asked = type_card(str(session.url), number)
    assert asked.status_code == 303
    bank = asked.headers["Location"]
    waiting = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(waiting.payment_intent, stripe.PaymentIntent)
    assert (waiting.status, waiting.payment_intent.status) == ("open", "requires_action")

    page = requests.get(bank, timeout=5)
    assert "TEST MODE" in words_of(page_of(page))
    assert f"CN¥1,284.00 with the card ending in {number[-4:]}" in words_of(page_of(page))
    assert page.headers["Content-Security-Policy"].endswith(f"form-action 'self' {_origin(bank)} http://localhost:8000")
    done = requests.post(bank, data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    assert done.status_code == 303
    assert done.headers["Location"] == f"http://localhost:8000/back?session={session.id}"
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"

    again = requests.post(bank, data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    assert again.status_code == 410
    assert len(client.v1.charges.list().data) == 1


def test_the_person_refuses_at_the_bank_and_pays_with_another_card(client: stripe.StripeClient):
    session = open_session(client, locale="en")
    bank = type_card(str(session.url), CHALLENGED[1]).headers["Location"]
    refused = requests.post(bank, data={"answer": "refuse"}, timeout=5, allow_redirects=False)
    assert refused.status_code == 303
    page = requests.get(refused.headers["Location"], timeout=5)
    assert "The bank did not confirm the payment." in words_of(page_of(page))
    waiting = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    intent = waiting.payment_intent
    assert isinstance(intent, stripe.PaymentIntent)
    assert intent.status == "requires_payment_method"
    assert intent.last_payment_error is not None
    assert intent.last_payment_error.code == "payment_intent_authentication_failure"
    assert client.v1.charges.list().data == []
    assert type_card(str(session.url)).status_code == 303
    assert client.v1.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_a_double_click_pays_once(client: stripe.StripeClient):
    session = open_session(client)
    first, second = type_card(str(session.url)), type_card(str(session.url))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert len(client.v1.charges.list().data) == 1


def test_many_tabs_at_once_pay_once(client: stripe.StripeClient):
    session = open_session(client)
    with ThreadPoolExecutor(8) as tabs:
        answers = list(tabs.map(lambda _: type_card(str(session.url)).status_code, range(8)))
    assert answers == [303] * 8
    assert len(client.v1.charges.list().data) == 1
    assert len(client.v1.payment_intents.list().data) == 1
    assert len(client.v1.events.list({"type": "checkout.session.completed"}).data) == 1


def test_paying_while_the_shop_expires_the_session_ends_one_way_or_the_other(client: stripe.StripeClient):
    session = open_session(client)
    with ThreadPoolExecutor(2) as both:
        paying = both.submit(type_card, str(session.url))
        expiring = both.submit(client.v1.checkout.sessions.expire, session.id)
        paid = paying.result().status_code == 303
        expired = expiring.exception() is None
    assert paid != expired
    after = client.v1.checkout.sessions.retrieve(session.id)
    assert (after.status, after.payment_status) == (("complete", "paid") if paid else ("expired", "unpaid"))
    assert len(client.v1.charges.list().data) == int(paid)


def test_a_paid_session_says_so(client: stripe.StripeClient):
    session = open_session(client, locale="en")
    type_card(str(session.url))
    tree = page_of(requests.get(str(session.url), timeout=5))
    assert "This order is already paid" in words_of(tree)
    assert tree.find(f".//{XHTML}a").get("href") == f"http://localhost:8000/back?session={session.id}"


def test_an_expired_session_says_so_and_leads_back(client: stripe.StripeClient):
    session = open_session(client, locale="zh")
    client.v1.checkout.sessions.expire(session.id)
    answer = requests.get(str(session.url), timeout=5)
    assert answer.status_code == 410
    assert "没有扣款" in words_of(page_of(answer))
    assert page_of(answer).find(f".//{XHTML}a").get("href") == "http://localhost:8000/cancelled"
    assert client.v1.payment_intents.list().data == []


def test_the_bank_has_nothing_to_ask_after_the_session_expired(client: stripe.StripeClient):
    session = open_session(client)
    bank = type_card(str(session.url), CHALLENGED[0]).headers["Location"]
    client.v1.checkout.sessions.expire(session.id)
    answer = requests.post(bank, data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    assert answer.status_code == 410
    page_of(answer)
    assert client.v1.charges.list().data == []


def test_an_unknown_session_is_a_clear_page(sim: Running):
    answer = requests.get(f"{sim.url}/c/pay/cs_test_unknown", timeout=5)
    assert answer.status_code == 404
    assert "There is no such payment page" in words_of(page_of(answer))


def test_what_a_shop_or_a_person_wrote_is_text_on_the_page(client: stripe.StripeClient):
    nasty = "<script>alert(1)</script>"
    price = {"currency": "cny", "unit_amount": 5, "product_data": {"name": nasty}}
    session = open_session(client, line_items=[{"quantity": 1, "price_data": price}])
    answer = type_card(str(session.url), DECLINED, name=nasty)
    assert re.findall("<script", answer.text) == []
    assert nasty in words_of(page_of(answer))


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("jpy", 5000, "¥5,000"), ("usd", 5000, "$50.00"), ("kwd", 5000, "KWD5.000"), ("eur", 50, "€0.50")],
)
def test_amounts_are_read_in_the_units_of_their_currency(
    client: stripe.StripeClient, currency: str, amount: int, shown: str
):
    price = {"currency": currency, "unit_amount": amount, "product_data": {"name": "Cover"}}
    session = open_session(client, locale="en", line_items=[{"quantity": 1, "price_data": price}])
    assert session.amount_total == amount
    tree = page_of(requests.get(str(session.url), timeout=5))
    assert tree.find(f".//{XHTML}td[@id='amount']").text.replace("\xa0", "") == shown


def _origin(url: str) -> str:
    part = urlsplit(url)
    return f"{part.scheme}://{part.netloc}"
