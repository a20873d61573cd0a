"""Consent to the use of answers about health, withdrawn: the answers go, or a person decides what may go."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from marketplace.application import queries as applications
from marketplace.application import services as application_services
from marketplace.application.values import (
    Acting,
    Application,
    ApplicationNotFound,
    NoHealthConsent,
    People,
    Person,
    Relationship,
    State,
    Step,
)
from marketplace.checkout import queries as orders
from marketplace.checkout import services as checkout
from marketplace.checkout.values import OrderState, PaymentUrls
from marketplace.correspondence import queries as correspondence
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock
from marketplace.kernel.dates import add_years
from marketplace.oversight import queries as oversight
from marketplace.oversight.values import SaleFilter, SaleState
from marketplace.payment import services as payment
from marketplace.privacy import queries, services
from marketplace.privacy.values import RequestKind
from marketplace.quoting import queries as quoting
from marketplace.traceability import queries as trail
from marketplace.traceability.services import record_view
from marketplace.traceability.values import EntryType
from tests.deferred_jobs import drain
from tests.factories.accounts import a_guest, an_insurer
from tests.factories.application import acting_in, an_application
from tests.factories.quoting import a_content, a_question, a_tariff, an_offer, publish
from tests.factories.traceability import a_view
from tests.simulator_server import SimulatorServer, simulator_in_use

URLS = PaymentUrls("http://localhost:8000/return", "http://localhost:8000/pay")
ADDRESS = "li.na@example.com"


@pytest.fixture
def simulator(tmp_path: Path, database: None) -> Iterator[SimulatorServer]:
    with simulator_in_use(tmp_path) as running:
        yield running


def a_told(upto: Step = Step.REVIEW) -> tuple[Acting, Application]:
    """Li Na consented and answered two questions about health, one of them with yes."""
    publish(an_insurer(), a_content(questions=(a_question("heart"), a_question("back"))), a_tariff("100.00"))
    start_on = date.fromordinal(clock.today(ZONE).toordinal() + 7)
    people = People(Person("Li Na", add_years(start_on, -34)), Relationship.SELF)
    yes = () if upto is Step.PAY else ("heart",)
    by, told = an_application(an_offer(start_on=start_on), upto, account=a_guest(ADDRESS), people=people, yes=yes)
    db.session.commit()
    return by, told


def withdraw(by: Acting, told: Application) -> object:
    asked = services.withdraw_health_consent(by, told.id)
    db.session.commit()
    vault.forget()
    return asked


def types_of(told: Application) -> list[EntryType]:
    return [entry.type for entry in trail.entries_of_application(told.id)]


@pytest.mark.requirement("T26-30")
def test_the_answers_are_erased_and_the_application_is_taken_back(database: None) -> None:
    by, told = a_told()
    page = record_view(a_view(told.journey_id, b"<p>heart: yes", application_id=told.id))
    assert withdraw(by, told) is None
    kept = applications.application(told.id)
    assert (kept.answers, kept.people, kept.email, kept.account_id) == ({}, None, None, None)
    assert (kept.state, kept.erased) == (State.LAPSED, True)
    assert types_of(told)[-2:] == [EntryType.HEALTH_CONSENT_WITHDRAWN, EntryType.DATA_ERASED]
    with pytest.raises(vault.DataDestroyed):
        trail.page_bytes(page)
    assert dict(quoting.need_by_id(told.need_id).risk) == {}
    proofs = db.session.execute(text("SELECT subject, reason FROM privacy_erasure")).all()
    assert [tuple(row) for row in proofs] == [("application", "withdrawal")]
    assert queries.queue() == ()
    drain("oversight")
    (sale,) = oversight.sales(SaleFilter()).sales
    assert (sale.state, sale.customer) == (SaleState.LAPSED, None)


def test_an_application_that_waits_for_the_insurer_is_taken_back_with_its_mail(database: None) -> None:
    by, told = a_told(Step.REFERRED)
    assert told.state is State.REFERRED
    drain("application")
    drain("correspondence")
    assert [mail.kind for mail in correspondence.inbox(recipient=ADDRESS)] == ["application_referred"]
    assert withdraw(by, told) is None
    assert correspondence.inbox(recipient=ADDRESS) == ()
    assert applications.application(told.id).answers == {}
    drain()


def test_what_was_taken_back_is_nobodys(database: None) -> None:
    by, told = a_told()
    withdraw(by, told)
    for journey_id, account_id in ((told.journey_id, None), (told.journey_id, by.account_id)):
        with pytest.raises(ApplicationNotFound):
            applications.own_application(told.id, journey_id, account_id)
    with pytest.raises(ApplicationNotFound):
        services.withdraw_health_consent(by, told.id)
    assert applications.health_consents_of(told.account_id) == ()  # type: ignore[arg-type]


def test_strangers_withdraw_nothing(database: None) -> None:
    by, told = a_told()
    other = a_guest("zhou.min@example.com")
    db.session.commit()
    for stranger in (acting_in(told.journey_id), replace(by, account_id=other.id)):
        with pytest.raises(ApplicationNotFound):
            services.withdraw_health_consent(stranger, told.id)
        db.session.rollback()
    assert applications.application(told.id) == told
    assert EntryType.HEALTH_CONSENT_WITHDRAWN not in types_of(told)


def test_without_a_consent_there_is_nothing_to_withdraw(database: None) -> None:
    by, told = a_told(Step.QUESTIONS)
    with pytest.raises(NoHealthConsent):
        services.withdraw_health_consent(by, told.id)
    db.session.rollback()
    assert applications.application(told.id) == told


def test_where_a_contract_rests_on_the_answers_a_person_decides(database: None) -> None:
    by, told = a_told(Step.PAY)
    application_services.conclude(told.id)
    db.session.commit()
    withdraw(by, told)
    (line,) = queries.queue()
    asked = queries.request(line.id)
    assert (asked.kind, asked.account_id) == (RequestKind.WITHDRAWAL, told.account_id)
    assert told.reference in asked.words
    kept = applications.application(told.id)
    assert (kept.answers, kept.state, kept.erased) == ({"heart": False, "back": False}, State.CONTRACTED, False)
    assert types_of(told)[-1] is EntryType.HEALTH_CONSENT_WITHDRAWN
    (given,) = applications.health_consents_of(told.account_id)  # type: ignore[arg-type]
    assert given.consent.withdrawn_at is not None
    with pytest.raises(NoHealthConsent):
        services.withdraw_health_consent(by, told.id)
    db.session.rollback()
    assert len(queries.queue()) == 1


def to_the_payment_page(told: Application) -> str:
    order = checkout.place_order([told.id], told.account_id)  # type: ignore[arg-type]
    attempt = checkout.pay(order.id, URLS)
    db.session.commit()
    url = payment.open_session(attempt.id)
    db.session.commit()
    return url


def state_of_order(told: Application) -> OrderState:
    order = orders.order_of_application(told.id)
    assert order is not None
    return order.state


def test_a_payment_page_that_is_open_is_closed_before(simulator: SimulatorServer) -> None:
    by, told = a_told(Step.PAY)
    url = to_the_payment_page(told)
    assert withdraw(by, told) is None
    assert state_of_order(told) is OrderState.LAPSED
    assert applications.application(told.id).erased
    drain()
    assert simulator.pay(url).status_code != 303, "nobody pays for it any more"
    delivery = simulator.webhook("checkout.session.expired")
    payment.receive_event(delivery.payload, delivery.signature)
    drain()


def test_where_money_came_in_meanwhile_a_person_decides(simulator: SimulatorServer) -> None:
    by, told = a_told(Step.PAY)
    assert simulator.pay(to_the_payment_page(told)).status_code == 303
    withdraw(by, told)
    assert [line.kind for line in queries.queue()] == [RequestKind.WITHDRAWAL]
    assert not applications.application(told.id).erased
    drain("payment")
    drain("checkout")
    assert state_of_order(told) is OrderState.ISSUED, "what was paid for is concluded all the same"
