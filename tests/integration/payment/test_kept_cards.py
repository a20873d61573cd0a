"""A card that is kept because its owner agreed, charged when nobody is there, and forgotten when its owner says so."""

import json
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

import pytest
import requests
from flask import Flask

from marketplace.infra.db import db
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.kernel import clock
from marketplace.payment import queries, services
from marketplace.payment.values import (
    AlreadyPaid,
    Attempt,
    AttemptNotCommitted,
    AttemptState,
    CardKeptAlready,
    Mandate,
    MandateState,
    PaymentInProgress,
    Purpose,
    RefundReason,
)
from marketplace.traceability.queries import journey_entries
from tests.at_once import at_once
from tests.deferred_jobs import drain, waiting
from tests.factories.payment import PREMIUM, a_consent, a_premium, a_wish_to_pay, an_open_setup
from tests.simulator_server import DECLINED_CARD, GOOD_CARD, SECRET_KEY, SimulatorServer

ALWAYS_ASKED, DECLINED_LATER = "4000002760003184", "4000000000000341"


def a_kept_card(simulator: SimulatorServer, card: str = GOOD_CARD) -> Mandate:
    mandate, page = an_open_setup()
    led = simulator.pay(page, card)
    if "/kept" not in led.headers["Location"]:
        requests.post(led.headers["Location"], data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    kept = services.settle_mandate(mandate.id)
    db.session.commit()
    drain("payment")
    assert kept.state is MandateState.KEPT
    return kept


def begun(mandate: Mandate, **changes: object) -> Attempt:
    attempt = services.start_attempt(a_premium(mandate, **changes))
    db.session.commit()
    return attempt


def intents(simulator: SimulatorServer) -> list[tuple[str, int]]:
    return [(each["status"], each["amount_received"]) for each in simulator.listed("/v1/payment_intents")]


def lose_the_answer(simulator: SimulatorServer, attempt: Attempt) -> None:
    """The card is charged, and the connection is cut before we hear of it."""
    simulator.switch(fail_next=[{"path": "/v1/payment_intents", "when": "after", "how": "cut", "times": 3}])
    with pytest.raises(PaymentsUnavailable):
        services.send_charge(attempt.id)
    db.session.rollback()
    assert len(intents(simulator)) == 1


def journal(journey_id: UUID) -> list[str]:
    return [entry.type.value for entry in journey_entries(journey_id)]


# --- keeping -------------------------------------------------------------------------------------------------------


@pytest.mark.requirement("O13-23")
def test_a_card_is_kept_by_the_page_and_not_by_coming_back(simulator: SimulatorServer) -> None:
    mandate, page = an_open_setup()
    assert services.settle_mandate(mandate.id).state is MandateState.ASKED, "the way back alone proves nothing"
    simulator.pay(page)
    kept = services.settle_mandate(mandate.id)
    assert kept.state is MandateState.KEPT
    assert kept.card is not None
    assert (kept.card.brand, kept.card.last4, kept.card.month, kept.card.year) == ("visa", "4242", 12, 2034)
    assert intents(simulator) == [], "nothing is charged for keeping it"
    raw = str(db.session.connection().exec_driver_sql("SELECT m::text FROM payment_mandate m").scalar_one())
    assert "li.na" not in raw
    assert b"4242".hex() not in raw


def test_its_event_comes_before_twice_or_instead_of_the_way_back(simulator: SimulatorServer) -> None:
    mandate, page = an_open_setup()
    simulator.switch(duplicate_webhooks=True)
    simulator.pay(page)
    for _ in range(2):
        delivery = simulator.webhook("checkout.session.completed")
        services.receive_event(delivery.payload, delivery.signature)
        db.session.commit()
    drain("payment")
    services.settle_mandate(mandate.id)
    db.session.commit()
    assert queries.mandate(mandate.id).state is MandateState.KEPT
    row = db.session.connection().exec_driver_sql("SELECT outcome, payload FROM payment_provider_event").all()
    assert [each for each in row if each[0] == "handled"] == [("handled", None)], "what names its owner is not kept"


def test_a_page_whose_note_and_events_were_lost_is_found(simulator: SimulatorServer) -> None:
    mandate = services.ask_mandate(a_consent())
    db.session.commit()
    page = services.open_setup(mandate.id)
    db.session.rollback()
    assert services.open_setup(mandate.id) == page, "the same key finds the same customer and page"
    db.session.commit()
    assert len(simulator.listed("/v1/customers")) == 1
    simulator.switch(drop_webhooks=True)
    simulator.pay(page)
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        assert services.reconcile() == 1
        drain("payment")
    assert queries.mandate(mandate.id).state is MandateState.KEPT


def test_a_declined_card_is_not_kept_and_the_page_runs_out(simulator: SimulatorServer) -> None:
    mandate, page = an_open_setup()
    assert simulator.pay(page, DECLINED_CARD).status_code == 402
    assert services.settle_mandate(mandate.id).state is MandateState.ASKED
    services.stop_mandates(mandate.contract_id)
    db.session.commit()
    drain("payment")
    assert queries.mandate(mandate.id).state is MandateState.STOPPED
    assert simulator.pay(page).status_code == 410
    assert queries.mandate_of(mandate.contract_id) is None


def test_one_card_for_a_contract(simulator: SimulatorServer, app: Flask) -> None:
    consent = a_consent()
    db.session.commit()
    pages = at_once(app, 3, lambda: an_open_setup(consent)[1])
    assert len(set(pages)) == 1
    simulator.pay(pages[0])
    mandate = queries.mandate_of(consent.contract_id)
    assert mandate is not None
    services.settle_mandate(mandate.id)
    db.session.commit()
    with pytest.raises(CardKeptAlready):
        services.ask_mandate(consent)
    assert journal(consent.journey_id) == ["card:consented", "card:kept"]


@pytest.mark.requirement("O13-23")
def test_a_card_that_is_stopped_is_forgotten_at_the_provider_and_never_charged(simulator: SimulatorServer) -> None:
    mandate = a_kept_card(simulator)
    attempt = begun(mandate)
    services.stop_mandates(mandate.contract_id)
    services.stop_mandates(mandate.contract_id)
    db.session.commit()
    drain("payment")
    assert [each["customer"] for each in simulator.listed("/v1/payment_intents")] == []
    failed = queries.attempt(attempt.id)
    assert (failed.state, failed.failure) == (AttemptState.FAILED, "card_not_kept")
    (customer,) = simulator.listed("/v1/customers")
    assert simulator.listed("/v1/payment_methods", customer=customer["id"]) == []
    assert db.session.connection().exec_driver_sql("SELECT detached_at FROM payment_mandate").scalar_one() is not None


def test_a_card_given_after_it_was_stopped_is_forgotten_too(simulator: SimulatorServer) -> None:
    mandate, page = an_open_setup()
    simulator.pay(page)
    services.stop_mandates(mandate.contract_id)
    db.session.commit()
    drain("payment")
    assert queries.mandate(mandate.id).state is MandateState.STOPPED
    (customer,) = simulator.listed("/v1/customers")
    assert simulator.listed("/v1/payment_methods", customer=customer["id"]) == []


# --- charging ------------------------------------------------------------------------------------------------------


def test_a_kept_card_is_charged_once_with_nobody_there(simulator: SimulatorServer) -> None:
    attempt = begun(a_kept_card(simulator))
    assert drain("payment")[0] == "payment.send_charge"
    paid = queries.attempt(attempt.id)
    assert (paid.state, paid.received, paid.method) == (AttemptState.SUCCEEDED, PREMIUM, "card")
    assert intents(simulator) == [("succeeded", PREMIUM.minor)]
    services.send_charge(attempt.id)
    db.session.commit()
    assert intents(simulator) == [("succeeded", PREMIUM.minor)]
    assert waiting().count("fact.succeeded") == 1
    assert journal(attempt.journey_id) == ["payment:started", "payment:succeeded"]


def test_nothing_is_charged_for_a_row_that_may_be_rolled_back(simulator: SimulatorServer) -> None:
    attempt = services.start_attempt(a_premium(a_kept_card(simulator)))
    with pytest.raises(AttemptNotCommitted):
        services.send_charge(attempt.id)
    db.session.rollback()
    assert intents(simulator) == []


@pytest.mark.parametrize(
    ("card", "why"), [(ALWAYS_ASKED, "authentication_required"), (DECLINED_LATER, "generic_decline")]
)
def test_what_a_bank_refuses_moves_no_money_and_can_never_be_paid_later(
    simulator: SimulatorServer, card: str, why: str
) -> None:
    attempt = begun(a_kept_card(simulator, card))
    drain("payment")
    failed = queries.attempt(attempt.id)
    assert (failed.state, failed.failure, failed.received) == (AttemptState.FAILED, why, None)
    assert failed.settled_at is not None
    assert intents(simulator) == [("canceled", 0)]
    assert waiting().count("fact.failed") == 1
    assert "fact.succeeded" not in waiting()
    assert journey_entries(attempt.journey_id)[-1].body["reason"] == why


def test_after_a_refusal_it_is_paid_on_a_page_with_the_next_number_and_counts_once(simulator: SimulatorServer) -> None:
    mandate = a_kept_card(simulator, ALWAYS_ASKED)
    attempt = begun(mandate)
    drain("payment")
    wish = a_wish_to_pay(attempt.subject_id, purpose=Purpose.INSTALMENT, journey_id=attempt.journey_id)
    second = services.start_attempt(wish)
    db.session.commit()
    page = services.open_session(second.id)
    db.session.commit()
    bank = simulator.pay(page, ALWAYS_ASKED).headers["Location"]
    requests.post(bank, data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    assert services.settle(second.id).state is AttemptState.SUCCEEDED
    assert second.number == 2
    assert sorted(intents(simulator)) == [("canceled", 0), ("succeeded", PREMIUM.minor)]
    with pytest.raises(AlreadyPaid):
        services.start_attempt(a_premium(mandate, subject_id=attempt.subject_id))


def test_an_answer_that_was_lost_is_found_and_the_card_is_charged_once(simulator: SimulatorServer) -> None:
    attempt = begun(a_kept_card(simulator))
    simulator.switch(drop_webhooks=True)
    lose_the_answer(simulator, attempt)
    assert queries.attempt(attempt.id).state is AttemptState.CREATED, "nobody knows yet"
    with clock.frozen(clock.now() + timedelta(minutes=2)):
        services.send_charge(attempt.id)
        db.session.commit()
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert intents(simulator) == [("succeeded", PREMIUM.minor)]


def test_once_the_key_may_be_forgotten_it_is_looked_for_first(simulator: SimulatorServer) -> None:
    attempt = begun(a_kept_card(simulator))
    simulator.switch(drop_webhooks=True)
    lose_the_answer(simulator, attempt)
    simulator.switch(forget_keys=True)
    with clock.frozen(clock.now() + timedelta(hours=30)):
        services.send_charge(attempt.id)
        db.session.commit()
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert len(intents(simulator)) == 1


def test_after_three_failures_alike_the_attempt_fails_and_the_next_has_a_key_of_its_own(
    simulator: SimulatorServer,
) -> None:
    mandate = a_kept_card(simulator)
    attempt = begun(mandate)
    simulator.switch(fail_next=[{"path": "/v1/payment_intents", "when": "stored", "status": 500}])
    for _ in range(4):
        with clock.frozen(clock.now() + timedelta(minutes=2)):
            with suppress(PaymentsUnavailable):
                services.send_charge(attempt.id)
            db.session.commit()
    failed = queries.attempt(attempt.id)
    assert (failed.state, failed.failure) == (AttemptState.FAILED, "provider_unavailable")
    second = begun(mandate, subject_id=attempt.subject_id)
    drain("payment")
    assert (second.number, queries.attempt(second.id).state) == (2, AttemptState.SUCCEEDED)
    assert [each for each in intents(simulator) if each[1]] == [("succeeded", PREMIUM.minor)]


def test_a_card_that_the_provider_does_not_keep_any_more_is_not_charged(simulator: SimulatorServer) -> None:
    mandate = a_kept_card(simulator)
    (customer,) = simulator.listed("/v1/customers")
    (method,) = simulator.listed("/v1/payment_methods", customer=customer["id"])
    address = f"{simulator.url}/v1/payment_methods/{method['id']}/detach"
    requests.post(address, auth=(SECRET_KEY, ""), timeout=5).raise_for_status()
    attempt = begun(mandate)
    drain("payment")
    failed = queries.attempt(attempt.id)
    assert (failed.state, failed.failure) == (AttemptState.FAILED, "card_refused")
    assert [each for each in intents(simulator) if each[1]] == []


def test_two_workers_charge_once(simulator: SimulatorServer, app: Flask) -> None:
    attempt = begun(a_kept_card(simulator))
    at_once(app, 3, lambda: services.send_charge(attempt.id))
    assert intents(simulator) == [("succeeded", PREMIUM.minor)]
    assert waiting().count("fact.succeeded") == 1


def test_events_of_a_charge_twice_late_and_early_change_nothing(simulator: SimulatorServer) -> None:
    attempt = begun(a_kept_card(simulator))
    simulator.switch(duplicate_webhooks=True)
    drain("payment")
    for _ in range(2):
        delivery = simulator.webhook("payment_intent.succeeded")
        assert json.loads(delivery.payload)["data"]["object"]["metadata"]["attempt_id"] == str(attempt.id)
        services.receive_event(delivery.payload, delivery.signature)
        db.session.commit()
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert journal(attempt.journey_id) == ["payment:started", "payment:succeeded"]


def test_an_event_settles_a_charge_whose_answer_never_came(simulator: SimulatorServer) -> None:
    attempt = begun(a_kept_card(simulator))
    lose_the_answer(simulator, attempt)
    delivery = simulator.webhook("payment_intent.succeeded")
    services.receive_event(delivery.payload, delivery.signature)
    db.session.commit()
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert len(intents(simulator)) == 1


def test_what_was_closed_before_it_was_charged_is_not_charged(simulator: SimulatorServer) -> None:
    attempt = begun(a_kept_card(simulator))
    services.close_subject(Purpose.INSTALMENT, attempt.subject_id)
    db.session.commit()
    drain("payment")
    assert intents(simulator) == []
    with clock.frozen(clock.now() + timedelta(hours=2)):
        services.send_charge(attempt.id)
        db.session.commit()
    closed = queries.attempt(attempt.id)
    assert closed.state is AttemptState.EXPIRED
    assert closed.settled_at is not None
    assert intents(simulator) == []


def test_what_was_closed_while_the_card_was_charged_goes_back(simulator: SimulatorServer) -> None:
    attempt = begun(a_kept_card(simulator))
    simulator.switch(drop_webhooks=True)
    lose_the_answer(simulator, attempt)
    services.close_subject(Purpose.INSTALMENT, attempt.subject_id)
    db.session.commit()
    drain("payment")
    (refund,) = queries.refunds_for(Purpose.INSTALMENT, attempt.subject_id)
    assert (refund.reason, refund.amount) == (RefundReason.LATE_PAYMENT, PREMIUM)
    assert "fact.succeeded" not in waiting()


def test_a_charge_and_a_page_wait_for_each_other(simulator: SimulatorServer) -> None:
    mandate = a_kept_card(simulator)
    attempt = begun(mandate)
    page = a_wish_to_pay(attempt.subject_id, purpose=Purpose.INSTALMENT, journey_id=attempt.journey_id)
    with pytest.raises(PaymentInProgress):
        services.start_attempt(page)
    db.session.rollback()
    other = services.start_attempt(a_wish_to_pay(purpose=Purpose.INSTALMENT))
    db.session.commit()
    services.open_session(other.id)
    db.session.commit()
    with pytest.raises(PaymentInProgress):
        services.start_attempt(a_premium(mandate, subject_id=other.subject_id))
    db.session.rollback()
    drain("payment")
    assert intents(simulator)[-1] == ("succeeded", PREMIUM.minor)
