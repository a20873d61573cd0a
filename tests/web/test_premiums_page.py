"""A customer's later premiums on the page of the contract: the card, by explicit choice and with two clicks to stop it;
the link when the bank wants the customer.
"""

import re
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import requests
from flask import Flask

from marketplace.accounts.values import Role
from marketplace.correspondence import queries as correspondence
from marketplace.infra import present
from marketplace.infra.db import Scope, db, use_scope
from marketplace.kernel import clock
from marketplace.oversight import queries as oversight
from marketplace.oversight.queries.contradictions import contradictions
from marketplace.oversight.services import refresh_application
from marketplace.oversight.values import Sale, SaleFilter
from marketplace.payment import queries as payments
from marketplace.payment.values import Purpose
from marketplace.servicing import queries, services
from marketplace.servicing.values import Premium
from marketplace.traceability import queries as trail
from sandbox.demo.visitor import Visitor, hidden_fields, words
from tests.factories.accounts import a_member_of_staff
from tests.factories.evidence import asked
from tests.simulator_server import GOOD_CARD, SimulatorServer
from tests.web.conftest import LI_NA, days_later, run_jobs
from tests.web.desk_visits import at_the_desk

ALWAYS_ASKED = "4000002760003184"
Work = Callable[[], list[str]]


def contract_of(sale: Sale) -> UUID:
    assert sale.policy_id is not None
    return sale.policy_id


def page_of(sale: Sale) -> str:
    return f"/policies/{sale.policy_id}"


def first(shop: Flask, sale: Sale) -> Premium:
    with shop.app_context():
        return queries.premiums_of(contract_of(sale))[0]


def on_day(shop: Flask, work: Work, sale: Sale, before: int) -> None:
    """So many days before the next premium is due, with all that the jobs do then."""
    with shop.app_context():
        days = (first(shop, sale).due_on - clock.now().date()).days - before
    days_later(shop, days)
    with shop.app_context(), use_scope(Scope.all()):
        present.load_for_job()
        for _ in services.run():
            db.session.commit()
    work()


def button(customer: Visitor, path: str, **fields: str) -> str:
    """Press a button of the page that is shown; where it leads."""
    answer = customer.client.post(path, data={"csrf_token": hidden_fields(customer.text)["csrf_token"], **fields})
    assert answer.status_code == 303, words(answer.get_data(as_text=True))
    return str(answer.location)


def give(simulator: SimulatorServer, page: str, card: str) -> str:
    """Give a card on a page of the provider, and confirm where the bank asks; where that leads back to."""
    led = simulator.pay(page, card).headers["Location"]
    if "/policies/" not in led:
        led = requests.post(led, data={"answer": "confirm"}, timeout=5, allow_redirects=False).headers["Location"]
    return urlsplit(led).path


def keep(customer: Visitor, sale: Sale, simulator: SimulatorServer, card: str = GOOD_CARD) -> None:
    address = f"{page_of(sale)}/card"
    customer.get(address)
    led = button(customer, address, **hidden_fields(customer.text), agree="yes")
    customer.get(give(simulator, led, card))


def told(shop: Flask, kind: str) -> list[str]:
    with shop.app_context():
        found = [each for each in correspondence.inbox(recipient=LI_NA.email) if each.kind == kind]
    return [each.subject for each in found]


@pytest.mark.requirement("PER-03")
@pytest.mark.requirement("O13-23")
def test_a_card_is_kept_by_choice_shown_without_its_number_and_stopped_in_two_clicks(
    shop: Flask, customer: Visitor, sale: Sale, simulator: SimulatorServer, work: Work
) -> None:
    customer.get(page_of(sale))
    assert "Nothing is deducted by itself." in words(customer.text)
    customer.get(f"{page_of(sale)}/card")
    said = words(customer.text)
    assert "19 premiums are still to be paid: ¥1,320.75 every year" in said
    assert "I can stop this at any time" in said
    assert 'name="agree" id="agree" value="yes" required autocomplete="off">' in customer.text, "nothing is ticked"
    customer.post({})
    assert (customer.status, "Please tick this box to go on." in customer.text) == (422, True)
    assert simulator.listed("/v1/customers") == []
    keep(customer, sale, simulator)
    work()
    said = words(customer.text)
    assert "Visa, ends in 4242 , good until 12/2034" in said
    assert "The card is kept." in said
    assert len(told(shop, "card_kept")) == 1
    customer.get(page_of(sale))
    customer.get(button(customer, f"{page_of(sale)}/card/stop"))
    work()
    assert "ends in 4242" not in customer.text
    (somebody,) = simulator.listed("/v1/customers")
    assert simulator.listed("/v1/payment_methods", customer=somebody["id"]) == []
    with shop.app_context():
        entries = trail.entries_of_application(sale.application_id)
    acts = {entry.type.value: entry for entry in entries if entry.type.value.startswith("card:")}
    assert list(acts) == ["card:consented", "card:kept", "card:stopped"]
    assert acts["card:consented"].page_version_id is not None
    assert acts["card:stopped"].actor.label == "customer"


