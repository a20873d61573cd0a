"""Our words to Stripe and Stripe's words to us, without a network: the HTTP client of the library is replaced."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
import stripe

from marketplace.infra import stripe_gateway
from marketplace.infra.payment_gateway import NewSession, PaymentCallRefused, PaymentsUnavailable
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel.money import Money

EXPIRES = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
NEW = NewSession(
    amount=Money(128_400, "CNY"),
    description="Harbour Term 20",
    email="li.na@example.com",
    locale="zh_Hans_CN",
    methods=("card", "wechat_pay"),
    success_url="http://localhost:8000/return",
    cancel_url="http://localhost:8000/pay",
    expires_at=EXPIRES,
    our_id="attempt-1",
    metadata={"attempt_id": "attempt-1"},
    idempotency_key="pay-1",
)
SESSION = {
    "id": "cs_test_1",
    "object": "checkout.session",
    "url": "https://checkout.stripe.com/c/pay/cs_test_1",
    "status": "open",
    "payment_status": "unpaid",
    "amount_total": 128_400,
    "currency": "cny",
    "payment_intent": None,
    "client_reference_id": "attempt-1",
    "expires_at": int(EXPIRES.timestamp()),
    "livemode": False,
    "metadata": {"attempt_id": "attempt-1"},
}

Answer = tuple[int, dict[str, Any]]


class Wire(stripe.HTTPClient):
    """Answers in turn and keeps what was asked."""

    name = "wire"

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], dict[str, list[str]]]] = []

    def request(self, method: str, url: str, headers: Any, post_data: Any = None) -> tuple[bytes, int, dict[str, str]]:
        body = post_data or url.partition("?")[2]
        self.asked.append((method, url, dict(headers), parse_qs(body)))
        status, answer = self.answers.pop(0)
        return json.dumps(answer).encode(), status, {"request-id": "req_1"}

    def _sleep_time_seconds(self, *_arguments: object, **_named: object) -> float:
        return 0.0


@pytest.fixture
def gateway_on(monkeypatch: pytest.MonkeyPatch) -> Callable[[Wire], Gateway]:
    def build(wire: Wire) -> Gateway:
        monkeypatch.setattr(stripe, "RequestsClient", lambda **_: wire)
        return Gateway("sk_test_1", "whsec_1", livemode=False, sleep=lambda _: None)

    return build


def refusal(status: int, code: str, kind: str = "invalid_request_error") -> Answer:
    return status, {"error": {"type": kind, "code": code, "message": "words of Stripe"}}


def test_a_session_is_asked_for_in_stripes_words(gateway_on: Callable[[Wire], Gateway]) -> None:
    wire = Wire((200, SESSION))
    session = gateway_on(wire).create_session(NEW)
    ((method, url, headers, sent),) = wire.asked
    assert (method, url) == ("post", "https://api.stripe.com/v1/checkout/sessions")
    assert headers["Idempotency-Key"] == "pay-1"
    assert {name: values[0] for name, values in sent.items()} == {
        "mode": "payment",
        "ui_mode": "hosted_page",
        "client_reference_id": "attempt-1",
        "customer_email": "li.na@example.com",
        "payment_method_types[0]": "card",
        "payment_method_types[1]": "wechat_pay",
        "payment_method_options[wechat_pay][client]": "web",
        "locale": "zh",
        "success_url": "http://localhost:8000/return",
        "cancel_url": "http://localhost:8000/pay",
        "expires_at": str(int(EXPIRES.timestamp())),
        "metadata[attempt_id]": "attempt-1",
        "payment_intent_data[metadata][attempt_id]": "attempt-1",
        "payment_intent_data[transfer_group]": "attempt-1",
        "payment_intent_data[description]": "Harbour Term 20",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "cny",
        "line_items[0][price_data][unit_amount]": "128400",
        "line_items[0][price_data][product_data][name]": "Harbour Term 20",
    }
    assert session.id == "cs_test_1"
    assert (session.amount, session.expires_at) == (Money(128_400, "CNY"), EXPIRES)
    assert (session.payment_intent_id, session.our_id) == (None, "attempt-1")


def test_a_retrieved_session_tells_of_its_payment(gateway_on: Callable[[Wire], Gateway]) -> None:
    intent = {"id": "pi_1", "object": "payment_intent", "status": "processing"}
    wire = Wire((200, SESSION | {"payment_intent": intent, "status": "complete"}))
    session = gateway_on(wire).retrieve_session("cs_test_1")
    assert wire.asked[0][3] == {"expand[0]": ["payment_intent.latest_charge"]}
    assert (session.payment_intent_id, session.intent_status, session.method) == ("pi_1", "processing", None)


def test_a_paid_session_tells_by_what_it_was_paid(gateway_on: Callable[[Wire], Gateway]) -> None:
    charge = {"id": "ch_1", "object": "charge", "payment_method_details": {"type": "alipay", "alipay": {}}}
    intent = {"id": "pi_1", "object": "payment_intent", "status": "succeeded", "latest_charge": charge}
    session = gateway_on(Wire((200, SESSION | {"payment_intent": intent}))).retrieve_session("cs_test_1")
    assert session.method == "alipay"


def test_a_session_of_the_other_mode_is_refused(gateway_on: Callable[[Wire], Gateway]) -> None:
    with pytest.raises(PaymentCallRefused) as refused:
        gateway_on(Wire((200, SESSION | {"livemode": True}))).retrieve_session("cs_test_1")
    assert refused.value.reason == "livemode_mismatch"


def test_a_long_list_is_read_to_its_end(gateway_on: Callable[[Wire], Gateway]) -> None:
    first = {"object": "list", "data": [SESSION], "has_more": True, "url": "/v1/checkout/sessions"}
    last = first | {"data": [SESSION | {"id": "cs_test_2"}], "has_more": False}
    wire = Wire((200, first), (200, last))
    sessions = list(gateway_on(wire).list_sessions(EXPIRES, "complete"))
    assert [session.id for session in sessions] == ["cs_test_1", "cs_test_2"]
    since = str(int(EXPIRES.timestamp()))
    assert wire.asked[0][3] == {"created[gte]": [since], "status": ["complete"], "limit": ["100"]}
    assert wire.asked[1][3]["starting_after"] == ["cs_test_1"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal(400, "parameter_invalid_integer"), "parameter_invalid_integer"),
        (refusal(404, "resource_missing"), "resource_missing"),
        (refusal(402, "card_declined", "card_error"), "card_declined"),
        (refusal(400, "idempotency_key_in_use", "idempotency_error"), None),
    ],
)
def test_what_never_succeeds_is_refused(
    gateway_on: Callable[[Wire], Gateway], answer: Answer, reason: str | None
) -> None:
    wire = Wire(answer)
    with pytest.raises(PaymentCallRefused) as refused:
        gateway_on(wire).create_session(NEW)
    assert refused.value.reason == reason
    assert "words of Stripe" not in str(refused.value), "their words are for the log, not for the customer"
    assert len(wire.asked) == 1


@pytest.mark.parametrize("status", [500, 503, 409])
def test_what_may_succeed_later_is_tried_three_times_with_one_key(
    gateway_on: Callable[[Wire], Gateway], status: int
) -> None:
    wire = Wire(*[refusal(status, "lock_timeout", "api_error")] * 3)
    with pytest.raises(PaymentsUnavailable):
        gateway_on(wire).create_session(NEW)
    assert [headers["Idempotency-Key"] for _, _, headers, _ in wire.asked] == ["pay-1"] * 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_ours_to_mend_and_not_the_end_of_a_payment(
    gateway_on: Callable[[Wire], Gateway], status: int
) -> None:
    with pytest.raises(PaymentsUnavailable):
        gateway_on(Wire(refusal(status, "api_key_expired"))).create_session(NEW)


def test_a_busy_stripe_is_asked_again_after_our_own_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(*[refusal(429, "rate_limit")] * 3, (200, SESSION))
    monkeypatch.setattr(stripe, "RequestsClient", lambda **_: wire)
    pauses: list[float] = []
    gateway = Gateway("sk_test_1", "whsec_1", livemode=False, sleep=pauses.append)
    assert gateway.create_session(NEW).id == "cs_test_1"
    assert len(pauses) == 3
    assert all(
        base * 0.5 <= pause <= base * 1.5
        for base, pause in zip(stripe_gateway.calling.RATE_LIMIT_PAUSES, pauses, strict=True)
    )


def test_a_stripe_that_stays_busy_is_unavailable(gateway_on: Callable[[Wire], Gateway]) -> None:
    with pytest.raises(PaymentsUnavailable):
        gateway_on(Wire(*[refusal(429, "rate_limit")] * 4)).create_session(NEW)


@pytest.mark.parametrize(("key", "livemode"), [("sk_test_1", True), ("sk_live_1", False), ("rk_test_1", True)])
def test_a_key_of_the_other_mode_is_refused_at_start(key: str, *, livemode: bool) -> None:
    with pytest.raises(ValueError, match="other mode"):
        Gateway(key, "whsec_1", livemode=livemode)


def test_a_refund_names_the_payment_it_comes_from(gateway_on: Callable[[Wire], Gateway]) -> None:
    answer = {"id": "re_1", "object": "refund", "amount": 5_000, "currency": "jpy", "status": "succeeded"}
    wire = Wire((200, answer | {"metadata": {"refund_id": "r-1"}}))
    refund = gateway_on(wire).create_refund("pi_1", Money(5_000, "JPY"), {"refund_id": "r-1"}, "refund-1")
    assert (refund.id, refund.status, refund.amount) == ("re_1", "succeeded", Money(5_000, "JPY"))
    ((_, _, headers, sent),) = wire.asked
    assert (sent["payment_intent"], sent["amount"]) == (["pi_1"], ["5000"])
    assert headers["Idempotency-Key"] == "refund-1"
