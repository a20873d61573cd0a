"""Idempotency keys: the same request is done once, however often it is sent."""

import threading

import pytest
import requests
import stripe

from tests.simulator.harness import KEY, Running, client_for, until


def post(sim: Running, path: str, key: str, **form: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": key}
    return requests.post(f"{sim.url}{path}", data=form, headers=headers, timeout=10)


def test_the_same_request_gets_the_same_answer(sim: Running, client: stripe.StripeClient):
    first = post(sim, "/v1/customers", "k1", email="a@example.com")
    second = post(sim, "/v1/customers", "k1", email="a@example.com")
    assert first.status_code == second.status_code == 200
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.headers["Request-Id"] != second.headers["Request-Id"]
    assert len(client.v1.customers.list().data) == 1


def test_the_answer_is_that_of_the_first_time_even_when_things_moved_on(client: stripe.StripeClient):
    first = client.v1.payment_intents.create({"amount": 5, "currency": "cny"}, {"idempotency_key": "pay"})
    client.v1.payment_intents.cancel(first.id)
    replayed = client.v1.payment_intents.create({"amount": 5, "currency": "cny"}, {"idempotency_key": "pay"})
    assert (replayed.id, replayed.status) == (first.id, "requires_payment_method")


def test_other_parameters_under_the_same_key_are_refused(client: stripe.StripeClient):
    client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refusal:
        client.v1.customers.create({"email": "b@example.com"}, {"idempotency_key": "k"})
    assert refusal.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.payment_intents.create({"amount": 5, "currency": "cny"}, {"idempotency_key": "k"})
    assert len(client.v1.customers.list().data) == 1
    assert client.v1.payment_intents.list().data == []


def test_a_second_request_while_the_first_is_worked_on_is_a_conflict(sim: Running, client: stripe.StripeClient):
    answers: list[int] = []

    def first() -> None:
        answers.append(post(sim, "/v1/customers", "slow", email="a@example.com").status_code)

    with sim.simulator.store.transaction():  # nobody else can work now
        thread = threading.Thread(target=first)
        thread.start()
        until(lambda: "slow" in sim.simulator.door.in_flight)
        conflict = post(sim, "/v1/customers", "slow", email="a@example.com")
    thread.join()
    assert conflict.status_code == 409
    assert conflict.json()["error"]["code"] == "idempotency_key_in_use"
    assert answers == [200]
    assert len(client.v1.customers.list().data) == 1
    assert post(sim, "/v1/customers", "slow", email="a@example.com").headers["Idempotent-Replayed"] == "true"


def test_a_conflict_can_be_provoked_over_http(sim: Running, client: stripe.StripeClient):
    sim.switch(fail_next={"path": "/v1/customers", "how": "slow", "seconds": 0.5, "when": "during"})
    answers: list[requests.Response] = []
    thread = threading.Thread(target=lambda: answers.append(post(sim, "/v1/customers", "k", email="a@example.com")))
    thread.start()
    until(lambda: "k" in sim.simulator.door.in_flight)
    conflict = post(sim, "/v1/customers", "k", email="a@example.com")
    other = post(sim, "/v1/customers", "another", email="b@example.com")
    assert answers == [], "the first is still being worked on"
    thread.join()
    assert (conflict.status_code, conflict.json()["error"]["type"]) == (409, "idempotency_error")
    assert conflict.json()["error"]["code"] == "idempotency_key_in_use"
    assert (other.status_code, answers[0].status_code) == (200, 200)
    assert post(sim, "/v1/customers", "k", email="a@example.com").json() == answers[0].json()
    assert len(client.v1.customers.list().data) == 2


def test_the_library_waits_for_the_one_that_came_first(sim: Running, client: stripe.StripeClient):
    """Its second retry comes after three quarters of a second at the earliest."""
    sim.switch(fail_next={"path": "/v1/customers", "how": "slow", "seconds": 0.3, "when": "during"})
    answers: list[requests.Response] = []
    thread = threading.Thread(target=lambda: answers.append(post(sim, "/v1/customers", "k", email="a@example.com")))
    thread.start()
    until(lambda: "k" in sim.simulator.door.in_flight)
    made = client.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"})
    thread.join()
    assert made.id == answers[0].json()["id"]
    assert [customer.id for customer in client.v1.customers.list().data] == [made.id]
    with pytest.raises(stripe.APIError) as refusal, sim.simulator.door.in_flight.claimed("k2"):
        client_for(sim.url, retries=0).v1.customers.create({}, {"idempotency_key": "k2"})
    assert refusal.value.http_status == 409


def test_a_declined_card_is_replayed_and_not_tried_again(client: stripe.StripeClient):
    params = {"amount": 5, "currency": "cny", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    refusals = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as refusal:
            client.v1.payment_intents.create(params, {"idempotency_key": "k"})
        refusals.append(refusal.value.json_body)
    assert refusals[0] == refusals[1]
    assert len(client.v1.charges.list().data) == 1


def test_a_request_whose_parameters_were_wrong_can_be_mended_under_its_key(sim: Running, client: stripe.StripeClient):
    assert post(sim, "/v1/customers", "k", surprise="x").status_code == 400
    assert post(sim, "/v1/customers", "k", email="a@example.com").status_code == 200
    assert len(client.v1.customers.list().data) == 1


def test_a_saved_failure_is_replayed_and_the_library_told_not_to_retry(sim: Running, client: stripe.StripeClient):
    sim.switch(fail_next=[{"path": "/v1/customers", "status": 500, "when": "stored"}])
    for _ in range(2):
        answer = post(sim, "/v1/customers", "k", email="a@example.com")
        assert answer.status_code == 500
        assert answer.json()["error"]["type"] == "api_error"
        assert answer.headers["Stripe-Should-Retry"] == "false"
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert client.v1.customers.list().data == []
    assert client.v1.events.list().data == []
    assert post(sim, "/v1/customers", "another", email="a@example.com").status_code == 200


def test_a_key_is_forgotten_after_a_day_and_not_before(sim: Running, client: stripe.StripeClient):
    post(sim, "/v1/customers", "k", email="a@example.com")
    sim.instant.pass_by(86_400)
    sim.simulator.keep_house()
    assert post(sim, "/v1/customers", "k", email="a@example.com").headers["Idempotent-Replayed"] == "true"
    sim.instant.pass_by(1)
    sim.simulator.keep_house()
    assert "Idempotent-Replayed" not in post(sim, "/v1/customers", "k", email="a@example.com").headers
    assert len(client.v1.customers.list().data) == 2


def test_a_key_that_is_too_long_is_refused(sim: Running, client: stripe.StripeClient):
    answer = post(sim, "/v1/customers", "k" * 256, email="a@example.com")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "idempotency_error")
    assert client.v1.customers.list().data == []


def test_many_at_once_under_one_key_make_one_object(sim: Running, client: stripe.StripeClient):
    start = threading.Barrier(8)
    made: list[str] = []

    def send() -> None:
        start.wait()
        own = client_for(sim.url, retries=20)
        made.append(own.v1.customers.create({"email": "a@example.com"}, {"idempotency_key": "k"}).id)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1
    assert len(client.v1.customers.list().data) == 1
