"""Paying through the pages when things go another way: no worker, two tabs, a webhook that is forged or comes twice."""

from collections.abc import Callable
from datetime import date
from urllib.parse import urlsplit

import pytest
from flask import Flask
from sqlalchemy import text

from marketplace.correspondence import queries as correspondence
from marketplace.infra.db import db
from marketplace.infra.payment_gateway import Session
from marketplace.infra.stripe_gateway import Gateway
from marketplace.infra.vault import VaultUnavailable
from marketplace.policy import services as policies
from marketplace.policy.values import IssuePolicy, Policy
from sandbox.demo.visitor import Identity, Visitor, hidden_fields, words
from tests.everything import every_row
from tests.simulator_server import SimulatorServer
from tests.web.conftest import ANSWERS

LI_NA = Identity("Li Na", date(1992, 3, 5), "li.na@example.com")


@pytest.fixture
def at_payment(visitor: Visitor, code_for: Callable[[str], str]) -> Visitor:
    """An accepted applicant on our own payment page."""
    visitor.enter(visitor.compare("term_life", ANSWERS)[0])
    visitor.give_address(LI_NA.email)
    visitor.give_code(code_for(LI_NA.email))
    visitor.give_people(LI_NA)
    visitor.answer(LI_NA)
    assert visitor.submit() == "pay"
    return visitor


def count(shop: Flask, table: str) -> int:
    with shop.app_context():
        return db.session.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def test_who_paid_has_a_policy_number_though_no_worker_runs(
    shop: Flask, at_payment: Visitor, work: Callable[[], list[str]]
) -> None:
    pay_page = at_payment.at
    assert at_payment.pay() is True
    assert "Thank you" in words(at_payment.text)
    at_payment.get(pay_page)
    assert at_payment.at.endswith("/done"), "going back leads to the end of the purchase, not to another payment"
    work()
    assert (count(shop, "payment_attempt"), count(shop, "policy_policy")) == (1, 1)


