"""What the customer sees when paying goes wrong: the fault table of payments, row by row, through pages and mails
(whole-system test 6 of the regulation checklist; that the books agree in any order of these: `tests/faults`).

`docs/decisions/0004-our-row-before-stripes.md` says where each row is held.
"""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from sqlalchemy import text

from marketplace.checkout import services as checkout
from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.errors import Unavailable
from marketplace.payment import services as payment
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.simulator_server import DECLINED_CARD, SECRET_KEY, SimulatorServer
from tests.web.conftest import LI_NA, count, run_jobs

AUTHENTICATE = "4000002760003184"
CONFIRMED = "Your payment is being confirmed"
THANKS = "Thank you"
TRY_AGAIN = "Something we need does not answer. Nothing was lost or charged."


@pytest.fixture
def buyer(shop: Flask, at_step: Callable[..., Visitor], simulator: SimulatorServer) -> Visitor:
    """An accepted applicant on our own payment page; nothing that others paid is still to be heard."""
    visitor = at_step("pay")
    simulator.switch()
    while not simulator.deliveries.empty():
        simulator.deliveries.get()
    return visitor


def to_stripe(buyer: Visitor) -> str:
    """Press the button; the address of Stripe's page."""
    answer = buyer.client.post(buyer.at, data=hidden_fields(buyer.text))
    assert answer.status_code == 303, words(answer.get_data(as_text=True))
    return str(answer.location)


def done(buyer: Visitor) -> str:
    """What stands on the page after the purchase, however it ended."""
    return words(buyer.get(buyer.at.split("?")[0].rsplit("/", 1)[0] + "/done"))


def hear(shop: Flask, simulator: SimulatorServer, kind: str = "checkout.session.completed") -> None:
    word = simulator.webhook(kind)
    answer = shop.test_client().post("/hooks/stripe", data=word.payload, headers={"Stripe-Signature": word.signature})
    assert answer.status_code == 200


def mails(shop: Flask) -> list[str]:
    """What Li Na was written, oldest first, codes left out."""
    with shop.app_context():
        found = correspondence.inbox(recipient=LI_NA.email)
        return [mail.kind for mail in found if "code" not in mail.kind][::-1]


def told(shop: Flask, kind: str) -> str:
    with shop.app_context():
        mail = next(each for each in correspondence.inbox(recipient=LI_NA.email) if each.kind == kind)
        return correspondence.message_parts(mail.id).text


@pytest.mark.parametrize("first", ["webhook", "return"])
def test_the_webhook_and_the_return_page_lead_to_one_policy_whoever_comes_first(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer, first: str
) -> None:
    page = to_stripe(buyer)
    back = simulator.pay(page).headers["Location"]
    if first == "webhook":
        hear(shop, simulator)
        run_jobs(shop)
        buyer.get(urlsplit(back).path)
    else:
        buyer.get(urlsplit(back).path)
        hear(shop, simulator)
    run_jobs(shop)
    assert THANKS in done(buyer)
    assert mails(shop).count("policy_issued") == 1
    assert "refund_made" not in mails(shop)
    assert count(shop, "policy_policy") == 1


def test_what_stripe_says_twice_or_in_another_order_the_customer_is_told_once(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer
) -> None:
    simulator.switch(duplicate_webhooks=True)
    simulator.pay(to_stripe(buyer))
    simulator.switch()
    for _ in range(2):
        hear(shop, simulator)
        run_jobs(shop)
    assert THANKS in done(buyer)
    assert mails(shop).count("policy_issued") == 1
    assert (count(shop, "policy_policy"), count(shop, "payment_refund")) == (1, 0)


def test_while_the_work_is_not_done_stripe_has_its_answer_and_the_customer_is_asked_to_wait(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer
) -> None:
    simulator.pay(to_stripe(buyer))
    hear(shop, simulator)
    assert count(shop, "payment_provider_event", "handled_at IS NULL") == 1
    assert CONFIRMED in done(buyer)
    assert count(shop, "policy_policy") == 0
    run_jobs(shop)
    assert THANKS in done(buyer)


def test_a_lost_webhook_costs_a_minute(shop: Flask, buyer: Visitor, simulator: SimulatorServer) -> None:
    """The browser is closed after paying, too."""
    simulator.switch(drop_webhooks=True)
    simulator.pay(to_stripe(buyer))
    with shop.app_context(), clock.frozen(clock.now() + timedelta(minutes=1)):
        assert payment.reconcile() == 1
        db.session.commit()
    run_jobs(shop)
    assert "policy_issued" in mails(shop)
    assert THANKS in done(buyer)


@pytest.mark.asvs("16.5.2")
def test_when_stripe_fails_the_page_says_that_nothing_was_charged_and_a_click_later_it_goes_on(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer
) -> None:
    """Every answer is lost; the page that was opened all the same is found after the third click."""
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions", "when": "after", "status": 500, "times": 9}])
    form = hidden_fields(buyer.text)
    for _ in range(2):
        answer = buyer.client.post(buyer.at, data=form)
        assert answer.status_code == 503
        assert TRY_AGAIN in words(answer.get_data(as_text=True))
    assert buyer.client.post(buyer.at, data=form).location.startswith(simulator.url)
    assert count(shop, "payment_attempt") == 1


def test_of_a_busy_stripe_the_customer_notices_nothing(buyer: Visitor, simulator: SimulatorServer) -> None:
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions", "status": 429, "times": 2}])
    assert to_stripe(buyer).startswith(simulator.url)