def test_coming_back_without_a_card_keeps_nothing(
    shop: Flask, customer: Visitor, sale: Sale, simulator: SimulatorServer
) -> None:
    customer.get(f"{page_of(sale)}/card")
    button(customer, f"{page_of(sale)}/card", **hidden_fields(customer.text), agree="yes")
    customer.get(f"{page_of(sale)}/card/return")
    assert "No card is kept." in words(customer.text)
    with shop.app_context():
        mandate = payments.mandate_of(contract_of(sale))
    assert mandate is not None
    assert mandate.card is None


@pytest.mark.requirement("O13-23")
def test_when_the_bank_wants_the_customer_a_link_is_mailed_and_the_premium_counts_once(
    shop: Flask,
    customer: Visitor,
    sale: Sale,
    simulator: SimulatorServer,
    into_the_log: Callable[[], int],
) -> None:
    work = partial(run_jobs, shop)
    keep(customer, sale, simulator, ALWAYS_ASKED)
    before = len(simulator.listed("/v1/payment_intents", limit=100))
    on_day(shop, work, sale, 7)
    assert len(told(shop, "premium_announced")) == 1
    on_day(shop, work, sale, 0)
    assert [
        subject.startswith("Your card was not charged; please pay ¥") for subject in told(shop, "premium_failed")
    ] == [True]
    newest = simulator.listed("/v1/payment_intents", limit=100)
    assert len(newest) == before + 1
    assert (newest[0]["status"], newest[0]["amount_received"]) == ("canceled", 0), "no money has moved"
    customer.get(page_of(sale))
    said = words(customer.text)
    assert "due" in said
    assert "Grace until" in said
    premium = first(shop, sale)
    led = button(customer, f"{page_of(sale)}/premiums/{premium.id}/pay")
    customer.get(give(simulator, led, ALWAYS_ASKED))
    assert "Thank you, we have received this premium." in words(customer.text)
    work()
    customer.get(f"{page_of(sale)}/premiums/{premium.id}/return")
    work()
    assert len(told(shop, "premium_paid")) == 1
    with shop.app_context():
        lines = payments.latest_share_lines(sale.insurer_id, 9)
    assert [line.premium for line in lines] == [premium.amount] * 2, "the first premium and this one, each once"
    assert first(shop, sale).state.value == "paid"
    with shop.app_context():
        into_the_log()
        refresh_application(sale.application_id)
        (known,) = (each for each in oversight.sales(SaleFilter()).sales if each.id == sale.id)
        assert known.completeness is not None
        assert known.completeness.gaps == (), "what comes after the sale is no gap in it"
    staff = at_the_desk(shop, Role.ADMIN_COMPLIANCE)
    staff.get(f"/admin/refunds?text={sale.policy_number}")
    paid = re.search(r'href="([^"]+)">[^<]+, premium 2<', staff.text)
    assert paid, "found at the refund desk by the number of its contract"
    staff.get(paid[1])
    assert staff.status == 200
    assert "premium 2, due on" in words(staff.get(f"/admin/sales/{sale.id}"))
    with shop.app_context():
        account = a_member_of_staff(Role.ADMIN_COMPLIANCE)
        db.session.commit()
        bundle = asked(sale.application_id, account)
        assert [each for each in bundle.findings if each["fault"]] == []
        assert list(contradictions()) == []


def test_a_premium_that_is_not_told_of_yet_cannot_be_paid_nor_can_anothers(
    shop: Flask, customer: Visitor, sale: Sale, simulator: SimulatorServer
) -> None:
    customer.get(page_of(sale))
    premium = first(shop, sale)
    customer.get(button(customer, f"{page_of(sale)}/premiums/{premium.id}/pay"))
    assert "There is nothing to be paid for this premium." in words(customer.text)
    token = {"csrf_token": hidden_fields(customer.text)["csrf_token"]}
    assert customer.client.post(f"{page_of(sale)}/premiums/{sale.policy_id}/pay", data=token).status_code == 404
    with shop.app_context():
        assert payments.attempts_of(Purpose.INSTALMENT, premium.id) == ()
