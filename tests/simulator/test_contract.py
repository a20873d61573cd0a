"""Every object the simulator shows, held against the pinned library's annotations and Stripe's own examples.

A field the library does not know, a required one that is missing, a word outside a list of words: each fails.
"""

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

import pytest
import requests
import stripe

from sandbox.stripe_simulator.api import ENDPOINTS
from sandbox.stripe_simulator.expansion import REFERENCES
from sandbox.stripe_simulator.parameters import Part
from sandbox.stripe_simulator.resources.transfers import CreateReversal
from tests.simulator.harness import (
    CHALLENGED,
    DECLINED,
    KEY,
    Instant,
    Running,
    an_account,
    groups,
    open_session,
    paid_session,
    running,
    type_card,
)

DATA = Path(os.environ.get("REAL_DATA") or Path(__file__).parents[3] / "shared" / "data")
FIXTURES = DATA / "stripe-openapi" / "fixtures3.json"

CLASSES: dict[str, type[stripe.StripeObject]] = {
    "account": stripe.Account,
    "account_link": stripe.AccountLink,
    "application_fee": stripe.ApplicationFee,
    "balance": stripe.Balance,
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "fee_refund": stripe.ApplicationFeeRefund,
    "identity.verification_session": stripe.identity.VerificationSession,
    "item": stripe.LineItem,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "payout": stripe.Payout,
    "price": stripe.Price,
    "refund": stripe.Refund,
    "setup_intent": stripe.SetupIntent,
    "transfer": stripe.Transfer,
    "transfer_reversal": stripe.TransferReversal,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
INSIDE_OTHERS = {"item", "price"}

TOLD = {
    "account.updated", "application_fee.created", "application_fee.refunded", "charge.dispute.closed",
    "charge.dispute.created", "charge.dispute.funds_reinstated", "charge.dispute.funds_withdrawn",
    "charge.dispute.updated", "charge.failed", "charge.pending", "charge.refund.updated", "charge.refunded",
    "charge.succeeded", "checkout.session.async_payment_failed", "checkout.session.async_payment_succeeded",
    "checkout.session.completed", "checkout.session.expired", "customer.created", "customer.updated",
    "identity.verification_session.canceled", "identity.verification_session.created",
    "identity.verification_session.processing", "identity.verification_session.redacted",
    "identity.verification_session.requires_input", "identity.verification_session.verified",
    "payment_intent.canceled", "payment_intent.created", "payment_intent.payment_failed",
    "payment_intent.processing", "payment_intent.requires_action", "payment_intent.succeeded",
    "payment_method.attached", "payout.created", "payout.paid", "refund.created", "refund.failed", "refund.updated",
    "setup_intent.canceled", "setup_intent.created", "setup_intent.requires_action", "setup_intent.setup_failed",
    "setup_intent.succeeded", "transfer.created", "transfer.reversed",
}  # fmt: skip
"""What a marketplace's life is told by."""

LISTS = {
    "accounts": [],
    "application_fees": ["data.charge", "data.account", "data.refunds.data.balance_transaction"],
    "balance_transactions": ["data.source"],
    "charges": [
        "data.refunds.data.balance_transaction",
        "data.payment_intent",
        "data.transfer",
        "data.application_fee",
    ],
    "checkout/sessions": ["data.line_items", "data.payment_intent.payment_method", "data.setup_intent"],
    "customers": ["data.invoice_settings.default_payment_method"],
    "disputes": ["data.charge"],
    "events": [],
    "identity/verification_sessions": [],
    "payment_intents": ["data.payment_method", "data.latest_charge", "data.transfer_data.destination"],
    "payouts": ["data.balance_transaction"],
    "refunds": ["data.transfer_reversal", "data.charge.balance_transaction"],
    "setup_intents": ["data.payment_method"],
    "transfers": ["data.destination_payment", "data.reversals.data.source_refund"],
    "webhook_endpoints": [],
}
"""Every list of the API with what is asked to be expanded in it."""


def ask(sim: Running, path: str, expand: list[str], account: str = "", after: str = "") -> Any:
    answer = requests.get(
        f"{sim.url}/v1/{path}",
        params={"expand[]": expand} | ({"starting_after": after} if after else {}),
        headers={"Authorization": f"Bearer {KEY}"} | ({"Stripe-Account": account} if account else {}),
        timeout=5,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def pages(sim: Running, path: str, expand: list[str], account: str = "") -> Iterator[dict[str, Any]]:
    """Everything on a list, page after page."""
    more, after = True, ""
    while more:
        listed = ask(sim, path, expand, account, after)
        assert set(listed) == {"object", "url", "has_more", "data"}
        yield from listed["data"]
        more, after = listed["has_more"], listed["data"][-1]["id"] if listed["data"] else ""


def everything(sim: Running) -> Iterator[dict[str, Any]]:
    """Objects in every state the simulator has, as they come over the wire."""
    account, link = a_marketplaces_life(sim)
    yield link
    yield ask(sim, "balance", [])
    yield ask(sim, "balance", [], account)
    for path, expand in LISTS.items():
        found = list(pages(sim, path, expand))
        assert found, path
        yield from found
    for path in ("charges", "balance_transactions", "refunds", "payouts", "events"):
        yield from pages(sim, path, [], account)
    transfer = sim.client.v1.transfers.list().data[0].id
    yield from ask(sim, f"transfers/{transfer}/reversals", ["data.transfer"])["data"]
    fee = sim.client.v1.application_fees.list().data[0].id
    yield from ask(sim, f"application_fees/{fee}/refunds", ["data.fee"])["data"]


def a_marketplaces_life(sim: Running) -> tuple[str, dict[str, Any]]:
    """Customers, purchases by every way and end, an insurer's account. Gives the account and a link for its people."""
    client = sim.client
    client.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["*"], "description": "d"})
    customer = client.v1.customers.create({"email": "a@example.com", "metadata": {"k": "v"}})
    client.v1.customers.update(customer.id, {"name": "A"})
    paid = paid_session(client, locale="zh")
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    client.v1.refunds.create({"payment_intent": paid.payment_intent.id, "amount": 5, "reason": "duplicate"})
    declined = open_session(client)
    type_card(str(declined.url), DECLINED)
    type_card(str(open_session(client).url), CHALLENGED[0])
    refused = type_card(str(open_session(client).url), CHALLENGED[1]).headers["Location"]
    requests.post(refused, data={"answer": "refuse"}, timeout=5)
    client.v1.checkout.sessions.expire(declined.id)
    open_session(client, mode="setup", line_items=[], payment_intent_data={}, customer_email="b@example.com")
    intent = client.v1.payment_intents.create(
        {"amount": 50, "currency": "jpy", "automatic_payment_methods": {"enabled": True}, "customer": customer.id}
    )
    client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "duplicate"})
    card_kept_and_disputes(client, customer.id)
    people_who_show_a_document(client)
    for kind, answer in (
        ("alipay", "confirm"),
        ("wechat_pay", "later"),
        ("alipay", "never"),
        ("wechat_pay", "refuse"),
        ("wechat_pay", "refund_fails"),
    ):
        session = open_session(client)
        requests.post(str(session.url), data={"email": "a@example.com", "method": kind}, timeout=5)
        waiting = client.v1.checkout.sessions.retrieve(session.id).payment_intent
        requests.post(f"{sim.url}/wallet/{waiting}", data={"answer": answer}, timeout=5, allow_redirects=False)
        if answer in {"confirm", "refund_fails"}:
            client.v1.refunds.create({"payment_intent": str(waiting)})
    sim.instant.pass_by(sim.simulator.settings.later_seconds)
    return an_insurers_account(sim)


