"""Stripe's objects as our values, and its errors as ours."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import stripe

from marketplace.infra.payment_gateway import (
    Intent,
    KeptCard,
    Movement,
    PaymentCallRefused,
    PaymentsUnavailable,
    ProviderAccount,
    ProviderDispute,
    ProviderRefund,
    ProviderTransfer,
    Session,
)
from marketplace.kernel.money import Money

log = logging.getLogger(__name__)

CHARGES = {"charge", "payment"}
_PERSON = re.compile(r"^person_[^.]+")  # Stripe names whom it asks about; what it asks is enough


@dataclass(frozen=True, slots=True)
class Verification:
    """A VerificationSession. `status`: requires_input, processing, verified, canceled; `error` is Stripe's code of what
    was shown last, `report` names it.
    """

    id: str
    status: str
    url: str | None
    error: str | None
    report: str | None
    first_name: str | None
    last_name: str | None
    birth_on: date | None
    metadata: Mapping[str, str]


def verification(found: stripe.identity.VerificationSession) -> Verification:
    outputs: Any = getattr(found, "verified_outputs", None)
    return Verification(
        id=found.id,
        status=str(found.status),
        url=found.url,
        error=found.last_error.code if found.last_error else None,
        report=id_of(found.last_verification_report),
        first_name=getattr(outputs, "first_name", None),
        last_name=getattr(outputs, "last_name", None),
        birth_on=_birth(getattr(outputs, "dob", None)),
        metadata=_metadata(found),
    )


def _birth(found: Any) -> date | None:
    if not found or None in {found.year, found.month, found.day}:
        return None
    return date(found.year, found.month, found.day)


def session(found: stripe.checkout.Session) -> Session:
    return Session(
        id=found.id,
        url=found.url,
        status=str(found.status),
        payment_status=str(found.payment_status),
        amount=_money(found.amount_total, found.currency),
        payment_intent_id=id_of(found.payment_intent),
        intent_status=getattr(found.payment_intent, "status", None),
        our_id=found.client_reference_id,
        expires_at=datetime.fromtimestamp(found.expires_at, UTC),
        metadata=_metadata(found),
        method=_method(found.payment_intent),
        payer=_payer(found.payment_intent),
        instrument=_instrument(found.payment_intent),
    )


def intent(found: stripe.PaymentIntent) -> Intent:
    error = found.last_payment_error
    declined = (getattr(error, "decline_code", None) or getattr(error, "code", None)) if error else None
    received = _money(found.amount_received, found.currency) if found.amount_received else None
    return Intent(found.id, declined, _metadata(found), str(found.status), received, _method(found))


def charged(create: Callable[[], stripe.PaymentIntent]) -> str:
    """The PaymentIntent that was made, also where the bank declined it."""
    try:
        return create().id
    except stripe.CardError as error:
        told = error.error.payment_intent if error.error else None
        if told is None:
            raise
        return str(id_of(told))


def kept_card(found: stripe.checkout.Session) -> KeptCard:
    setup: Any = found.setup_intent
    method = setup.payment_method if getattr(setup, "status", None) == "succeeded" else None
    card = getattr(method, "card", None)
    return KeptCard(
        our_id=found.client_reference_id,
        session_id=found.id,
        url=found.url,
        status=str(found.status),
        method_id=None if method is None else str(method.id),
        customer_id=id_of(found.customer),
        brand=None if card is None else str(card.brand),
        last4=None if card is None else str(card.last4),
        month=None if card is None else int(card.exp_month),
        year=None if card is None else int(card.exp_year),
    )


def id_of(reference: Any) -> str | None:
    """Stripe gives a linked object by its id or, when expanded, whole."""
    return reference if reference is None or isinstance(reference, str) else str(reference.id)


def refund(found: stripe.Refund) -> ProviderRefund:
    amount = _money(found.amount, found.currency)
    if amount is None:
        raise PaymentCallRefused("a refund without an amount", "malformed_refund")
    return ProviderRefund(
        id=found.id,
        status=str(found.status),
        amount=amount,
        failure_reason=getattr(found, "failure_reason", None),
        metadata=_metadata(found),
    )


def transfer(found: stripe.Transfer | stripe.TransferReversal) -> ProviderTransfer:
    return ProviderTransfer(
        id=found.id,
        amount=Money(found.amount, found.currency.upper()),
        metadata=_metadata(found),
    )


def movement(found: stripe.BalanceTransaction) -> Movement:
    source: Any = found.source
    currency = found.currency.upper()
    return Movement(
        id=found.id,
        type=str(found.type),
        subject=id_of(getattr(source, "payment_intent", None) if found.type in CHARGES else source),
        amount=Money(found.amount, currency),
        fee=Money(found.fee, currency),
        moved_at=datetime.fromtimestamp(found.created, UTC),
    )


def dispute(found: stripe.Dispute) -> ProviderDispute:
    due = found.evidence_details.due_by
    return ProviderDispute(
        id=found.id,
        status=str(found.status),
        reason=str(found.reason),
        amount=Money(found.amount, found.currency.upper()),
        payment_intent_id=id_of(found.payment_intent),
        opened_at=datetime.fromtimestamp(found.created, UTC),
        due_at=datetime.fromtimestamp(due, UTC) if due else None,
        movements=tuple(map(movement, found.balance_transactions)),
    )


def account(found: stripe.Account) -> ProviderAccount:
    asked = found.requirements
    due = {_PERSON.sub("person", name) for name in (asked.currently_due if asked else None) or ()}
    return ProviderAccount(
        id=found.id,
        charges_enabled=bool(found.charges_enabled),
        payouts_enabled=bool(found.payouts_enabled),
        details_submitted=bool(found.details_submitted),
        due=tuple(sorted(due)),
        disabled_reason=asked.disabled_reason if asked else None,
        metadata=_metadata(found),
    )


def failure(error: stripe.StripeError) -> PaymentsUnavailable | PaymentCallRefused:
    final = isinstance(error, stripe.InvalidRequestError | stripe.IdempotencyError | stripe.CardError)
    log.warning(
        "stripe %s: status %s, code %s, request %s",
        type(error).__name__,
        error.http_status,
        error.code,
        error.request_id,
    )
    if final:
        return PaymentCallRefused("the payment service refused the request", error.code)
    # A refused key (401, 403) is our own fault in the set-up: once mended, the same call succeeds.
    failed = (error.http_status or 0) >= 500  # noqa: PLR2004  HTTP: from here on the server failed
    answer = f"{error.http_status} {error.code or ''}".strip()[:64] if failed else None
    return PaymentsUnavailable("the payment service does not answer", answer)


def _metadata(found: Any) -> dict[str, str]:
    return found.metadata.to_dict() if found.metadata else {}


def _method(intent: Any) -> str | None:
    """By what the last charge of an expanded PaymentIntent was made."""
    details = getattr(getattr(intent, "latest_charge", None), "payment_method_details", None)
    return None if details is None else str(details.type)


def _payer(intent: Any) -> str | None:
    """Whose name the payer gave with the card or the wallet."""
    billing = getattr(getattr(intent, "latest_charge", None), "billing_details", None)
    return getattr(billing, "name", None) or None


def _instrument(intent: Any) -> str | None:
    """What names the card or the wallet (docs.stripe.com/api/charges/object, `fingerprint`)."""
    details = getattr(getattr(intent, "latest_charge", None), "payment_method_details", None)
    kind = None if details is None else getattr(details, str(details.type), None)
    return getattr(kind, "fingerprint", None) or None


def _money(amount: int | None, currency: str | None) -> Money | None:
    if amount is None or currency is None:
        return None
    return Money(amount, currency.upper())
