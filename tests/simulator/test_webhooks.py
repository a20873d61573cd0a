"""Signed webhooks: who gets them, how often they are tried, what may be lost."""

from collections.abc import Callable
from pathlib import Path

import pytest
import stripe

from sandbox.stripe_simulator.deliveries import pause_after
from tests.simulator.harness import Instant, Running, Shop, open_session, paid_session, running, until

SECRET = "whsec_of_the_shop"
OF_A_PURCHASE = {
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
}


def verified(client: stripe.StripeClient, body: bytes, signature: str) -> stripe.Event:
    return client.construct_event(body, signature, SECRET)


def undelivered(client: stripe.StripeClient) -> list[str]:
    return [event.type for event in client.v1.events.list({"delivery_success": False}).data]


def test_a_purchase_is_told_to_the_configured_endpoint_with_a_signature_the_library_accepts(
    database: Path, instant: Instant, shop: Shop
):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        session = paid_session(sim.client)
        shop.wait_for(4)
        events = [verified(sim.client, body, signature) for body, signature in shop.received]
        assert {event.type for event in events} == OF_A_PURCHASE
        completed = next(event for event in events if event.type == "checkout.session.completed")
        assert completed.api_version == stripe.api_version
        assert completed.livemode is False
        assert completed.data.object["id"] == session.id
        assert completed.data.object["metadata"]["order"] == "7"
        assert completed.data.object["payment_status"] == "paid"
        until(lambda: undelivered(sim.client) == [])
        assert sim.client.v1.events.retrieve(completed.id).pending_webhooks == 0


def test_a_changed_body_another_secret_and_an_old_signature_are_not_accepted(
    database: Path, instant: Instant, shop: Shop
):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        client = sim.client
        open_session(client)
        client.v1.customers.create()
        shop.wait_for(1)
        body, signature = shop.received[0]
        verified(client, body, signature)
        forgeries = [
            (body.replace(b"customer", b"costumer"), signature, SECRET),
            (body, signature, "whsec_other"),
            (body, signature.replace("t=", "t=1"), SECRET),
        ]
        for forged, forged_signature, secret in forgeries:
            with pytest.raises(stripe.SignatureVerificationError):
                client.construct_event(forged, forged_signature, secret)
        instant.pass_by(-301)
        client.v1.customers.create()
        shop.wait_for(2)
        with pytest.raises(stripe.SignatureVerificationError, match="tolerance"):
            verified(client, *shop.received[1])


def test_a_rolled_secret_signs_beside_the_old_one_for_a_day(database: Path, instant: Instant, shop: Shop):
    """Stripe keeps the old secret in use for up to 24 hours, and signs test events with a scheme that means nothing."""
    old, new = SECRET, "whsec_rolled"
    with running(database, instant, webhook_url=shop.url, webhook_secret=old):
        pass
    with running(database, instant, webhook_url=shop.url, webhook_secret=new) as sim:
        sim.simulator.start_deliveries()
        client = sim.client
        client.v1.customers.create()
        shop.wait_for(1)
        schemes = [part.partition("=")[0] for part in shop.received[0][1].split(",")]
        assert schemes == ["t", "v1", "v1", "v0"]
        for secret in (old, new):
            assert client.construct_event(*shop.received[0], secret).type == "customer.created"
        until(lambda: undelivered(client) == [])
    with running(database, instant, webhook_url=shop.url, webhook_secret=new) as sim:
        instant.pass_by(86_400)
        sim.simulator.start_deliveries()
        client = sim.client
        client.v1.customers.create()
        shop.wait_for(2)
        assert [part.partition("=")[0] for part in shop.received[1][1].split(",")] == ["t", "v1", "v0"]
        body, signature = shop.received[1]
        assert client.construct_event(body, signature, new).type == "customer.created"
        with pytest.raises(stripe.SignatureVerificationError, match="No signatures found"):
            client.construct_event(body, signature, old)


