"""`make stripe-check`: what it finds, what it lets pass, and whom it never asks."""

from pathlib import Path

import pytest

from sandbox.stripe_check import __main__ as command
from sandbox.stripe_check.comparison import broken_promises, differences, shape
from sandbox.stripe_check.run import filled, form, scenario
from tests.simulator.harness import KEY, Instant, Running, running


@pytest.fixture
def stand_in(tmp_path: Path):
    """Another simulator in Stripe's place; its switches make it answer differently."""
    with running(tmp_path / "stripe.sqlite3", Instant()) as sim:
        yield sim


def test_the_simulator_keeps_every_promise_of_the_scenario(capsys: pytest.CaptureFixture[str]):
    assert command.check(None) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"{len(scenario())} requests to the simulator, 0 departures from what is documented."
    assert said[1].startswith("Not compared with Stripe")
    assert len(said) == 2


def test_two_that_answer_alike_have_no_differences(stand_in: Running, capsys: pytest.CaptureFixture[str]):
    assert command.check(KEY, stand_in.url) == 0
    assert "0 places where the simulator's answers differ." in capsys.readouterr().out


def test_an_answer_that_differs_is_named(stand_in: Running, capsys: pytest.CaptureFixture[str]):
    stand_in.switch(
        fail_next=[
            {"path": "/v1/refunds", "status": 503, "when": "before"},
            {"path": "/v1/accounts", "status": 400, "when": "before"},
        ]
    )
    assert command.check(KEY, stand_in.url) > 0
    said = capsys.readouterr().out
    assert "Stripe against the documentation · refund · status: documented 200, found 503" in said
    assert "simulator against Stripe · refund · error: only Stripe has it" in said
    assert "simulator against Stripe · account · error: only Stripe has it (may depend on the account)" in said


@pytest.mark.parametrize("key", ["sk_live_x", "rk_test_x"])
def test_a_key_that_is_not_a_test_key_is_refused_before_anything_is_asked(
    key: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("STRIPE_CHECK_KEY", key)
    monkeypatch.setattr(command, "run", lambda *_: pytest.fail("something was asked"))
    assert command.main() == 2
    assert "test mode" in capsys.readouterr().err


def test_shapes_forget_what_differs_by_nature_and_keep_the_rest():
    one = {"id": "pi_3MtwBwLkdIwHu7ix28a3tqPa", "created": 5, "status": "open", "metadata": {"a": "b"}, "name": "x"}
    other = {"id": "pi_0123456789abcdef", "created": 9, "status": "open", "metadata": {}, "name": "y"}
    assert shape(one) == shape(other)
    changed = other | {"id": "ch_0123456789abcdef", "status": "paid", "created": None, "more": True}
    del changed["name"]
    assert list(differences(shape(one), shape(changed))) == [
        "created: simulator number, Stripe null",
        "id: simulator pi_…, Stripe ch_…",
        "more: only Stripe has it",
        "name: only the simulator has it",
        "status: simulator open, Stripe paid",
    ]


def test_promises_are_looked_up_by_path():
    answer = {"error": {"code": "x"}, "data": [{"id": 1}], "url": None}
    assert list(broken_promises({"error.code": "x", "data.0.id": 1, "url": "null"}, answer)) == []
    assert list(broken_promises({"data.1.id": 1}, answer)) == ["data.1.id: documented 1, found null"]


def test_references_and_forms_are_written_as_stripe_reads_them():
    answers = {"run": "r", "one": {"data": [{"id": "pi_1"}]}}
    params = filled({"a": "{one.data.0.id}", "b": [{"c": True}], "d": "{run}-x"}, answers)
    assert list(form(params)) == [("a", "pi_1"), ("b[0][c]", "true"), ("d", "r-x")]