def people_who_show_a_document(client: stripe.StripeClient) -> None:
    for answer in ("submit", "document_expired", "leave"):
        session = client.v1.identity.verification_sessions.create(
            {"type": "document", "client_reference_id": "a", "provided_details": {"email": "a@example.com"}}
        )
        requests.get(str(session.url), timeout=5)
        document = {"first_name": "Na", "last_name": "Li", "birth_on": "1992-03-05", "answer": answer}
        requests.post(str(session.url), data=document, timeout=5)
    client.v1.identity.verification_sessions.redact(session.id)
    verified = client.v1.identity.verification_sessions.list({"status": "verified"}).data[0]
    shown = {"expand": ["verified_outputs.dob"]}
    outputs = client.v1.identity.verification_sessions.retrieve(verified.id, shown).verified_outputs  # type: ignore[arg-type]
    assert outputs is not None
    assert outputs.dob is not None
    assert (outputs.first_name, outputs.last_name, outputs.dob.year) == ("Na", "Li", 1992)


def card_kept_and_disputes(client: stripe.StripeClient, customer: str) -> None:
    kept = client.v1.setup_intents.create(
        {"customer": customer, "payment_method": "pm_card_visa", "confirm": True, "usage": "off_session"}
    )
    client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": str(kept.payment_method)}})
    for alias in ("authenticationRequired", "chargeDeclined"):
        waiting = {"payment_method": f"pm_card_{alias}", "confirm": True}
        with contextlib.suppress(stripe.CardError):
            client.v1.setup_intents.create({"customer": customer, **waiting})  # type: ignore[typeddict-item]
    client.v1.setup_intents.cancel(client.v1.setup_intents.create().id, {"cancellation_reason": "abandoned"})
    for alias in ("createDispute", "createDisputeInquiry", "pendingRefund", "refundFail"):
        bought = client.v1.payment_intents.create(
            {"amount": 5000, "currency": "cny", "payment_method": f"pm_card_{alias}", "confirm": True}
        )
        if "Refund" in alias or "refund" in alias:
            client.v1.refunds.create({"payment_intent": bought.id})
    for dispute in client.v1.disputes.list().data:
        client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})


