"""What comes in at the webhook's door: kept once, believed only when signed, in our mode and not stale."""

import json
import time

import pytest
from sqlalchemy import text

from marketplace.infra.db import db
from marketplace.infra.payment_gateway import ForgedEvent
from marketplace.infra.stripe_gateway import Gateway
from marketplace.kernel.ids import new_id
from marketplace.payment import queries, services
from marketplace.payment.values import Receipt
from sandbox.stripe_simulator.deliveries import signature
from tests.deferred_jobs import drain, waiting
from tests.simulator_server import WEBHOOK_SECRET

pytestmark = pytest.mark.usefixtures("database")


def an_event(kind: str = "customer.created", *, livemode: bool = False, **subject: object) -> bytes:
    return json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(time.time()),
            "type": kind,
            "livemode": livemode,
            "data": {"object": {"id": "cus_1", "object": "customer", **subject}},
        }
    ).encode()


def signed(payload: bytes, secret: str = WEBHOOK_SECRET, age: int = 0) -> str:
    return signature(payload, [secret], int(time.time()) - age)


def kept() -> int:
    return db.session.execute(text("SELECT count(*) FROM payment_provider_event")).scalar_one()


@pytest.mark.asvs("4.1.5", "9.1.1", "9.1.3", "9.2.1")
@pytest.mark.parametrize(
    ("payload", "header"),
    [
        (an_event(), signed(an_event(), "whsec_of_somebody_else")),
        (an_event(), signed(an_event(), age=600)),
        (an_event(), ""),
        (an_event(amount=1), signed(an_event(amount=2))),
        (b"not json", signed(b"not json")),
        (an_event(livemode=True), signed(an_event(livemode=True))),
    ],
    ids=["another secret", "ten minutes old", "unsigned", "changed", "no event", "other mode"],
)
def test_a_forged_event_is_refused_and_nothing_is_kept(payload: bytes, header: str) -> None:
    with pytest.raises(ForgedEvent):
        services.receive_event(payload, header)
    assert kept() == 0
    assert waiting() == []


def test_stripe_may_sign_with_the_secret_of_either_endpoint() -> None:
    """Payments and connected accounts have one each."""
    gateway = Gateway("sk_test_x", "whsec_payments,whsec_accounts", livemode=False)
    for secret in ("whsec_payments", "whsec_accounts"):
        assert gateway.verify_event(an_event(), signed(an_event(), secret)).id == "evt_1"
    for payload, secret in ((an_event(), "whsec_payments,whsec_accounts"), (an_event(), "whsec_other")):
        with pytest.raises(ForgedEvent):
            gateway.verify_event(payload, signed(payload, secret))


def test_an_event_we_do_not_know_is_kept_and_counted() -> None:
    assert services.receive_event(an_event(), signed(an_event())) is Receipt.KEPT
    db.session.commit()
    assert services.receive_event(an_event(), signed(an_event())) is Receipt.DUPLICATE
    db.session.commit()
    assert waiting() == []
    assert queries.event_counts() == {("customer.created", "ignored"): 1}


def test_an_event_about_a_payment_we_never_started_is_kept_and_counted() -> None:
    foreign = an_event("checkout.session.completed", metadata={"attempt_id": str(new_id())})
    assert services.receive_event(foreign, signed(foreign)) is Receipt.QUEUED
    assert drain("payment") == ["payment.settle"]
    assert queries.event_counts() == {("checkout.session.completed", "not_ours"): 1}


def test_an_event_whose_note_is_not_an_id_of_ours_is_only_kept() -> None:
    foreign = an_event("checkout.session.completed", metadata={"attempt_id": "'; DROP TABLE payment_attempt"})
    assert services.receive_event(foreign, signed(foreign)) is Receipt.KEPT


def a_thin_event(kind: str = "v1.checkout.session.completed", *, livemode: bool = False, **more: object) -> bytes:
    told = {
        "id": "evt_thin",
        "object": "v2.core.event",
        "created": "2026-11-29T04:00:00.000Z",
        "livemode": livemode,
        "type": kind,
        "related_object": {"id": "cs_1", "type": "checkout.session", "url": "/v1/checkout/sessions/cs_1"},
    }
    return json.dumps(told | more).encode()


@pytest.mark.asvs("4.1.5", "9.1.1", "9.1.3", "9.2.1")
@pytest.mark.parametrize(
    ("payload", "header"),
    [
        (a_thin_event(), signed(a_thin_event(), "whsec_of_somebody_else")),
        (a_thin_event(), signed(a_thin_event(), age=600)),
        (a_thin_event(), ""),
        (a_thin_event(), signed(a_thin_event(livemode=True))),
        (a_thin_event(livemode=True), signed(a_thin_event(livemode=True))),
        (b'{"object": "v2.core.event"}', signed(b'{"object": "v2.core.event"}')),
    ],
    ids=["another secret", "ten minutes old", "unsigned", "changed", "other mode", "nothing in it"],
)
def test_a_forged_thin_event_is_refused_and_nothing_is_kept(payload: bytes, header: str) -> None:
    with pytest.raises(ForgedEvent):
        services.receive_event(payload, header)
    assert kept() == 0
    assert waiting() == []


def test_a_thin_event_we_do_not_know_is_kept_and_counted() -> None:
    unknown = a_thin_event("v1.customer.created")
    assert services.receive_event(unknown, signed(unknown)) is Receipt.KEPT
    db.session.commit()
    assert services.receive_event(unknown, signed(unknown)) is Receipt.DUPLICATE
    nothing = a_thin_event("v2.core.health.event_generation_failure.resolved", id="evt_2", related_object=None)
    assert services.receive_event(nothing, signed(nothing)) is Receipt.KEPT
    db.session.commit()
    assert waiting() == []
    assert set(queries.event_counts().values()) == {1}


def test_a_thin_event_is_looked_up_before_it_is_known_whose_it_is() -> None:
    told = a_thin_event()
    assert services.receive_event(told, signed(told)) is Receipt.QUEUED
    db.session.commit()
    assert waiting() == ["payment.look_up_event"]


def test_whoever_writes_what_a_thin_event_is_called_sends_a_whole_one_all_the_same() -> None:
    whole = an_event(metadata={"note": "v2.core.event"})
    assert services.receive_event(whole, signed(whole)) is Receipt.KEPT


def test_while_a_secret_is_changed_both_are_taken() -> None:
    gateway = Gateway("sk_test_x", "whsec_new,whsec_old", livemode=False)
    for secret in ("whsec_new", "whsec_old"):
        assert gateway.verify_event(a_thin_event(), signed(a_thin_event(), secret)).id == "evt_thin"
    header = signature(an_event(), ["whsec_unknown", "whsec_old"], int(time.time()))  # Stripe signs with both for a day
    assert gateway.verify_event(an_event(), header).id == "evt_1"
