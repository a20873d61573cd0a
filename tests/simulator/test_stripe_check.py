"""`make stripe-check`: what it finds, what it lets pass, whom it never asks, and that it asks what the product asks."""

import ast
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import stripe

from marketplace.infra import stripe_gateway
from marketplace.infra.payment_gateway import (
    Intent,
    NewAccount,
    NewCharge,
    NewSession,
    NewSetup,
    NewTransfer,
    PaymentCallRefused,
)
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel.money import Money
from sandbox.stripe_check import __main__ as command
from sandbox.stripe_check.comparison import broken_promises, differences, lies_in, shape, shape_of_headers
from sandbox.stripe_check.run import (
    PAUSE_SECONDS,
    TRIES,
    MissingReferenceError,
    Step,
    filled,
    form,
    given,
    run,
    scenario,
)
from tests.simulator.harness import KEY, Instant, Running, an_account, running, type_card

NEEDING_AN_ACCOUNT = 9


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[Running]:
    """Another simulator in Stripe's place; its switches make it answer differently."""
    with running(tmp_path / "stripe.sqlite3", Instant(), later_seconds=0) as sim:
        yield sim


def never(_seconds: float) -> None:
    pytest.fail("waited for what was there")


def test_the_simulator_keeps_every_promise_of_the_scenario(capsys: pytest.CaptureFixture[str]):
    assert command.check(None) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{len(scenario())} requests to the simulator, 0 departures from what is documented."
    assert said[1].startswith("Not compared with Stripe")
    assert len(said) == 2


def test_two_that_answer_alike_have_no_differences(stand_in: Running, capsys: pytest.CaptureFixture[str]):
    assert command.check(KEY, stand_in.url, an_account(stand_in)) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[1:] == [
        f"{len(scenario())} requests to Stripe, 0 places where the simulator's answers differ."
    ]


def test_without_a_connected_account_what_needs_one_is_not_asked(stand_in: Running, capsys: pytest.CaptureFixture[str]):
    assert command.check(KEY, stand_in.url) == 0
    said = capsys.readouterr().out.splitlines()
    unasked = [line for line in said if "not asked" in line]
    assert len(unasked) == NEEDING_AN_ACCOUNT
    assert unasked[0] == (
        "Stripe against the documentation · transfer · not asked: {destination} is not known: "
        "destination was not asked or not given (may depend on the account)"
    )
    asked = len(scenario()) - NEEDING_AN_ACCOUNT
    assert said[-1] == f"{asked} requests to Stripe, 0 places where the simulator's answers differ."
    assert stand_in.client.v1.transfers.list().data == []


def test_an_answer_that_differs_is_named(stand_in: Running, capsys: pytest.CaptureFixture[str]):
    stand_in.switch(
        fail_next=[
            {"path": "/v1/refunds", "status": 503, "when": "before"},
            {"path": "/v1/accounts", "status": 400, "when": "before"},
        ]
    )
    assert command.check(KEY, stand_in.url) > 0
    said = capsys.readouterr().out
    assert "Stripe against the documentation · refund · HTTP status: documented 200, found 503" in said
    assert "simulator against Stripe · refund · error: only Stripe has it" in said
    assert "simulator against Stripe · account · error: only Stripe has it (may depend on the account)" in said
    assert (
        "Stripe against the documentation · refund_read · not asked: {refund.id} is not in the answer of refund" in said
    )
    assert "simulator against Stripe · refund_read" not in said


def test_a_key_that_is_not_honoured_is_seen_in_the_headers(stand_in: Running, capsys: pytest.CaptureFixture[str]):
    stand_in.switch(forget_keys=True)
    assert command.check(KEY, stand_in.url) > 0
    said = capsys.readouterr().out
    promised = "Stripe against the documentation · paid_replayed · Idempotent-Replayed: documented true, found none"
    assert promised in said
    assert "simulator against Stripe · paid_replayed · headers.Idempotent-Replayed: only the simulator has it" in said