def an_insurers_account(sim: Running) -> tuple[str, dict[str, Any]]:
    client = sim.client
    account = an_account(sim)
    data = {"destination": account}
    terms = {"application_fee_amount": 1500, "transfer_data": data, "payment_method": "pm_card_bypassPending"}
    charged = client.v1.payment_intents.create({"amount": 10_000, "currency": "cny", "confirm": True, **terms})  # type: ignore[typeddict-item]
    client.v1.refunds.create(
        {"payment_intent": charged.id, "amount": 4000, "reverse_transfer": True, "refund_application_fee": True}
    )
    sim.instant.pass_by(3 * 86_400)  # what was charged can be used now
    client.v1.payouts.create({"amount": 100, "currency": "cny"})
    client.v1.payouts.create({"amount": 100, "currency": "cny"}, {"stripe_account": account})
    form = {
        "account": account,
        "type": "account_onboarding",
        "refresh_url": "http://a.test/",
        "return_url": "http://b.test/",
    }
    link = requests.post(f"{sim.url}/v1/account_links", data=form, auth=(KEY, ""), timeout=5).json()
    sim.instant.pass_by(sim.simulator.settings.later_seconds)
    return account, link


def the_rest_of_the_api(sim: Running) -> None:
    """Calls that a marketplace's life does without."""
    client = sim.client
    charge, refund = client.v1.charges.list().data[0].id, client.v1.refunds.list().data[0].id
    transfer, payout = client.v1.transfers.list().data[0].id, client.v1.payouts.list().data[0].id
    fee, customer = client.v1.application_fees.list().data[0].id, client.v1.customers.create().id
    destination = client.v1.transfers.retrieve(transfer).destination
    reversal = client.v1.transfers.reversals.list(transfer).data[0].id
    returned = client.v1.application_fees.refunds.list(fee).data[0].id
    account = client.v1.accounts.create({"type": "custom", "capabilities": {"transfers": {"requested": True}}}).id
    intent = {"amount": "500", "currency": "cny", "payment_method_types[0]": "wechat_pay"}
    method = ask_to(sim, "payment_methods", {"type": "card", "card[token]": "tok_visa", "billing_details[name]": "Li"})
    for path, form in {
        f"accounts/{account}": {
            "business_profile[name]": "Harbour", "business_type": "company", "default_currency": "usd",
            "email": "h@example.com",
        },
        f"accounts/{account}/reject": {"reason": "other"},
        "account_links": {"account": account, "type": "account_update", "refresh_url": "http://a.test/",
                          "return_url": "http://b.test/"},
        f"application_fees/{fee}/refunds": {"amount": "5"},
        f"application_fees/{fee}/refunds/{returned}": {"metadata[a]": "b"},
        f"charges/{charge}": {"description": "A charge", "transfer_group": "g"},
        f"customers/{customer}": {"phone": "1", "email": "c@example.com", "name": "C", "description": "D"},
        f"payment_intents/{ask_to(sim, 'payment_intents', intent)}": {
            "amount": "600", "customer": customer, "description": "D", "receipt_email": "c@example.com",
            "setup_future_usage": "on_session", "transfer_group": "g",
        },
        f"payment_intents/{ask_to(sim, 'payment_intents', intent)}/confirm": {
            "payment_method_data[type]": "wechat_pay", "payment_method_options[wechat_pay][client]": "web",
        },
        f"payment_methods/{method}": {"billing_details[address][city]": "Shanghai"},
        f"payment_methods/{method}/attach": {"customer": customer},
        f"payouts/{payout}": {"metadata[a]": "b"},
        f"refunds/{refund}": {"metadata[a]": "b"},
        f"setup_intents/{ask_to(sim, 'setup_intents', {})}": {"description": "A card", "customer": customer},
        f"setup_intents/{ask_to(sim, 'setup_intents', {})}/confirm": {"payment_method": "pm_card_visa"},
        "transfers": {"amount": "5", "currency": "cny", "destination": destination},
        f"transfers/{transfer}": {"description": "A transfer"},
        f"transfers/{transfer}/reversals": {"amount": "5"},
        f"transfers/{transfer}/reversals/{reversal}": {"metadata[a]": "b"},
    }.items():  # fmt: skip
        ask_to(sim, path, form)
    client.v1.checkout.sessions.list({"customer_details": {"email": "a@example.com"}, "created": {"gt": 5}})
    client.v1.customers.payment_methods.list(customer)
    client.v1.payment_methods.list({"customer": customer})
    client.v1.charges.search({"query": "amount>5"})