def test_a_page_that_ran_out_is_closed_and_another_click_opens_the_next(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer
) -> None:
    page = to_stripe(buyer)
    path = f"{simulator.url}/v1/checkout/sessions/{simulator.listed('/v1/checkout/sessions', limit=1)[0]['id']}/expire"
    requests.post(path, auth=(SECRET_KEY, ""), timeout=10).raise_for_status()  # as it does by itself after an hour
    hear(shop, simulator, "checkout.session.expired")
    run_jobs(shop)
    assert "Pay ¥1,320.75" in done(buyer)
    assert simulator.pay(page).status_code == 410
    again = to_stripe(buyer)
    assert again != page
    assert simulator.pay(again).status_code == 303
    hear(shop, simulator)
    run_jobs(shop)
    assert THANKS in done(buyer)


def test_a_declined_card_and_a_failed_confirmation_stay_with_stripe_and_say_no_secret(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer
) -> None:
    page = to_stripe(buyer)
    declined = simulator.pay(page, DECLINED_CARD)
    assert declined.status_code == 402
    assert "declined" in declined.text.lower()
    asked = simulator.pay(page, AUTHENTICATE).headers["Location"]
    refused = requests.post(asked, data={"answer": "refuse"}, timeout=10)
    assert refused.status_code in {200, 402}
    hear(shop, simulator, "payment_intent.payment_failed")
    run_jobs(shop)
    assert "Pay ¥1,320.75" in done(buyer), "back on our page, to try again"
    assert "insufficient" not in words(buyer.text)
    assert mails(shop) == []
    assert simulator.pay(page).status_code == 303
    run_jobs(shop)
    assert count(shop, "payment_attempt") == 1


@pytest.mark.parametrize(("answer", "ends"), [("later", THANKS), ("never", "Pay ¥1,320.75")])
def test_money_that_takes_its_time_is_waited_for(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer, answer: str, ends: str
) -> None:
    simulator.pay_by_wallet(to_stripe(buyer), "wechat_pay", answer)
    hear(shop, simulator)
    run_jobs(shop)
    assert CONFIRMED in done(buyer)
    assert count(shop, "policy_policy") == 0
    simulator.wait_for_wallets()
    kind = "succeeded" if answer == "later" else "failed"
    hear(shop, simulator, f"checkout.session.async_payment_{kind}")
    run_jobs(shop)
    assert ends in done(buyer)


def test_another_amount_than_asked_goes_back_with_a_mail(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer
) -> None:
    simulator.pay(to_stripe(buyer))
    with shop.app_context():
        db.session.execute(text("UPDATE payment_attempt SET amount_minor = 999"))
        db.session.commit()
    hear(shop, simulator)
    run_jobs(shop)
    assert mails(shop) == ["refund_made"]
    assert "¥1,320.75" in told(shop, "refund_made")
    assert THANKS not in done(buyer)
    assert count(shop, "policy_policy") == 0


def test_who_pays_twice_gets_one_policy_and_the_second_payment_back(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer
) -> None:
    """The first page was closed with us, and is still open at Stripe."""
    first = to_stripe(buyer)
    with shop.app_context():
        db.session.execute(text("UPDATE payment_attempt SET state = 'expired'"))
        db.session.commit()
    second = to_stripe(buyer)
    assert simulator.pay(second).status_code == 303
    hear(shop, simulator)
    run_jobs(shop)
    assert THANKS in done(buyer)
    assert simulator.pay(first).status_code == 303
    hear(shop, simulator)
    run_jobs(shop)
    assert mails(shop).count("refund_made") == 1
    assert "¥1,320.75" in told(shop, "refund_made")
    assert (count(shop, "policy_policy"), count(shop, "payment_refund")) == (1, 1)
    assert THANKS in done(buyer)


def test_what_cannot_be_issued_for_a_day_goes_back_with_a_mail_and_the_page_says_so(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.pay(to_stripe(buyer))
    hear(shop, simulator)
    with monkeypatch.context() as patch:
        patch.setattr("marketplace.policy.services.issue", away)
        with pytest.raises(Unavailable):
            run_jobs(shop)
    with shop.app_context():
        db.session.rollback()
    assert CONFIRMED in done(buyer)
    assert mails(shop) == []
    with shop.app_context(), clock.frozen(clock.now() + timedelta(hours=25)):
        checkout.sweep()
        db.session.commit()
        run_jobs(shop)
    assert sorted(mails(shop)) == ["payment_not_issuable", "refund_made"]
    page = done(buyer)
    assert "We could not conclude the contract" in page
    assert count(shop, "policy_policy") == 0


def test_of_a_dispute_the_customer_hears_from_the_bank_alone(
    shop: Flask, buyer: Visitor, simulator: SimulatorServer
) -> None:
    simulator.pay(to_stripe(buyer), "4000000000000259")
    hear(shop, simulator)
    run_jobs(shop)
    before = mails(shop)
    event = simulator.listed("/v1/events", type="charge.dispute.created", limit=1)[0]["id"]
    requests.post(f"{simulator.url}/_simulator/resend", json={"event": event}, timeout=10).raise_for_status()
    hear(shop, simulator, "charge.dispute.created")
    run_jobs(shop)
    assert count(shop, "payment_dispute", "status = 'needs_response'") == 1
    assert mails(shop) == before
    assert THANKS in done(buyer), "the contract goes on until it is decided"


def away(_: object) -> None:
    raise Unavailable("the insurer does not answer")
