"""Speak with the provider about charging a kept card: our row first, then one call, then what became of it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from marketplace.infra import jobs, payment_gateway
from marketplace.infra.db import apart
from marketplace.infra.failpoints import At, reach
from marketplace.infra.payment_gateway import Intent, NewCharge, PaymentCallRefused, PaymentsUnavailable
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow, MandateRow
from marketplace.payment.models.mandates import mandate_row
from marketplace.payment.rules.settling import CLOCK_MARGIN, Seen, must_look_first
from marketplace.payment.services.failed_calls import note_failed_call
from marketplace.payment.values import AttemptNotCommitted, AttemptState, MandateState

# Whose owner has to do something at the bank: with nobody there that is a refusal.
_STUCK = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
STOPPED, UNAVAILABLE, REFUSED = "card_not_kept", "provider_unavailable", "card_refused"
"""Our own words where the provider has none: nothing was charged because the customer had stopped it, because the
provider was not there, because it does not take the card at all."""


@dataclass(frozen=True, slots=True)
class Charged:
    """What is known of a charge: how the provider's payment stands, None where there is none and nothing is decided."""

    intent: Intent | None = None
    seen: Seen | None = None
    failure: str | None = None


def require_committed(attempt_id: UUID) -> None:
    """Money must never move for a row that may still be rolled back, so another connection has to see it."""
    with apart() as connection:
        if connection.execute(select(AttemptRow.id).where(AttemptRow.id == attempt_id)).one_or_none() is None:
            raise AttemptNotCommitted


def defer_charge(attempt_id: UUID) -> None:
    """Have the card charged by one worker at a time, once the attempt is committed."""
    jobs.defer("payment.send_charge", lock=f"charge-{attempt_id}", attempt_id=attempt_id)


def charged(row: AttemptRow) -> Charged:
    """Charge the card, or where that may have been done already, see what became of it. Raises Unavailable.

    Once the key may be forgotten, or only replays a failure, it is looked for; where there is nothing, the attempt has
    failed, and the next one has a number and a key of its own.
    """
    mandate = _mandate_of(row)
    if row.payment_intent_id is not None or AttemptState(row.state) is not AttemptState.CREATED:
        return looked_up(row)
    if must_look_first(row.created_at, clock.now(), row.failed_calls):
        found = looked_up(row)
        return found if found.seen is not None else _failed(UNAVAILABLE)
    if MandateState(mandate.state) is not MandateState.KEPT:
        found = looked_up(row)
        return found if found.seen is not None else _failed(STOPPED)
    reach(At.CHARGE_STANDS)
    try:
        made = payment_gateway.gateway().charge_card(_charge_of(row, mandate))
    except PaymentsUnavailable as error:
        note_failed_call(row, error)
        raise
    except PaymentCallRefused:
        return _failed(REFUSED)
    reach(At.CARD_CHARGED)
    return _read(made)


def looked_up(row: AttemptRow) -> Charged:
    """What the provider has of the charge. Raises Unavailable."""
    gateway, mandate, own = payment_gateway.gateway(), _mandate_of(row), str(row.id)
    if row.payment_intent_id is not None:
        return _read(gateway.retrieve_intent(row.payment_intent_id))
    if mandate.customer_id is None:
        return Charged()
    since = row.created_at - CLOCK_MARGIN
    listed = gateway.list_intents(mandate.customer_id, since)
    found = next((each for each in listed if each.metadata.get("attempt_id") == own), None)
    return Charged() if found is None else _read(gateway.retrieve_intent(found.id))


def _read(intent: Intent) -> Charged:
    """As it stands once nobody can pay it later."""
    why = intent.declined
    if intent.status in _STUCK:
        gateway = payment_gateway.gateway()
        try:
            intent = gateway.cancel_intent(intent.id)
        except PaymentCallRefused:  # paid or cancelled in the meantime
            intent = gateway.retrieve_intent(intent.id)
    paid = intent.status == "succeeded"
    failure = (why or intent.declined or REFUSED) if intent.status == "canceled" else None
    seen = Seen("complete", "paid" if paid else "unpaid", intent.status, intent.received)
    return Charged(intent, seen, failure)


def _failed(why: str) -> Charged:
    return Charged(seen=Seen("complete", "unpaid", "canceled", None), failure=why)


def _mandate_of(row: AttemptRow) -> MandateRow:
    if row.mandate_id is None:
        raise ValueError("this attempt charges no kept card")
    return mandate_row(row.mandate_id)


def _charge_of(row: AttemptRow, mandate: MandateRow) -> NewCharge:
    return NewCharge(
        amount=Money(row.amount_minor, row.currency),
        customer_id=str(mandate.customer_id),
        method_id=str(mandate.method_id),
        description=row.description,
        group=str(row.id),
        metadata={
            "attempt_id": str(row.id),
            "mandate_id": str(row.mandate_id),
            "purpose": row.purpose,
            "subject_id": str(row.subject_id),
            "reference": row.reference,
            "journey_id": str(row.journey_id),
        },
        idempotency_key=row.idempotency_key,
    )