def ask_to(sim: Running, path: str, form: dict[str, str]) -> str:
    answer = requests.post(f"{sim.url}/v1/{path}", data=form, auth=(KEY, ""), timeout=5)
    assert answer.status_code == 200, answer.text
    return str(answer.json().get("id", ""))


Looks = set[tuple[type[Part], str]]
"""Parameters that somebody looked at, each with the request or the part of one that it belongs to."""


@contextlib.contextmanager
def looks() -> Iterator[Looks]:
    seen: Looks = set()
    dump, get = Part.model_dump, Part.__getattribute__

    def watched(self: Part, name: str) -> Any:
        if name in type(self).model_fields:
            seen.add((type(self), name))
        return get(self, name)

    def look_through(part: Part, names: Iterable[str]) -> None:
        for name in names:
            inner = watched(part, name)
            if isinstance(inner, Part):
                look_through(inner, type(inner).model_fields)

    def dumped(self: Part, **how: Any) -> dict[str, Any]:
        look_through(self, how.get("include", type(self).model_fields))
        return dump(self, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Part, "model_dump", dumped)
        patch.setattr(Part, "__getattribute__", watched)
        yield seen


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Looks]:
    """What the simulator showed, and what it looked at of what it was sent."""
    with running(tmp_path_factory.mktemp("stripe") / "contract.sqlite3", Instant()) as sim, looks() as seen:
        shown = list(everything(sim))
        the_rest_of_the_api(sim)
    return shown, seen


@pytest.fixture(scope="module")
def shown(life: tuple[list[dict[str, Any]], Looks]) -> list[dict[str, Any]]:
    return life[0]


NOT_LOOKED_AT = {
    (CreateReversal, "description"): "Stripe shows it in its dashboard only",
}


def test_no_parameter_that_is_taken_is_ignored(life: tuple[list[dict[str, Any]], Looks]):
    taken = {
        (model, name) for endpoint in ENDPOINTS for _, model in groups(endpoint.accepts) for name in model.model_fields
    }
    ignored = {(model, name) for model, name in taken - life[1] if name != "expand"}  # looked at in one place for all
    assert ignored == NOT_LOOKED_AT.keys()


def fields_of(cls: type[stripe.StripeObject]) -> dict[str, Any]:
    own = {
        name: kind
        for name, kind in cls.__annotations__.items()
        if not name.startswith("_") and get_origin(kind) is not ClassVar
    }
    base = cls.__mro__[1]
    inherited = fields_of(base) if issubclass(base, stripe.StripeObject) and base is not stripe.StripeObject else {}
    return {name: kind for name, kind in (inherited | own).items() if "ClassVar" not in str(kind)}


