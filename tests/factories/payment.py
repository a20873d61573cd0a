"""Payments with everything filled in that a test does not care about."""

from typing import Any
from uuid import UUID

from marketplace.catalog.values import PaymentMethod
from marketplace.infra.db import db
from marketplace.kernel.ids import new_id, reference
from marketplace.kernel.money import Money
from marketplace.payment import services
from marketplace.payment.values import Attempt, Purpose, StartPayment
from marketplace.traceability.values import Actor, ActorRole
from tests.factories.traceability import a_journey

PREMIUM = Money(128_400, "CNY")


def a_wish_to_pay(subject_id: UUID | None = None, **changes: Any) -> StartPayment:
    parts: dict[str, Any] = {
        "purpose": Purpose.NEW_BUSINESS,
        "subject_id": subject_id or new_id(),
        "reference": reference("O"),
        "amount": PREMIUM,
        "description": "Harbour Term 20",
        "email": "li.na@example.com",
        "locale": "en",
        "methods": tuple(PaymentMethod),
        "success_url": "http://localhost:8000/return",
        "cancel_url": "http://localhost:8000/pay",
        "actor": Actor(ActorRole.CUSTOMER, label="customer"),
    }
    parts |= changes
    return StartPayment(journey_id=parts.pop("journey_id", None) or a_journey(), **parts)


def an_open_attempt(wish: StartPayment | None = None) -> tuple[Attempt, str]:
    """A committed attempt whose hosted page is open, with the address of the page."""
    attempt = services.start_attempt(wish or a_wish_to_pay())
    db.session.commit()
    url = services.open_session(attempt.id)
    db.session.commit()
    return attempt, url