@pytest.mark.parametrize("fault", [VaultUnavailable(), RuntimeError("nobody foresaw this")])
def test_what_stands_in_the_way_of_concluding_at_once_is_left_to_the_job(
    shop: Flask,
    at_payment: Visitor,
    work: Callable[[], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
) -> None:
    def failing(_command: IssuePolicy) -> Policy:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(policies, "issue", failing)
        assert at_payment.pay() is True
    assert "Your payment is being confirmed" in words(at_payment.text)
    assert (count(shop, "policy_policy"), count(shop, "payment_refund")) == (0, 0)
    work()
    at_payment.get(at_payment.at)
    assert "Thank you" in words(at_payment.text)
    assert (count(shop, "payment_attempt"), count(shop, "policy_policy"), count(shop, "payment_refund")) == (1, 1, 0)


def test_a_second_tab_left_open_does_not_pay_again(shop: Flask, at_payment: Visitor) -> None:
    tab = Visitor(at_payment.client)
    tab.get(at_payment.at)
    assert at_payment.pay() is True
    tab.post({})
    assert tab.at.endswith("/done")
    assert count(shop, "payment_attempt") == 1


@pytest.mark.asvs("2.4.1")
def test_coming_back_again_and_again_asks_stripe_and_is_an_act_only_while_something_may_come_of_it(
    shop: Flask, at_payment: Visitor, work: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = Gateway.retrieve_session

    def noted(gateway: Gateway, session_id: str) -> Session:
        asked.append(session_id)
        return ask(gateway, session_id)

    monkeypatch.setattr(Gateway, "retrieve_session", noted)
    back = at_payment.at.replace("/pay", "/return")

    at_payment.get(back)
    assert (len(asked), returns(shop)) == (0, 0), "nobody has gone to Stripe yet"
    at_payment.get(at_payment.at.replace("/done", "/pay"))
    assert at_payment.pay() is True
    asked_at_first, acts = len(asked), returns(shop)
    assert asked_at_first > 0
    assert acts == 1
    for _ in range(3):
        at_payment.get(back)
        assert at_payment.at.endswith("/done")
    work()
    at_payment.get(back)
    assert "Thank you" in words(at_payment.text)
    assert (len(asked), returns(shop)) == (asked_at_first, acts)


def returns(shop: Flask) -> int:
    with shop.app_context(), every_row() as reader:
        acts = "SELECT count(*) FROM traceability_evidence_intake WHERE type = 'payment:returned'"
        return int(reader.execute(text(acts)).scalar_one())


@pytest.mark.requirement("T26-13", "UK-05")
@pytest.mark.asvs("3.7.3")
def test_the_page_says_where_its_button_leads_before_anybody_is_led_there(
    simulator: SimulatorServer, at_payment: Visitor
) -> None:
    assert "You pay on the page of our payment provider, Stripe." in words(at_payment.text)
    assert "Pay ¥1,320.75" in words(at_payment.text)
    answer = at_payment.client.post(at_payment.at, data=hidden_fields(at_payment.text))
    assert urlsplit(answer.location or "").netloc == urlsplit(simulator.url).netloc


def test_turning_back_from_the_payment_charges_nothing_and_may_be_tried_again(shop: Flask, at_payment: Visitor) -> None:
    pay_page = at_payment.at
    at_payment.post({})
    first = at_payment.at
    at_payment.get(f"{pay_page}?cancelled=1")
    assert "Nothing was charged" in words(at_payment.text)
    at_payment.post({}, pay_page)
    assert at_payment.at == first, "the same payment page again"
    assert count(shop, "payment_attempt") == 1


@pytest.mark.asvs("4.1.5")
def test_stripes_word_is_taken_once_and_a_forged_one_never(
    shop: Flask, simulator: SimulatorServer, at_payment: Visitor, work: Callable[[], list[str]]
) -> None:
    """The customer closes the browser after paying: the webhook alone concludes the contract."""
    at_payment.post({})
    while not simulator.deliveries.empty():
        simulator.deliveries.get()
    assert simulator.pay(at_payment.at).status_code == 303
    word = simulator.webhook("checkout.session.completed")
    forged = shop.test_client().post("/hooks/stripe", data=word.payload, headers={"Stripe-Signature": "t=1,v1=0"})
    assert forged.status_code == 400
    assert count(shop, "payment_provider_event") == 0
    for _ in range(2):
        answer = shop.test_client().post(
            "/hooks/stripe", data=word.payload, headers={"Stripe-Signature": word.signature}
        )
        assert answer.status_code == 200
    assert count(shop, "payment_provider_event") == 1
    work()
    assert count(shop, "policy_policy") == 1


@pytest.fixture
def hear(shop: Flask, simulator: SimulatorServer, work: Callable[[], list[str]]) -> Callable[[str], None]:
    """Let Stripe's next word of a kind come in, and do what it asks for."""

    def take(kind: str) -> None:
        word = simulator.webhook(kind)
        client = shop.test_client()
        answer = client.post("/hooks/stripe", data=word.payload, headers={"Stripe-Signature": word.signature})
        assert answer.status_code == 200
        work()

    return take


@pytest.fixture
def gone(shop: Flask, simulator: SimulatorServer, at_payment: Visitor) -> Visitor:
    """At the payment page when the offer ends."""
    at_payment.post({})
    with shop.app_context():
        db.session.execute(text("UPDATE quoting_offer SET voided_at = now()"))
        db.session.commit()
    while not simulator.deliveries.empty():
        simulator.deliveries.get()
    return at_payment


def mails(shop: Flask) -> list[str]:
    """What Li Na was written, oldest first, codes left out."""
    with shop.app_context():
        return [mail.kind for mail in correspondence.inbox(recipient=LI_NA.email) if "code" not in mail.kind][::-1]


ARRIVES = ("confirm", "refund.updated", ["payment_not_issuable", "refund_made"])
COMES_BACK = ("refund_fails", "refund.failed", ["payment_not_issuable"])


@pytest.mark.parametrize("end", [ARRIVES, COMES_BACK], ids=["arrives", "comes back"])
def test_who_paid_with_wechat_for_what_is_gone_is_told_of_the_refund_when_it_arrived(
    shop: Flask,
    gone: Visitor,
    hear: Callable[[str], None],
    simulator: SimulatorServer,
    end: tuple[str, str, list[str]],
) -> None:
    answer, word, written = end
    back = simulator.pay_by_wallet(gone.at, "wechat_pay", answer).headers["Location"]
    done = f"{urlsplit(back).path.rsplit('/', 1)[0]}/done"
    hear("checkout.session.completed")
    gone.get(done)
    assert "We could not conclude the contract" in words(gone.text)
    assert "we are sending the whole amount back to where it came from" in words(gone.text)
    assert [refund["status"] for refund in simulator.listed("/v1/refunds", limit=1)] == ["pending"]
    assert mails(shop) == ["payment_not_issuable"]
    simulator.wait_for_wallets()
    hear(word)
    assert mails(shop) == written
    gone.get(done)
    assert "We could not conclude the contract" in words(gone.text)
    assert (count(shop, "policy_policy"), count(shop, "payment_refund")) == (0, 1)
