"""What comes in at the webhook's door: kept once, believed only when signed, in our mode and not stale."""

import json
import time

import pytest
from sqlalchemy import text

from marketplace.infra.db import db
from marketplace.infra.stripe_gateway import ForgedEvent, Gateway
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
