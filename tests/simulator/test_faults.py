"""What goes wrong on purpose: answers, connections, webhooks, keys; set over the API or on the page."""

import time
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from tests.simulator.harness import (
    KEY,
    Instant,
    Running,
    Shop,
    client_for,
    page_of,
    paid_session,
    running,
    until,
    words_of,
)

SECRET = "whsec_of_the_shop"


def post(sim: Running, path: str, key: str = "", **form: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {KEY}"} | ({"Idempotency-Key": key} if key else {})
    return requests.post(f"{sim.url}{path}", data=form, headers=headers, timeout=5)


def test_a_connection_cut_before_the_work_leaves_nothing(sim: Running):
    sim.switch(fail_next={"path": "/v1/customers", "how": "cut", "times": 1})
    with pytest.raises(requests.ConnectionError):
        post(sim, "/v1/customers")
    assert sim.client.v1.customers.list().data == []


def test_a_connection_cut_after_the_work_is_found_again_under_its_key(sim: Running):
    sim.switch(fail_next={"path": "/v1/customers", "how": "cut", "when": "after"})
    with pytest.raises(requests.ConnectionError):
        post(sim, "/v1/customers", "k", email="a@example.com")
    again = post(sim, "/v1/customers", "k", email="a@example.com")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [c.id for c in sim.client.v1.customers.list().data] == [again.json()["id"]]


def test_the_library_gets_over_a_cut_connection_by_itself_and_makes_one_object(sim: Running):
    sim.switch(fail_next={"path": "/v1/customers", "how": "cut", "when": "after", "times": 2})
    made = sim.client.v1.customers.create({"email": "a@example.com"})
    assert [c.id for c in sim.client.v1.customers.list().data] == [made.id]
    sim.switch(fail_next={"path": "/v1/customers", "how": "cut", "when": "before"})
    with pytest.raises(stripe.APIConnectionError):
        client_for(sim.url, retries=0).v1.customers.create()


def test_a_slow_answer_comes_and_is_the_right_one(sim: Running):
    sim.switch(fail_next={"path": "/v1/customers", "how": "slow", "seconds": 0.3, "when": "after"})
    begun = time.monotonic()
    assert sim.client.v1.customers.create().object == "customer"
    assert time.monotonic() - begun >= 0.3
    assert len(sim.client.v1.customers.list().data) == 1


def test_a_failure_waits_for_its_turn_and_its_parameters(sim: Running):
    sim.switch(fail_next={"path": "/v1/customers", "holding": "metadata[[]order]=7", "skip": 1, "status": 400})
    assert post(sim, "/v1/customers", **{"metadata[order]": "8"}).status_code == 200
    statuses = [post(sim, "/v1/customers", **{"metadata[order]": "7"}).status_code for _ in range(3)]
    assert statuses == [200, 400, 200]
    assert requests.get(f"{sim.url}/_simulator/faults", timeout=5).json()["fail_next"] == []


def test_a_failure_can_be_asked_of_every_method(sim: Running):
    sim.switch(fail_next={"path": "/v1/customers*", "method": "*", "status": 429, "times": 2})
    assert post(sim, "/v1/customers").status_code == 429
    with pytest.raises(stripe.RateLimitError):
        sim.client.v1.customers.list()
    assert sim.client.v1.customers.list().data == []


@pytest.mark.parametrize(
    "failure",
    [
        {"path": "/v1/x", "how": "cut", "when": "stored"},
        {"path": "/v1/x", "how": "slow"},
        {"path": "/v1/x", "how": "cut", "when": "during"},
        {"path": "/v1/x", "when": "during"},
        {"path": "/v1/x", "seconds": 5},
        {"path": "/elsewhere"},
    ],
)
def test_a_failure_that_makes_no_sense_is_refused(sim: Running, failure: dict[str, Any]):
    answer = requests.post(f"{sim.url}/_simulator/faults", json={"fail_next": failure}, timeout=5)
    assert answer.status_code == 422
    assert requests.get(f"{sim.url}/_simulator/faults", timeout=5).json()["fail_next"] == []


def test_forgotten_keys_do_the_work_twice(sim: Running, client: stripe.StripeClient):
    first = post(sim, "/v1/customers", "k", email="a@example.com").json()["id"]
    sim.switch(forget_keys=True)
    second = post(sim, "/v1/customers", "k", email="b@example.com")
    assert "Idempotent-Replayed" not in second.headers
    assert second.json()["id"] != first
    sim.switch()
    assert post(sim, "/v1/customers", "k", email="b@example.com").json()["id"] == second.json()["id"]
    assert len(client.v1.customers.list().data) == 2


def test_webhooks_can_come_in_the_wrong_order(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.switch(reorder_webhooks=True)
        paid_session(sim.client)
        sim.switch()
        told = [event.type for event in sim.client.v1.events.list().data]
        sim.simulator.start_deliveries()
        instant.pass_by(1)
        sim.simulator.deliveries.wake()
        shop.wait_for(4)
        assert (
            shop.types()
            == told
            == [
                "checkout.session.completed",
                "payment_intent.succeeded",
                "charge.succeeded",
                "payment_intent.created",
            ]
        )


def test_a_thin_event_names_what_the_library_then_fetches(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        sim.switch(thin_webhooks=True)
        session = paid_session(sim.client)
        shop.wait_for(1)
        until(lambda: any(b"v1.checkout.session.completed" in payload for payload, _ in shop.received))
        payload, signature = next(each for each in shop.received if b"v1.checkout.session.completed" in each[0])
        told = sim.client.parse_event_notification(payload, signature, SECRET)
        assert isinstance(told, stripe.events.V1CheckoutSessionCompletedEventNotification)
        assert told.related_object.id == session.id
        assert told.fetch_related_object().payment_status == "paid"
        with pytest.raises(ValueError, match="parse_event_notification"):
            sim.client.construct_event(payload, signature, SECRET)


def test_a_stale_signature_is_refused_and_the_next_try_is_fresh(database: Path, instant: Instant, shop: Shop):
    shop.answers = [400, 200]
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        sim.switch(stale_signatures=True)
        client = sim.client
        client.v1.customers.create()
        shop.wait_for(1)
        with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
            client.construct_event(*shop.received[0], SECRET)
        until(lambda: tries(sim) == 1)
        instant.pass_by(1)
        sim.simulator.deliveries.wake()
        shop.wait_for(2)
        assert client.construct_event(*shop.received[1], SECRET).type == "customer.created"


def tries(sim: Running) -> int:
    with sim.simulator.store.transaction() as records:
        return int(records.sql.execute("SELECT MAX(attempts) FROM delivery").fetchone()[0])


def test_switches_can_be_kept_to_some_events(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        sim.switch(drop_webhooks=True, webhook_types=["charge.*", "payment_intent.*"])
        paid_session(sim.client)
        shop.wait_for(1)
        undelivered = sim.client.v1.events.list
        until(lambda: len(undelivered({"delivery_success": False}).data) == 3)
        assert shop.types() == ["checkout.session.completed"]


def test_an_event_can_be_sent_again(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.switch(drop_webhooks=True)
        sim.simulator.start_deliveries()
        sim.client.v1.customers.create()
        event = sim.client.v1.events.list().data[0].id
        answer = requests.post(f"{sim.url}/_simulator/resend", json={"event": event}, timeout=5)
        assert answer.status_code == 200
        assert [e["id"] for e in shop.wait_for(1)] == [event]
        unknown = requests.post(f"{sim.url}/_simulator/resend", json={"event": "evt_x"}, timeout=5)
        assert unknown.status_code == 404


def test_the_page_sets_the_switches_and_shows_the_events(sim: Running):
    own = {"Origin": sim.url}
    form = {"drop_webhooks": "on", "delay_webhooks": "2", "webhook_types": "charge.* refund.*", "fail_next": ""}
    done = requests.post(f"{sim.url}/_simulator/", data=form, headers=own, timeout=5, allow_redirects=False)
    assert done.status_code == 303
    now = requests.get(f"{sim.url}/_simulator/faults", timeout=5).json()
    assert (now["drop_webhooks"], now["delay_webhooks"], now["reorder_webhooks"]) == (True, 2.0, False)
    assert now["webhook_types"] == ["charge.*", "refund.*"]
    sim.client.v1.customers.create()
    tree = page_of(requests.get(f"{sim.url}/_simulator/", timeout=5))
    assert "customer.created" in words_of(tree)
    checked = [i.get("id") for i in tree.iter("{http://www.w3.org/1999/xhtml}input") if i.get("checked") is not None]
    assert checked == ["drop_webhooks"]
    event = sim.client.v1.events.list().data[0].id
    again = requests.post(f"{sim.url}/_simulator/again", data={"event": event}, headers=own, timeout=5)
    assert again.status_code == 200


@pytest.mark.parametrize("origin", [None, "http://elsewhere.test"])
def test_a_foreign_page_can_not_post_the_forms(sim: Running, origin: str | None):
    headers = {"Origin": origin} if origin else {}
    for path in ("", "again"):
        answer = requests.post(f"{sim.url}/_simulator/{path}", data={"drop_webhooks": "on"}, headers=headers, timeout=5)
        assert answer.status_code == 403
    assert requests.get(f"{sim.url}/_simulator/faults", timeout=5).json()["drop_webhooks"] is False


def test_what_the_page_cannot_read_changes_nothing(sim: Running):
    sim.switch(drop_webhooks=True)
    for wrong in ({"fail_next": "{"}, {"fail_next": '[{"path": "x"}]'}, {"delay_webhooks": "soon"}):
        answer = requests.post(f"{sim.url}/_simulator/", data=wrong, headers={"Origin": sim.url}, timeout=5)
        assert answer.status_code == 422
        assert "Nothing was changed" in words_of(page_of(answer))
    assert requests.get(f"{sim.url}/_simulator/faults", timeout=5).json()["drop_webhooks"] is True
