"""The door: keys, versions, unknown routes, faults on purpose."""

import pytest
import requests
import stripe

from sandbox.stripe_simulator.settings import API_VERSION
from tests.simulator.harness import KEY, Running, client_for, open_session, paid_session


def ask(sim: Running, method: str, path: str, **options: object) -> requests.Response:
    headers = {"Authorization": f"Bearer {KEY}"} | dict(options.pop("headers", {}))  # type: ignore[call-overload]
    return requests.request(method, f"{sim.url}{path}", headers=headers, timeout=5, **options)  # type: ignore[arg-type]


def test_the_version_is_that_of_the_pinned_library():
    assert stripe.api_version == API_VERSION


@pytest.mark.parametrize("key", ["sk_live_x", "rk_test_x", "pk_test_x", "sk_test_another", "x"])
def test_only_the_expected_test_key_opens(sim: Running, key: str):
    with pytest.raises(stripe.AuthenticationError) as refusal:
        client_for(sim.url, key).v1.customers.create()
    assert refusal.value.http_status == 401
    assert key not in str(refusal.value.user_message)
    assert sim.client.v1.customers.list().data == []


def test_without_a_key_the_door_stays_shut(sim: Running):
    answer = requests.get(f"{sim.url}/v1/customers", timeout=5)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


def test_a_key_may_come_as_the_name_of_basic_authentication(sim: Running):
    assert requests.get(f"{sim.url}/v1/customers", auth=(KEY, ""), timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/invoices"),
        ("POST", "/v1/customers/cus_1/sources"),
        ("DELETE", "/v1/refunds"),
        ("GET", "/v2/core/events"),
    ],
)
def test_an_unknown_route_is_named(sim: Running, method: str, path: str):
    answer = ask(sim, method, path)
    assert answer.status_code == 404
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert f"({method}: {path})" in error["message"]


@pytest.mark.parametrize("headers", [{"Stripe-Version": "2020-01-01"}, {"Stripe-Context": "acct_1"}])
def test_a_header_that_would_be_ignored_is_refused(sim: Running, headers: dict[str, str]):
    answer = ask(sim, "POST", "/v1/customers", headers=headers)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")
    assert sim.client.v1.customers.list().data == []


def test_parameters_in_another_notation_are_refused(sim: Running):
    assert ask(sim, "POST", "/v1/customers", json={"email": "a@example.com"}).status_code == 400
    assert ask(sim, "POST", "/v1/customers", data={"email[a": "x"}).json()["error"]["param"] == "email[a"
    assert ask(sim, "POST", "/v1/customers", data={"name": "x", "name[y]": "z"}).status_code == 400
    assert sim.client.v1.customers.list().data == []


def test_a_body_that_is_too_large_is_refused_in_stripes_shape(sim: Running):
    answer = ask(sim, "POST", "/v1/customers", data={"name": "x" * 1_100_000})
    assert (answer.status_code, answer.json()["error"]["type"]) == (413, "invalid_request_error")
    assert sim.client.v1.customers.list().data == []


def test_lists_may_be_written_with_empty_brackets(sim: Running):
    paid_session(sim.client)
    answer = ask(sim, "GET", "/v1/charges?expand[]=data.payment_intent&expand[]=data.customer&limit=1")
    assert answer.json()["data"][0]["payment_intent"]["object"] == "payment_intent"


def test_work_done_but_answer_lost_is_found_by_the_librarys_own_retry(sim: Running, client: stripe.StripeClient):
    sim.switch(fail_next=[{"path": "/v1/checkout/sessions", "status": 502, "when": "after"}])
    session = open_session(client)
    assert [found.id for found in client.v1.checkout.sessions.list().data] == [session.id]
    assert requests.get(f"{sim.url}/_simulator/faults", timeout=5).json()["fail_next"] == []


def test_a_failure_before_the_work_leaves_nothing(sim: Running):
    sim.switch(fail_next=[{"path": "/v1/checkout/*", "status": 503, "times": 3}])
    with pytest.raises(stripe.APIError) as failure:
        open_session(sim.client)
    assert failure.value.http_status == 503
    assert sim.client.v1.checkout.sessions.list().data == []
    assert open_session(sim.client).status == "open"


def test_a_failure_can_be_asked_of_reading_alone(sim: Running):
    sim.switch(fail_next=[{"path": "/v1/customers/*", "method": "GET", "status": 429}])
    customer = sim.client.v1.customers.create()
    with pytest.raises(stripe.RateLimitError):
        sim.client.v1.customers.retrieve(customer.id)
    assert sim.client.v1.customers.retrieve(customer.id).id == customer.id


@pytest.mark.parametrize(
    "switches", [{"drop_hooks": True}, {"fail_next": [{"path": "/v1/x", "status": 200}]}, {"delay_webhooks": -1}]
)
def test_a_switch_that_does_not_exist_is_refused_and_changes_nothing(sim: Running, switches: dict):
    sim.switch(duplicate_webhooks=True)
    answer = requests.post(f"{sim.url}/_simulator/faults", json=switches, timeout=5)
    assert answer.status_code == 422
    assert requests.get(f"{sim.url}/_simulator/faults", timeout=5).json()["duplicate_webhooks"] is True


def test_a_form_of_a_foreign_page_can_not_set_switches(sim: Running):
    answer = requests.post(f"{sim.url}/_simulator/faults", data={"drop_webhooks": "true"}, timeout=5)
    assert answer.status_code == 415
    assert requests.get(f"{sim.url}/_simulator/faults", timeout=5).json()["drop_webhooks"] is False


def test_the_simulator_says_how_it_is(sim: Running):
    assert requests.get(f"{sim.url}/_simulator/health", timeout=5).json() == {"status": "ok", "deliveries": {}}
    sim.client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    sim.client.v1.customers.create()
    assert requests.get(f"{sim.url}/_simulator/health", timeout=5).json()["deliveries"] == {"pending": 1}


def test_a_fault_of_our_own_is_an_api_error_that_undoes_the_work(
    sim: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("sandbox.stripe_simulator.expansion.expanded", lambda *_: 1 / 0)
    with pytest.raises(stripe.APIError) as failure:
        client_for(sim.url, retries=0).v1.customers.create({}, {"idempotency_key": "k"})
    assert failure.value.http_status == 500
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()
    assert sim.client.v1.customers.list().data == []
    assert sim.client.v1.events.list().data == []
