"""Events: what happened, in order, with the object as it was then."""

import pytest
import stripe

from tests.simulator.harness import Running, open_session, paid_session


def test_a_purchase_and_a_refund_leave_their_events_newest_first(client: stripe.StripeClient):
    session = paid_session(client)
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    client.v1.refunds.create({"payment_intent": session.payment_intent.id})
    assert [event.type for event in client.v1.events.list().data] == [
        "charge.refunded",
        "refund.created",
        "checkout.session.completed",
        "payment_intent.succeeded",
        "charge.succeeded",
        "payment_intent.created",
    ]


def test_an_event_keeps_the_object_as_it_was(client: stripe.StripeClient):
    session = paid_session(client)
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    client.v1.refunds.create({"payment_intent": session.payment_intent.id, "amount": 400})
    succeeded = client.v1.events.list({"type": "charge.succeeded"}).data[0]
    refunded = client.v1.events.list({"type": "charge.refunded"}).data[0]
    assert succeeded.data.object["amount_refunded"] == 0
    assert refunded.data.object["amount_refunded"] == 400
    assert refunded.data.to_dict()["previous_attributes"] == {"amount_refunded": 0, "refunded": False}
    assert client.v1.events.retrieve(succeeded.id).data.object["amount_refunded"] == 0


def test_an_event_names_the_request_that_caused_it(client: stripe.StripeClient):
    customer = client.v1.customers.create({}, {"idempotency_key": "my-key"})
    event = client.v1.events.list().data[0]
    assert event.request is not None
    assert event.request.idempotency_key == "my-key"
    assert customer.last_response is not None
    assert event.request.id == customer.last_response.request_id


def test_what_a_person_did_on_the_page_has_no_request(client: stripe.StripeClient):
    paid_session(client)
    requests = [event.request for event in client.v1.events.list().data]
    assert [(r.id, r.idempotency_key) for r in requests if r is not None] == [(None, None)] * 4


def test_events_are_found_by_type_time_and_delivery(sim: Running, client: stripe.StripeClient):
    client.v1.customers.create()
    sim.instant.pass_by(100)
    moment = int(sim.instant())
    paid_session(client)

    def found(**params: object) -> list[str]:
        return [event.type for event in client.v1.events.list(params).data]  # type: ignore[arg-type]

    assert found(type="customer.created") == ["customer.created"]
    assert found(type="payment_intent.*") == ["payment_intent.succeeded", "payment_intent.created"]
    assert found(types=["customer.created", "charge.succeeded"]) == ["charge.succeeded", "customer.created"]
    assert len(found(created={"gte": moment})) == 4
    assert found(created={"lt": moment}) == ["customer.created"]
    assert len(found(created=moment)) == 4
    assert found(delivery_success=False) == []
    assert len(found(delivery_success=True)) == 5


def test_after_thirty_days_an_event_is_neither_listed_nor_found(sim: Running, client: stripe.StripeClient):
    client.v1.customers.create()
    event = client.v1.events.list().data[0]
    sim.instant.pass_by(30 * 86_400)
    assert client.v1.events.retrieve(event.id).id == event.id
    assert [found.id for found in client.v1.events.list().data] == [event.id]
    sim.instant.pass_by(1)
    assert client.v1.events.list({"created": {"gte": event.created}}).data == []
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.events.retrieve(event.id)
    assert refusal.value.code == "resource_missing"


def test_type_and_types_exclude_each_other(client: stripe.StripeClient):
    with pytest.raises(stripe.InvalidRequestError, match="only specify one"):
        client.v1.events.list({"type": "a", "types": ["b"]})


def test_a_refused_request_leaves_no_event(client: stripe.StripeClient):
    open_session(client)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": "pi_unknown"})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.retrieve("evt_unknown")
    assert client.v1.events.list().data == []