def test_nothing_is_sent_before_deliveries_are_started(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.client.v1.customers.create()
        assert undelivered(sim.client) == ["customer.created"]
        assert shop.received == []
        sim.simulator.start_deliveries()
        sim.simulator.start_deliveries()
        shop.wait_for(1)
        until(lambda: undelivered(sim.client) == [])
        assert shop.types() == ["customer.created"]


def test_a_failed_delivery_is_tried_again_with_a_fresh_signature(database: Path, instant: Instant, shop: Shop):
    shop.answers = [500, 302, 200]
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        sim.client.v1.customers.create()
        for number in (1, 2):
            shop.wait_for(number)
            assert undelivered(sim.client) == ["customer.created"]
            until(lambda tries=number: _attempts(sim) == tries)
            instant.pass_by(1)
            sim.simulator.deliveries.wake()
        events = shop.wait_for(3)
        until(lambda: undelivered(sim.client) == [])
        assert len({event["id"] for event in events}) == 1
        assert len({signature for _, signature in shop.received}) == 3


def _attempts(sim: Running) -> int:
    with sim.simulator.store.transaction() as records:
        return int(records.sql.execute("SELECT MAX(attempts) FROM delivery").fetchone()[0])


def test_the_pauses_between_tries_grow_up_to_the_longest():
    pauses = [pause_after(attempts, first=1.0, longest=3600.0) for attempts in (1, 2, 3, 4, 12, 13, 1000)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 2048.0, 3600.0, 3600.0]


def test_after_three_days_it_is_given_up(database: Path, instant: Instant, shop: Shop):
    shop.answers = [500]
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        sim.client.v1.customers.create()
        shop.wait_for(1)
        until(lambda: _attempts(sim) == 1)
        instant.pass_by(3 * 86_400)
        sim.simulator.deliveries.wake()
        until(lambda: _attempts(sim) == 2)
        instant.pass_by(86_400)
        sim.simulator.deliveries.wake()
        with sim.simulator.store.transaction() as records:
            states = records.sql.execute("SELECT state, attempts, last_error FROM delivery").fetchall()
        assert states == [("given_up", 2, "HTTP 500")]
        assert undelivered(sim.client) == ["customer.created"]
        assert len(shop.received) == 2


def test_a_dead_endpoint_holds_up_nobody_else(sim: Running, open_shop: Callable[[], Shop]):
    client, alive = sim.client, open_shop()
    dead = client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/webhook", "enabled_events": ["*"]})
    living = client.v1.webhook_endpoints.create({"url": alive.url, "enabled_events": ["*"]})
    sim.simulator.start_deliveries()
    for _ in range(5):
        client.v1.customers.create()
    alive.wait_for(5)
    until(lambda: _delivered(sim, living.id) == 5)
    assert _delivered(sim, dead.id) == 0
    event = client.v1.events.list().data[0]
    assert event.pending_webhooks == 1


def _delivered(sim: Running, endpoint_id: str) -> int:
    with sim.simulator.store.transaction() as records:
        row = records.sql.execute(
            "SELECT COUNT(*) FROM delivery WHERE endpoint_id = ? AND state = 'delivered'", (endpoint_id,)
        ).fetchone()
    return int(row[0])


def test_an_endpoint_gets_only_the_events_it_asked_for(sim: Running, shop: Shop):
    sim.simulator.start_deliveries()
    client = sim.client
    endpoint = client.v1.webhook_endpoints.create(
        {"url": shop.url, "enabled_events": ["checkout.session.completed"], "description": "the shop"}
    )
    assert endpoint.secret is not None
    assert endpoint.secret.startswith("whsec_")
    paid_session(client)
    shop.wait_for(1)
    until(lambda: undelivered(client) == [])
    assert shop.types() == ["checkout.session.completed"]
    assert client.construct_event(*shop.received[0], endpoint.secret).type == "checkout.session.completed"


def test_the_secret_of_an_endpoint_is_told_once(client: stripe.StripeClient, shop: Shop):
    endpoint = client.v1.webhook_endpoints.create({"url": shop.url, "enabled_events": ["*"]})
    assert endpoint.secret is not None
    assert not hasattr(client.v1.webhook_endpoints.retrieve(endpoint.id), "secret")
    assert [hasattr(e, "secret") for e in client.v1.webhook_endpoints.list().data] == [False]


def test_a_deleted_endpoint_gets_nothing_more(sim: Running, shop: Shop):
    client = sim.client
    endpoint = client.v1.webhook_endpoints.create({"url": shop.url, "enabled_events": ["*"]})
    client.v1.customers.create()
    assert client.v1.webhook_endpoints.delete(endpoint.id).deleted
    sim.simulator.start_deliveries()
    client.v1.customers.create()
    assert client.v1.webhook_endpoints.list().data == []
    with sim.simulator.store.transaction() as records:
        assert records.sql.execute("SELECT COUNT(*) FROM delivery").fetchone() == (0,)
    assert shop.received == []


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"url": "nowhere", "enabled_events": ["*"]}, "url"),
        ({"url": "http://127.0.0.1/x"}, "enabled_events"),
        ({"url": "http://127.0.0.1/x", "enabled_events": ["*"], "connect": "yes, please"}, "connect"),
    ],
)
def test_a_wrong_endpoint_is_refused(client: stripe.StripeClient, params: dict, param: str):
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.webhook_endpoints.create(params)
    assert refusal.value.param == param
    assert client.v1.webhook_endpoints.list().data == []


def test_the_configured_endpoint_follows_the_settings(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url="http://127.0.0.1:9/old", webhook_secret="whsec_old") as sim:
        sim.client.v1.customers.create()
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        assert [e.url for e in sim.client.v1.webhook_endpoints.list().data] == [shop.url]
        sim.simulator.start_deliveries()
        shop.wait_for(1)
        assert verified(sim.client, *shop.received[0]).type == "customer.created"
    with running(database, instant) as sim:
        assert sim.client.v1.webhook_endpoints.list().data == []


def test_a_lost_webhook_stays_lost_and_can_be_found(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        sim.switch(drop_webhooks=True)
        session = paid_session(sim.client)
        sim.switch()
        sim.client.v1.customers.create()
        shop.wait_for(1)
        until(lambda: "customer.created" not in undelivered(sim.client))
        assert shop.types() == ["customer.created"]
        assert set(undelivered(sim.client)) == OF_A_PURCHASE
        lost = sim.client.v1.events.list({"delivery_success": False, "type": "checkout.session.completed"})
        assert [event.data.object["id"] for event in lost.data] == [session.id]


def test_every_webhook_can_come_twice(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        sim.switch(duplicate_webhooks=True)
        sim.client.v1.customers.create()
        first, second = shop.wait_for(2)
        assert first["id"] == second["id"]
        until(lambda: undelivered(sim.client) == [])
        assert len(shop.received) == 2


def test_webhooks_can_come_late(database: Path, instant: Instant, shop: Shop):
    with running(database, instant, webhook_url=shop.url, webhook_secret=SECRET) as sim:
        sim.simulator.start_deliveries()
        sim.switch(delay_webhooks=30)
        late = sim.client.v1.customers.create()
        sim.switch()
        prompt = sim.client.v1.customers.create()
        shop.wait_for(1)
        instant.pass_by(30)
        sim.simulator.deliveries.wake()
        shop.wait_for(2)
        assert [event["data"]["object"]["id"] for event in shop.events()] == [prompt.id, late.id]