def alternatives(kind: Any) -> tuple[Any, ...]:
    """`Optional[Union[X, str]]` as its parts."""
    if get_origin(kind) in {Union, UnionType}:
        return tuple(part for inner in get_args(kind) for part in alternatives(inner))
    return (kind,)


def departures(value: Any, kind: Any, where: str) -> Iterator[str]:
    """Where a value is not what the annotation says. Types only named by a string are left out."""
    parts = alternatives(kind)
    if value is None:
        if NoneType not in parts:
            yield f"{where} must not be null"
    elif isinstance(value, dict):
        cls = class_for(value, parts)
        if cls is not None:
            yield from object_departures(value, cls, where)
    elif isinstance(value, list):
        kinds = [get_args(part)[0] for part in parts if get_origin(part) is list]
        assert kinds, f"{where} must not be a list"
        for number, item in enumerate(value):
            yield from departures(item, kinds[0], f"{where}[{number}]")
    else:
        yield from plain_departures(value, parts, where)


def class_for(value: dict[str, Any], parts: tuple[Any, ...]) -> type[stripe.StripeObject] | None:
    """An object of the API by its own name, a part of one by its annotation; None for free words like metadata."""
    if isinstance(value.get("object"), str) and value["object"] in CLASSES:
        return CLASSES[value["object"]]
    classes = [part for part in parts if isinstance(part, type) and issubclass(part, stripe.StripeObject)]
    return classes[0] if classes and fields_of(classes[0]) else None


def plain_departures(value: object, parts: tuple[Any, ...], where: str) -> Iterator[str]:
    words = [word for part in parts if get_origin(part) is Literal for word in get_args(part)]
    types = [part for part in parts if isinstance(part, type) and part is not NoneType]
    if words and value not in words:
        yield f"{where}: {value!r} is none of {words}"
    # decimals come over the wire as strings
    if not words and types and type(value) not in types and Decimal not in types:
        yield f"{where}: {value!r} is none of {types}"


def object_departures(body: dict[str, Any], cls: type[stripe.StripeObject], where: str) -> Iterator[str]:
    fields = fields_of(cls)
    for name in body.keys() - fields.keys():
        yield f"{where}.{name} is unknown to {cls.__qualname__}"
    for name, kind in fields.items():
        if name in body:
            yield from departures(body[name], kind, f"{where}.{name}")
        elif NoneType not in alternatives(kind):
            yield f"{where}.{name} is required by {cls.__qualname__}"


def test_every_object_is_what_the_library_says_it_is(shown: list[dict[str, Any]]):
    assert {body["object"] for body in shown} == CLASSES.keys() - INSIDE_OTHERS - {"payment_method"}
    found = [fault for body in shown for fault in object_departures(body, CLASSES[body["object"]], body["object"])]
    assert sorted(set(found)) == []


def test_the_objects_inside_events_are_whole_too(shown: list[dict[str, Any]]):
    events = [body for body in shown if body["object"] == "event"]
    assert {event["type"] for event in events} == TOLD
    for event in events:
        inner = event["data"]["object"]
        assert list(object_departures(inner, CLASSES[inner["object"]], event["type"])) == []


@pytest.mark.parametrize("kind", sorted(REFERENCES))
def test_what_can_be_expanded_here_can_be_at_stripe(kind: str):
    name, _, part = kind.partition(".transfer_data")
    name, _, settings = name.partition(".invoice_settings")
    fields = fields_of(CLASSES[name])
    if part or settings or kind != name:
        inner = alternatives(fields["transfer_data" if "transfer_data" in kind else "invoice_settings"])
        fields = fields_of(next(piece for piece in inner if isinstance(piece, type) and piece is not NoneType))
    for field in REFERENCES[kind]:
        assert any(isinstance(piece, ForwardRef) for piece in alternatives(fields[field])), field


