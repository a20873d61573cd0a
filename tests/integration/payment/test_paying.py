"""From the wish to pay to money that counts, through the simulator: every row of the road (fault table, payments)."""

import json
import threading
import time
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import select, text

from marketplace.infra import vault
from marketplace.infra.db import Scope, db, use_scope
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.kernel import clock
from marketplace.kernel.ids import new_id
from marketplace.kernel.money import Money
from marketplace.payment import queries, services
from marketplace.payment.models import AttemptRow, ProviderEventRow
from marketplace.payment.values import (
    AlreadyPaid,
    AttemptNotCommitted,
    AttemptState,
    PageClosed,
    Purpose,
    Receipt,
    RefundReason,
    RefundState,
    SessionMismatch,
    StartPayment,
)
from marketplace.traceability.queries import journey_entries
from sandbox.stripe_simulator.deliveries import signature
from tests.at_once import at_once
from tests.deferred_jobs import drain, waiting
from tests.factories.payment import PREMIUM, a_wish_to_pay, an_open_attempt
from tests.simulator_server import DECLINED_CARD, WEBHOOK_SECRET, SimulatorServer


def deliver(simulator: SimulatorServer, kind: str = "checkout.session.completed") -> Receipt:
    """Let the next webhook of `kind` come in, as the route does."""
    delivery = simulator.webhook(kind)
    receipt = services.receive_event(delivery.payload, delivery.signature)
    db.session.commit()
    return receipt


def tell(payload: bytes, event_id: str, kind: str, attempt_id: UUID | None = None) -> None:
    """Take in an event made of a real one, signed with the endpoint's secret."""
    event = json.loads(payload) | {"id": event_id, "type": kind}
    if attempt_id is not None:
        event["data"]["object"]["metadata"]["attempt_id"] = str(attempt_id)
    changed = json.dumps(event).encode()
    services.receive_event(changed, signature(changed, [WEBHOOK_SECRET], int(time.time())))
    db.session.commit()


def trail(attempt_id, *, of=queries.attempt) -> list[str]:
    db.session.commit()
    return [entry.type.value for entry in journey_entries(of(attempt_id).journey_id)]


def test_the_word_of_the_provider_is_taken_also_for_what_is_erased(simulator: SimulatorServer) -> None:
    """Money may hang on it: what cannot be kept for the person any more is kept for nobody."""
    application_id = new_id()
    attempt, url = an_open_attempt(a_wish_to_pay(application_id=application_id))
    assert simulator.pay(url).status_code == 303
    vault.destroy(application_id)
    db.session.commit()
    vault.forget()
    assert deliver(simulator) is Receipt.QUEUED
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert "payment:succeeded" in trail(attempt.id)