@pytest.mark.parametrize("key", ["sk_live_x", "rk_test_x"])
def test_a_key_that_is_not_a_test_key_is_refused_before_anything_is_asked(
    key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("STRIPE_CHECK_KEY", key)
    monkeypatch.setattr(command, "run", lambda *_: pytest.fail("something was asked"))
    assert command.main() == 2
    assert "test mode" in capsys.readouterr().err


def test_a_step_without_its_reference_is_not_asked_nor_those_after_it(stand_in: Running):
    stand_in.switch(fail_next={"path": "/v1/customers/*", "method": "GET", "times": 9})
    steps = (
        Step("none", "GET /v1/customers", 200),
        Step("first", "GET /v1/customers/{none.data.0.id}", 200),
        Step("second", "POST /v1/customers", 200, params={"name": "{first.name}"}),
        Step("last", "GET /v1/balance", 200),
    )
    found = run(stand_in.url, KEY, given("r", None, 0), steps, never)
    assert [outcome.missing for outcome in found] == [
        None,
        "{none.data.0.id} is not in the answer of none",
        "{first.name} is not known: first was not asked or not given",
        None,
    ]
    assert found[3].status == 200
    left = requests.get(f"{stand_in.url}/_simulator/faults", timeout=5).json()["fail_next"]
    assert left[0]["times"] == 9, "no customer was asked for"
    assert stand_in.client.v1.customers.list().data == []


def test_what_comes_later_is_asked_for_again(stand_in: Running):
    def make(seconds: float) -> None:
        assert seconds == PAUSE_SECONDS
        stand_in.client.v1.customers.create({"name": "Late"})

    steps = (Step("late", "GET /v1/customers", 200, until="data.0.id", expect={"data.0.name": "Late"}),)
    (outcome,) = run(stand_in.url, KEY, given("r", None, 0), steps, make)
    assert command.faults(outcome) == []
    assert len(stand_in.client.v1.customers.list().data) == 1


def test_what_never_comes_is_waited_for_within_limits(stand_in: Running):
    pauses: list[float] = []
    steps = (Step("never", "GET /v1/customers", 200, until="data.0.id"),)
    (outcome,) = run(stand_in.url, KEY, given("r", None, 0), steps, pauses.append)
    assert len(pauses) == TRIES - 1
    assert command.faults(outcome) == ["data.0.id: did not come in 30 tries, 1 s apart"]


def test_a_word_may_be_waited_for():
    step = Step("refund", "GET /v1/refunds/re_1", 200, until="status=succeeded")
    assert not step.is_there({"status": "pending"})
    assert step.is_there({"status": "succeeded"})
    assert Step("charge", "GET /v1/charges/ch_1", 200, until="refunded=true").is_there({"refunded": True})
    with pytest.raises(ValueError, match="only what is read"):
        Step("made", "POST /v1/customers", 200, until="id")


def test_what_hangs_on_the_account_or_comes_later_is_mentioned_and_not_counted(capsys: pytest.CaptureFixture[str]):
    step = Step("s", "GET /v1/x", 200, account=["data.0.kinds"], later=["charge.movement"])
    lines = [
        "data[0].kinds[0]: simulator a, Stripe b",
        "charge.movement: simulator txn_…, Stripe null",
        "charge.movements: simulator 1, Stripe 2",
        "HTTP status: documented 200, found 400",
    ]
    assert command.report("t", [(step, lines)], allowing=True) == 2
    assert [line.rpartition(" (")[2] for line in capsys.readouterr().out.splitlines()[:2]] == [
        "may depend on the account)",
        "may come later)",
    ]
    assert command.report("t", [(step, lines)], allowing=False) == 4
    whole = Step("s", "GET /v1/x", 200, account=True)
    assert command.report("t", [(whole, lines)], allowing=True) == 0
    assert lies_in("a.b", ["a"])
    assert not lies_in("ab", ["a"])


def test_shapes_forget_what_differs_by_nature_and_keep_the_rest():
    one = {"id": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "created": 5, "status": "open", "metadata": {"a": "b"}, "name": "x"}
    other = {"id": "pi_0123456789abcdef", "created": 9, "status": "open", "metadata": {"a": "b"}, "name": "y"}
    assert shape(one) == shape(other)
    changed = other | {
        "id": "ch_0123456789abcdef", "status": "paid", "created": None, "more": True, "metadata": {"a": "c"},
    }  # fmt: skip
    del changed["name"]
    assert list(differences(shape(one), shape(changed))) == [
        "created: simulator number, Stripe null",
        "id: simulator pi_…, Stripe ch_…",
        "metadata.a: simulator b, Stripe c",
        "more: only Stripe has it",
        "name: only the simulator has it",
        "status: simulator open, Stripe paid",
    ]


def test_headers_are_compared_as_far_as_they_tell_something():
    one = {"request-id": "req_0123456789", "Idempotent-Replayed": "true", "Date": "today"}
    assert shape_of_headers(one) == {"Request-Id": "req_…", "Idempotent-Replayed": "true"}


def test_promises_are_looked_up_by_path():
    answer = {"error": {"code": "x"}, "data": [{"id": 1}], "url": None}
    assert list(broken_promises({"error.code": "x", "data.0.id": 1, "url": "null"}, answer)) == []
    assert list(broken_promises({"data.1.id": 1}, answer)) == ["data.1.id: documented 1, found null"]


def test_references_and_forms_are_written_as_stripe_reads_them():
    answers = {"run": "r", "one": {"data": [{"id": "pi_1"}]}}
    params = filled({"a": "{one.data.0.id}", "b": [{"c": True}], "d": "{run}-x"}, answers)
    assert list(form(params)) == [("a", "pi_1"), ("b[0][c]", "true"), ("d", "r-x")]
    with pytest.raises(MissingReferenceError, match=r"\{one\.data\.1\.id\} is not in the answer of one"):
        filled("{one.data.1.id}", answers)


Asked = tuple[str, str, frozenset[str]]
"""A call: its method, its path with `*` for identifiers, and its parameters by name, some with their value."""
TOLD_APART = {"expand", "locale", "mode", "reason", "status", "ui_mode"}
"""Parameters whose very words count."""


def asked(method: str, path: str, pairs: Iterable[tuple[str, str]]) -> Asked:
    """Any word of ours may stand in metadata, so only that there is some counts."""
    names = {
        f"{base}={value}" if (base := name.split("[")[0]) in TOLD_APART else re.sub(r"(metadata)\]?\[.*", r"\1", name)
        for name, value in pairs
    }
    steps = ["*" if re.search(r"[{0-9]", step) else step for step in path.removeprefix("/v1/").split("/")]
    return method.upper(), "/".join(steps), frozenset(names)


def test_every_call_of_the_product_is_in_the_scenario(stand_in: Running, monkeypatch: pytest.MonkeyPatch):
    calls: set[Asked] = set()

    class Listening(stripe.RequestsClient):
        def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> Any:
            parts = urlsplit(url)
            calls.add(asked(method, parts.path, parse_qsl(post_data or parts.query)))
            assert method == "get" or headers["Idempotency-Key"]
            return super().request(method, url, headers, post_data)

    monkeypatch.setattr(stripe, "RequestsClient", Listening)
    monkeypatch.setattr(stripe_gateway.calling, "PAGE", 1)
    everything_the_gateway_can_ask(Gateway(KEY, "whsec_x", livemode=False, api_base=stand_in.url))
    assert len({call[:2] for call in calls}) == len(calls_in_the_source()), (
        "the gateway has a call that is not made here"
    )
    steps = [asked(step.method, step.path, form(step.params)) for step in scenario()]
    missing = [call for call in calls if not any(call[:2] == step[:2] and call[2] <= step[2] for step in steps)]
    assert missing == []


def everything_the_gateway_can_ask(gateway: Gateway) -> None:
    begun = datetime.now(UTC)  # noqa: TID251  Stripe's clock, not ours

    def new(number: int) -> NewSession:
        return NewSession(
            amount=Money(10_600, "CNY"),
            description="Household cover",
            email="li.na@example.com",
            locale="zh_Hans_CN",
            methods=("card", "alipay", "wechat_pay"),
            success_url="http://localhost:8000/return",
            cancel_url="http://localhost:8000/pay",
            expires_at=begun + timedelta(hours=1),
            our_id=f"attempt-{number}",
            metadata={"attempt_id": f"attempt-{number}"},
            idempotency_key=f"pay-{number}",
        )

    paid, first, second = (gateway.create_session(new(number)) for number in range(3))
    assert [found.id for found in gateway.list_sessions(begun - timedelta(minutes=1), "open")] == [
        second.id,
        first.id,
        paid.id,
    ]
    assert type_card(str(paid.url)).status_code == 303
    assert [found.id for found in gateway.list_sessions(begun - timedelta(minutes=1), "complete")] == [paid.id]
    intent = str(gateway.retrieve_session(paid.id).payment_intent_id)
    assert gateway.retrieve_intent(intent).metadata == {"attempt_id": "attempt-0"}
    assert gateway.expire_session(second.id).status == "expired"
    refund = gateway.create_refund(intent, Money(600, "CNY"), {"refund_id": "1"}, "refund-1")
    assert gateway.retrieve_refund(refund.id).metadata == {"refund_id": "1"}
    assert [found.id for found in gateway.list_refunds(intent)] == [refund.id]
    movements = list(gateway.list_movements(begun - timedelta(minutes=1)))
    assert [each.subject for each in movements] == [refund.id, intent]
    assert gateway.balance() == (sum((each.amount - each.fee for each in movements), Money.zero("CNY")),)
    for number in (3, 4):
        assert type_card(str(gateway.create_session(new(number)).url), "4000000000000259").status_code == 303
    disputed = list(gateway.list_disputes(begun - timedelta(minutes=1)))
    assert [each.amount for each in disputed] == [Money(10_600, "CNY")] * 2
    assert gateway.retrieve_dispute(disputed[0].id) == disputed[0]
    accounts = [gateway.create_account(NewAccount("H", "US", {"payee_id": name}, name)) for name in ("a", "b")]
    assert gateway.retrieve_account(accounts[0].id) == accounts[0]
    assert list(gateway.list_accounts(begun - timedelta(minutes=1))) == accounts[::-1]
    link = gateway.create_account_link(accounts[0].id, "http://localhost:8000/a", "http://localhost:8000/b")
    requests.post(link, data={"answer": "finish"}, timeout=5, allow_redirects=False).raise_for_status()
    keep_and_charge_a_card(gateway, begun)
    part = Money(900, "CNY")
    sent = gateway.create_transfer(
        NewTransfer(part, accounts[0].id, intent, "attempt-0", {"transfer_id": "1"}, "transfer-1")
    )
    assert gateway.list_transfers("attempt-0") == (sent,)
    back = gateway.reverse_transfer(sent.id, Money(400, "CNY"), {"reversal_id": "1"}, "reversal-1")
    assert gateway.list_reversals(sent.id) == (back,)
    shown, left = (gateway.create_verification(name, "http://localhost:8000/identity") for name in ("s", "l"))
    document = {"first_name": "Na", "last_name": "Li", "birth_on": "1992-03-05", "answer": "submit"}
    requests.get(str(shown.url), timeout=5).raise_for_status()
    requests.post(str(shown.url), data=document, timeout=5, allow_redirects=False).raise_for_status()
    proven = gateway.retrieve_verification(shown.id)
    assert (proven.status, proven.first_name, proven.last_name) == ("verified", "Na", "Li")
    assert (proven.birth_on, proven.metadata) == (date(1992, 3, 5), {"identity_session_id": "s"})
    assert gateway.cancel_verification(left.id).status == "canceled"
    assert gateway.redact_verification(shown.id).status == "verified"
    assert (sent.amount, back.amount, back.metadata) == (part, Money(400, "CNY"), {"reversal_id": "1"})


def keep_and_charge_a_card(gateway: Gateway, begun: datetime) -> None:
    somebody = gateway.create_customer("li.na@example.com", {"mandate_id": "1"}, "customer-1")
    back, until = "http://localhost:8000/kept", begun + timedelta(hours=1)
    page = gateway.create_setup(NewSetup(somebody, "en", back, back, until, "mandate-1", {"mandate_id": "1"}, "keep-1"))
    assert type_card(str(page.url), "4000002760003184").status_code == 303
    bank = type_card(str(page.url), "4000002760003184").headers["Location"]
    requests.post(bank, data={"answer": "confirm"}, timeout=5, allow_redirects=False)
    kept = gateway.retrieve_setup(page.id)
    assert (kept.last4, kept.customer_id, kept.our_id, kept.status) == ("3184", somebody, "mandate-1", "complete")

    def charge(name: str) -> Intent:
        about = {"attempt_id": name}
        amount, method = Money(10_600, "CNY"), str(kept.method_id)
        return gateway.charge_card(NewCharge(amount, somebody, method, "Household cover", name, about, name))

    one, other = charge("charge-1"), charge("charge-2")
    assert (one.status, one.declined, one.received) == ("requires_payment_method", "authentication_required", None)
    assert charge("charge-1") == one, "the same key has the same answer"
    assert gateway.cancel_intent(one.id).status == "canceled"
    listed = list(gateway.list_intents(somebody, begun - timedelta(minutes=1)))
    assert [each.id for each in listed] == [other.id, one.id]
    gateway.detach_card(str(kept.method_id))
    with pytest.raises(PaymentCallRefused):
        charge("charge-3")


def calls_in_the_source() -> set[str]:
    """The library's methods that the gateway names: `checkout.sessions.create` and so on."""
    tree = ast.parse(Path(stripe_gateway.__file__).read_text(encoding="utf-8"))
    chains = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    named = {chain.removeprefix("self._client.v1.") for chain in chains if chain.startswith("self._client.v1.")}
    return {chain for chain in named if not any(other.startswith(f"{chain}.") for other in named)}


def test_the_scenario_refers_to_earlier_steps_only():
    known = set(given("r", "acct_1", 0))
    for step in scenario():
        told = json.dumps([step.call, step.params, step.expect, step.headers, step.key])
        assert {name for name, _ in re.findall(r"\{([a-z_0-9]+)((?:\.[a-z_0-9.]+)?)\}", told)} <= known, step.name
        known.add(step.name)
