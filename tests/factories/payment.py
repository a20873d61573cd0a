"""Payments with everything filled in that a test does not care about."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import requests

from config import Settings
from marketplace.accounts import services as accounts
from marketplace.accounts.values import Insurer, Role
from marketplace.catalog.values import PaymentMethod
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.kernel.ids import new_id, reference
from marketplace.kernel.money import Money, amounts
from marketplace.payment import services
from marketplace.payment.values import (
    AskMandate,
    AskRefund,
    Attempt,
    ContractShare,
    Mandate,
    Purpose,
    RefundReason,
    Share,
    StartPayment,
    Wish,
)
from marketplace.traceability.values import SYSTEM, Actor, ActorRole
from tests.factories.accounts import a_member_of_staff, an_insurer
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


def a_wish(attempt_id: UUID, by: UUID, **changes: Any) -> Wish:
    """Finance wishes to give a part of a payment back."""
    parts: dict[str, Any] = {
        "id": new_id(),
        "amount": Money(1_000, "CNY"),
        "reason": RefundReason.CONTRACT_ENDED,
        "words": "The contract was cancelled, see case 17.",
        "by": at_the_refund_desk(by),
    }
    return services.ask_refund(AskRefund(attempt_id=attempt_id, **(parts | changes)))


@contextmanager
def two_needed() -> Iterator[None]:
    """No refund is so small that one person alone sends it back."""
    services.configure({})
    try:
        yield
    finally:
        services.configure(amounts(Settings.model_fields["refund_limits"].default))


def a_waiting_wish(attempt_id: UUID, by: UUID, **changes: Any) -> Wish:
    with two_needed():
        return a_wish(attempt_id, by, **changes)


def a_refused_wish(attempt_id: UUID, by: UUID, second: UUID) -> Wish:
    wished = a_waiting_wish(attempt_id, by)
    return services.refuse_wish(wished.id, "The contract goes on.", at_the_refund_desk(second))


def at_the_refund_desk(account_id: UUID) -> Actor:
    return Actor(ActorRole.ADMIN, account_id, "admin_finance")


def a_share(insurer: Insurer, premium: Money = PREMIUM, basis_points: int = 1500, **changes: Any) -> ContractShare:
    """An insurer's share of a contract from which nobody can withdraw any more."""
    commission = Money(premium.minor * basis_points // 10_000, premium.currency)
    parts: dict[str, Any] = {
        "contract_id": new_id(),
        "application_id": new_id(),
        "due_at": clock.business_now() - timedelta(minutes=1),
    }
    return ContractShare(share=Share(insurer.id, premium, commission), **(parts | changes))


def a_payable_insurer(code: str = "harbour") -> Insurer:
    """An insurer whose account at the simulator in use works."""
    return payable(an_insurer(code))


def payable(insurer: Insurer) -> Insurer:
    """Its people go through the set-up page of its account. Commits."""
    payee = accounts.begin_payee(a_member_of_staff(Role.INSURER_ADMIN, insurer), "HK")
    db.session.commit()
    link = accounts.open_payee(insurer.id, "http://localhost:8000/again", "http://localhost:8000/back")
    db.session.commit()
    requests.post(link, data={"answer": "finish"}, timeout=5, allow_redirects=False).raise_for_status()
    accounts.refresh_payee(payee.id)
    db.session.commit()
    return insurer


def a_consent(contract_id: UUID | None = None, **changes: Any) -> AskMandate:
    """The customer of a contract agrees that a card is kept for it."""
    parts: dict[str, Any] = {
        "wording_sha256": "ab" * 32,
        "email": "li.na@example.com",
        "locale": "en",
        "success_url": "http://localhost:8000/kept",
        "cancel_url": "http://localhost:8000/policy",
        "application_id": new_id(),
        "insurer_id": new_id(),
        "actor": Actor(ActorRole.CUSTOMER, label="customer"),
    }
    parts |= changes
    journey_id = parts.pop("journey_id", None) or a_journey()
    return AskMandate(contract_id=contract_id or new_id(), journey_id=journey_id, **parts)


def an_open_setup(consent: AskMandate | None = None) -> tuple[Mandate, str]:
    """A committed consent, and the page on which its card is given."""
    mandate = services.ask_mandate(consent or a_consent())
    db.session.commit()
    url = services.open_setup(mandate.id)
    db.session.commit()
    return mandate, url


def a_premium(mandate: Mandate, **changes: Any) -> StartPayment:
    """A later premium, to be charged to a kept card."""
    parts: dict[str, Any] = {
        "purpose": Purpose.INSTALMENT,
        "methods": (PaymentMethod.CARD,),
        "success_url": "",
        "cancel_url": "",
        "actor": SYSTEM,
        "mandate_id": mandate.id,
    }
    return a_wish_to_pay(**(parts | changes))