def test_who_paid_for_several_contracts_is_forgotten_and_the_books_stay(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    other, _ = an_open_attempt()
    assert simulator.pay(url).status_code == 303
    assert deliver(simulator) is Receipt.QUEUED
    drain("payment")
    before = queries.attempt(attempt.id)
    services.forget_payer(Purpose.NEW_BUSINESS, attempt.subject_id)
    services.forget_payer(Purpose.NEW_BUSINESS, attempt.subject_id)
    db.session.commit()
    vault.forget()
    assert queries.attempt(attempt.id) == before, "amount, state and time"
    addresses = {row.id: row for row in db.session.scalars(select(AttemptRow))}
    with pytest.raises(vault.DataDestroyed):
        _ = addresses[attempt.id].email
    assert addresses[other.id].email
    (event,) = db.session.scalars(select(ProviderEventRow))
    assert event.payload is None, "nor what the provider said of the payer"


def test_a_good_card_is_taken_and_the_webhook_settles_it(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    answer = simulator.pay(url)
    assert (answer.status_code, answer.headers["Location"]) == (303, "http://localhost:8000/return")
    assert queries.attempt(attempt.id).state is AttemptState.OPEN
    assert deliver(simulator) is Receipt.QUEUED
    assert waiting() == ["payment.settle"]
    assert drain("payment") == ["payment.settle"]
    paid = queries.attempt(attempt.id)
    assert (paid.state, paid.received) == (AttemptState.SUCCEEDED, PREMIUM)
    assert waiting() == ["fact.succeeded"]
    assert trail(attempt.id) == ["payment:started", "payment:succeeded"]


def test_our_names_travel_with_the_payment(simulator: SimulatorServer) -> None:
    attempt, _ = an_open_attempt()
    (session,) = simulator.listed("/v1/checkout/sessions")
    assert session["client_reference_id"] == str(attempt.id)
    assert session["metadata"] == {
        "attempt_id": str(attempt.id),
        "purpose": "new_business",
        "subject_id": str(attempt.subject_id),
        "reference": attempt.reference,
        "journey_id": str(attempt.journey_id),
    }
    assert (session["amount_total"], session["currency"], session["locale"]) == (128_400, "cny", "en")


def test_a_declined_card_then_a_good_one_on_the_same_page(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    assert simulator.pay(url, DECLINED_CARD).status_code == 402
    assert deliver(simulator, "payment_intent.payment_failed") is Receipt.QUEUED
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.OPEN
    assert simulator.pay(url).status_code == 303
    deliver(simulator)
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    assert trail(attempt.id) == ["payment:started", "payment:failed", "payment:succeeded"]


def test_a_webhook_that_comes_twice_counts_once(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.switch(duplicate_webhooks=True)
    simulator.pay(url)
    assert deliver(simulator) is Receipt.QUEUED
    assert deliver(simulator) is Receipt.DUPLICATE
    drain("payment")
    assert waiting() == ["fact.succeeded"]
    assert trail(attempt.id) == ["payment:started", "payment:succeeded"]


def test_a_lost_webhook_is_found_by_reconciliation(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.switch(drop_webhooks=True)
    simulator.pay(url)
    assert services.reconcile() == 0, "younger than a few seconds: on its ordinary way"
    with clock.frozen(clock.now() + timedelta(seconds=10)):
        assert services.reconcile() == 1
        assert services.reconcile() == 0, "what waits for the worker is not given to it again"
        drain("payment")
        assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
        assert services.reconcile() == 0, "settled ones are not asked for again"
    assert waiting() == ["fact.succeeded"]


def test_an_attempt_without_our_note_of_the_page_is_found_by_reconciliation(simulator: SimulatorServer) -> None:
    attempt = services.start_attempt(a_wish_to_pay())
    db.session.commit()
    url = services.open_session(attempt.id)
    db.session.rollback()  # the process dies between Stripe's answer and our commit
    simulator.switch(drop_webhooks=True)
    simulator.pay(url)
    with clock.frozen(clock.now() + timedelta(seconds=10)):
        assert services.reconcile() == 1
        drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED


def test_the_return_page_may_come_before_the_webhook(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    settled = services.settle_latest(Purpose.NEW_BUSINESS, attempt.subject_id)
    db.session.commit()
    assert settled is not None
    assert settled.state is AttemptState.SUCCEEDED
    deliver(simulator)
    drain("payment")
    assert waiting() == ["fact.succeeded"], "the webhook found everything done"


def test_a_settled_payment_is_not_asked_about_again(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    services.settle(attempt.id)
    db.session.commit()
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions/*", "method": "GET", "status": 503, "times": 3}])
    settled = services.settle_latest(Purpose.NEW_BUSINESS, attempt.subject_id)
    assert settled is not None
    assert settled.state is AttemptState.SUCCEEDED
    with pytest.raises(PaymentsUnavailable):
        services.settle(attempt.id)  # the control: whoever does ask gets no answer


def test_a_return_without_paying_changes_nothing(simulator: SimulatorServer) -> None:
    attempt, _ = an_open_attempt()
    settled = services.settle_latest(Purpose.NEW_BUSINESS, attempt.subject_id)
    assert settled is not None
    assert settled.state is AttemptState.OPEN
    assert waiting() == []


@pytest.mark.asvs("2.3.4")
def test_two_workers_settle_at_once_and_it_counts_once(simulator: SimulatorServer, app: Flask) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    at_once(app, 2, lambda: services.settle(attempt.id))
    assert waiting() == ["fact.succeeded"]
    assert trail(attempt.id) == ["payment:started", "payment:succeeded"]


def test_no_page_is_opened_for_a_row_that_may_be_rolled_back(simulator: SimulatorServer) -> None:
    attempt = services.start_attempt(a_wish_to_pay())
    with pytest.raises(AttemptNotCommitted):
        services.open_session(attempt.id)
    assert simulator.listed("/v1/checkout/sessions") == []


def test_a_double_click_opens_one_page(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    first, url = an_open_attempt(wish)
    second, again = an_open_attempt(wish)
    assert (first.id, url) == (second.id, again)
    assert len(simulator.listed("/v1/checkout/sessions")) == 1
    assert trail(first.id) == ["payment:started"]


def test_clicks_at_once_open_one_page(simulator: SimulatorServer, app: Flask) -> None:
    wish = a_wish_to_pay()
    pages = at_once(app, 4, lambda: an_open_attempt(wish)[1])
    assert len(pages) == 4
    assert len(set(pages)) == 1
    assert len(simulator.listed("/v1/checkout/sessions")) == 1
    assert len(queries.attempts_of(wish.purpose, wish.subject_id)) == 1


def test_a_click_while_the_provider_is_at_work_on_the_first_finds_its_page(
    simulator: SimulatorServer, app: Flask
) -> None:
    """The provider answers 409; the library asks again, the second time after three quarters of a second at least."""
    attempt = services.start_attempt(a_wish_to_pay())
    db.session.commit()
    simulator.switch(
        fail_next={"path": "/v1/checkout/sessions", "how": "slow", "seconds": 0.4, "when": "during"},
    )
    pages: list[str] = []

    def click() -> None:
        with use_scope(Scope.all()), app.app_context():
            pages.append(services.open_session(attempt.id))
            db.session.commit()
            db.session.remove()

    first = threading.Thread(target=click)
    first.start()
    key = f"pay-new_business-{attempt.subject_id}-128400-CNY-1"
    end = time.monotonic() + 10
    while key not in simulator.simulator.door.in_flight:
        assert time.monotonic() < end
        threading.Event().wait(0.01)
    pages.append(services.open_session(attempt.id))
    first.join()
    db.session.commit()
    assert len(set(pages)) == 1
    assert len(pages) == 2
    assert len(simulator.listed("/v1/checkout/sessions")) == 1


def test_a_lost_answer_and_another_click_open_one_page(simulator: SimulatorServer) -> None:
    attempt = services.start_attempt(a_wish_to_pay())
    db.session.commit()
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions", "when": "after", "status": 500, "times": 3}])
    with pytest.raises(PaymentsUnavailable):
        services.open_session(attempt.id)
    db.session.rollback()
    assert services.open_session(attempt.id).startswith(simulator.url)
    assert len(simulator.listed("/v1/checkout/sessions")) == 1


def test_a_busy_provider_is_asked_again_after_a_pause(simulator: SimulatorServer) -> None:
    attempt = services.start_attempt(a_wish_to_pay())
    db.session.commit()
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions", "status": 429, "times": 3}])
    assert services.open_session(attempt.id).startswith(simulator.url)


def test_a_provider_that_keeps_failing_gets_a_new_number_after_a_while(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    attempt = services.start_attempt(wish)
    db.session.commit()
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions", "when": "stored", "status": 500}])
    for _ in range(2):  # the key replays even a saved failure
        with pytest.raises(PaymentsUnavailable):
            services.open_session(attempt.id)
        db.session.rollback()
    with clock.frozen(clock.now() + timedelta(minutes=3)):
        second, url = an_open_attempt(wish)
    assert (second.number, queries.attempt(attempt.id).state) == (2, AttemptState.EXPIRED)
    assert url.startswith(simulator.url)


def click(wish: StartPayment) -> str:
    """As the page of payment does it."""
    attempt = services.start_attempt(wish)
    db.session.commit()
    try:
        url = services.open_session(attempt.id)
    except PaymentsUnavailable:
        db.session.rollback()
        return ""
    db.session.commit()
    return url


def test_after_three_failures_alike_the_next_click_takes_the_next_number(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions", "when": "stored", "status": 500}])
    assert [click(wish) for _ in range(3)] == ["", "", ""], "the key replays its failure"
    assert len(queries.attempts_of(wish.purpose, wish.subject_id)) == 1
    assert click(wish).startswith(simulator.url)
    assert [each.state for each in queries.attempts_of(wish.purpose, wish.subject_id)] == [
        AttemptState.EXPIRED, AttemptState.OPEN,
    ]  # fmt: skip
    assert len(simulator.listed("/v1/checkout/sessions")) == 1


def test_after_three_failures_alike_a_page_that_was_opened_all_the_same_is_found(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    simulator.switch(fail_next=[{"path": "/v1/checkout/sessions", "when": "after", "status": 500, "times": 9}])
    assert [click(wish) for _ in range(2)] == ["", ""]
    assert click(wish).startswith(simulator.url)
    assert len(queries.attempts_of(wish.purpose, wish.subject_id)) == 1
    assert len(simulator.listed("/v1/checkout/sessions")) == 1


def test_a_page_that_ran_out_gives_a_new_attempt_with_a_new_number(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    first, url = an_open_attempt(wish)
    with clock.frozen(clock.now() + timedelta(hours=2)):
        with pytest.raises(PageClosed):
            services.open_session(first.id)
        second = services.start_attempt(wish)
        assert second.number == 2
        drain("payment")
    assert queries.attempt(first.id).state is AttemptState.EXPIRED
    assert simulator.pay(url).status_code == 410, "closed at the provider too"


def test_another_amount_closes_the_page_that_is_open(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    first, url = an_open_attempt(wish)
    dearer = a_wish_to_pay(wish.subject_id, amount=Money(130_000, "CNY"), journey_id=wish.journey_id)
    second, _ = an_open_attempt(dearer)
    drain("payment")
    assert second.number == 2
    assert queries.attempt(first.id).state is AttemptState.EXPIRED
    assert simulator.pay(url).status_code == 410


def test_what_is_paid_cannot_be_paid_again(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    attempt, url = an_open_attempt(wish)
    simulator.pay(url)
    services.settle(attempt.id)
    db.session.commit()
    with pytest.raises(AlreadyPaid):
        services.start_attempt(wish)
    with pytest.raises(AlreadyPaid):
        services.close_subject(wish.purpose, wish.subject_id)
    assert len(queries.attempts_of(wish.purpose, wish.subject_id)) == 1


def test_another_amount_than_asked_goes_back_and_does_not_count(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    # As if our row had been changed while the customer was paying.
    db.session.execute(text("UPDATE payment_attempt SET amount_minor = 999 WHERE id = :id"), {"id": attempt.id})
    db.session.commit()
    deliver(simulator)
    assert drain("payment") == ["payment.settle", "payment.send_refund"]
    assert queries.attempt(attempt.id).state is AttemptState.REFUNDED
    (refund,) = queries.refunds_for(Purpose.NEW_BUSINESS, attempt.subject_id)
    assert (refund.reason, refund.state, refund.amount) == (
        RefundReason.AMOUNT_MISMATCH,
        RefundState.SUCCEEDED,
        PREMIUM,
    )
    assert "fact.succeeded" not in waiting()
    assert [refund["amount"] for refund in simulator.listed("/v1/refunds")] == [128_400]
    assert trail(attempt.id) == ["payment:started", "refund:requested", "refund:succeeded"]


def test_money_for_a_closed_subject_goes_back(simulator: SimulatorServer) -> None:
    attempt, url = an_open_attempt()
    simulator.pay(url)
    services.close_subject(Purpose.NEW_BUSINESS, attempt.subject_id)
    assert "payment.send_refund" in drain("payment")
    (refund,) = queries.refunds_for(Purpose.NEW_BUSINESS, attempt.subject_id)
    assert (refund.reason, refund.state) == (RefundReason.LATE_PAYMENT, RefundState.SUCCEEDED)
    assert "fact.succeeded" not in waiting()


def test_the_second_payment_for_the_same_thing_goes_back(simulator: SimulatorServer) -> None:
    wish = a_wish_to_pay()
    first, first_url = an_open_attempt(wish)
    with clock.frozen(clock.now() + timedelta(hours=2)):
        second = services.start_attempt(wish)
        db.session.commit()
    second_url = services.open_session(second.id)
    db.session.commit()
    simulator.pay(second_url)
    services.settle(second.id)
    simulator.pay(first_url)  # the first page is still open at the provider: its closing is late
    drain("payment")
    assert queries.attempt(second.id).state is AttemptState.SUCCEEDED
    assert queries.attempt(first.id).state is AttemptState.REFUNDED
    (refund,) = queries.refunds_for(wish.purpose, wish.subject_id)
    assert (refund.attempt_id, refund.reason) == (first.id, RefundReason.SECOND_PAYMENT)
    assert waiting().count("fact.succeeded") == 1


def test_a_page_of_another_payment_is_not_believed(simulator: SimulatorServer) -> None:
    paid, url = an_open_attempt()
    other, _ = an_open_attempt()
    simulator.pay(url)
    services.settle(paid.id)
    db.session.commit()
    (complete,) = simulator.listed("/v1/checkout/sessions", status="complete")
    with pytest.raises(SessionMismatch):
        services.settle(other.id, complete["id"])
    db.session.rollback()
    assert queries.attempt(other.id).state is AttemptState.OPEN
    assert waiting() == ["fact.succeeded"]


def test_an_event_is_a_hint_and_only_the_provider_is_believed(simulator: SimulatorServer) -> None:
    """Signed, but telling of another time: late, early or out of order makes no difference."""
    attempt, url = an_open_attempt()
    simulator.pay(url)
    completed = simulator.webhook("checkout.session.completed").payload
    tell(completed, "evt_early", "checkout.session.expired")
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    tell(completed, "evt_late", "checkout.session.async_payment_failed")
    drain("payment")
    assert queries.attempt(attempt.id).state is AttemptState.SUCCEEDED
    unpaid, _ = an_open_attempt()
    tell(completed, "evt_untrue", "checkout.session.completed", unpaid.id)
    with pytest.raises(SessionMismatch):
        drain("payment")
    assert queries.attempt(unpaid.id).state is AttemptState.OPEN
    assert waiting() == ["fact.succeeded"]


def test_an_attempt_never_opened_runs_out_by_itself(simulator: SimulatorServer) -> None:
    attempt = services.start_attempt(a_wish_to_pay())
    db.session.commit()
    with clock.frozen(clock.now() + timedelta(hours=2)):
        assert services.reconcile() == 1
        drain("payment")
        assert services.reconcile() == 0
    assert queries.attempt(attempt.id).state is AttemptState.EXPIRED
    assert waiting() == ["fact.expired"]