def test_the_check_itself_finds_what_is_wrong():
    refund = {"id": "re_1", "object": "refund", "amount": None, "status": "succeeded", "surprise": 1}
    found = set(object_departures(refund, stripe.Refund, "refund"))
    assert {
        "refund.surprise is unknown to Refund",
        "refund.amount must not be null",
        "refund.currency is required by Refund",
    } <= found
    charge = {"payment_method_details": {"type": "card", "card": {"brand": 5, "surprise": 1}}, "status": "odd"}
    found = set(object_departures(charge, stripe.Charge, "charge"))
    inner = "charge.payment_method_details.card"
    assert f"{inner}.surprise is unknown to Charge.PaymentMethodDetails.Card" in found
    assert f"{inner}.brand: 5 is none of [<class 'str'>]" in found
    assert "charge.status: 'odd' is none of ['failed', 'pending', 'succeeded']" in found


@pytest.mark.real_data
@pytest.mark.skipif(not FIXTURES.exists(), reason=f"no examples of Stripe's objects in {FIXTURES.parent}")
def test_nothing_that_stripes_own_examples_show_is_left_out(shown: list[dict[str, Any]]):
    examples = json.loads(FIXTURES.read_text(encoding="utf-8"))["resources"]
    fields: dict[str, set[str]] = {}
    for body in shown:
        fields.setdefault(body["object"], set()).update(body)
    left_out = {kind: sorted(examples[kind].keys() - names) for kind, names in fields.items()}
    assert {kind: names for kind, names in left_out.items() if names} == {}


@pytest.mark.real_data
@pytest.mark.skipif(not FIXTURES.exists(), reason=f"no examples of Stripe's objects in {FIXTURES.parent}")
def test_what_stripes_own_examples_show_is_of_the_same_kind_here(shown: list[dict[str, Any]]):
    examples = json.loads(FIXTURES.read_text(encoding="utf-8"))["resources"]
    found = {difference for body in shown for difference in unlike(body, examples[body["object"]], body["object"])}
    assert sorted(found) == []


def unlike(ours: Any, example: Any, where: str) -> Iterator[str]:
    """Fields that both have and that are of different kinds. A reference may be expanded; null says nothing."""
    if ours is None or example is None or {type(ours), type(example)} == {dict, str}:
        return
    if isinstance(ours, dict) and isinstance(example, dict):
        for name in ours.keys() & example.keys():
            yield from unlike(ours[name], example[name], f"{where}.{name}")
    elif isinstance(ours, list) and isinstance(example, list):
        for item in ours if example else ():
            yield from unlike(item, example[0], f"{where}[]")
    elif type(ours) is not type(example):
        yield f"{where}: {type(ours).__name__} here, {type(example).__name__} in the example"


def test_the_comparison_with_the_examples_finds_what_is_unlike():
    example = {"amount": 5, "paid": True, "lines": [{"id": "x"}], "charge": "ch_1", "gone": None}
    ours = {"amount": "5", "paid": 1, "lines": [{"id": 7}], "charge": {"id": "ch_1"}, "gone": "x"}
    assert sorted(unlike(ours, example, "o")) == [
        "o.amount: str here, int in the example",
        "o.lines[].id: int here, str in the example",
        "o.paid: int here, bool in the example",
    ]


def test_every_error_has_stripes_shape(sim: Running):
    cases = [
        ("GET", "/v1/customers/cus_x", {}, 404),
        ("POST", "/v1/customers", {"surprise": "x"}, 400),
        ("POST", "/v1/refunds", {}, 400),
        ("GET", "/v1/nothing", {}, 404),
        (
            "POST",
            "/v1/payment_intents",
            {"amount": "500", "currency": "eur", "payment_method": "pm_card_chargeDeclined", "confirm": "true"},
            402,
        ),
    ]
    known = set(stripe.ErrorObject.__annotations__) | {"doc_url"}
    for method, path, form, status in cases:
        headers = {"Authorization": f"Bearer {KEY}"}
        answer = requests.request(method, f"{sim.url}{path}", data=form, headers=headers, timeout=5)
        assert answer.status_code == status
        assert answer.headers["Request-Id"].startswith("req_")
        assert set(answer.json()) == {"error"}
        error = answer.json()["error"]
        assert {"type", "message"} <= error.keys() <= known
        assert error["type"] == ("card_error" if status == 402 else "invalid_request_error")
