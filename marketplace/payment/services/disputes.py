"""Take the provider's word about disputes: what a bank takes back, gives again, and how it ends."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, select

from marketplace.infra import payment_gateway
from marketplace.infra.db import db
from marketplace.infra.payment_gateway import PaymentCallRefused, ProviderDispute
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment.models import AttemptRow, DisputeRow, RefundRow, refunds_of
from marketplace.payment.rules import bookkeeping
from marketplace.payment.services import ledger
from marketplace.payment.services.refunds import adopt, made_of, overtake
from marketplace.payment.services.rows import locked_attempt, record
from marketplace.payment.services.shares import EVERYBODYS, shares_left, take_back
from marketplace.payment.values import (
    AttemptNotFound,
    DisputeNotFound,
    DisputeStatus,
    LedgerAccount,
    LedgerEvent,
    RefundState,
)
from marketplace.traceability.values import PROVIDER, EntryType

log = logging.getLogger(__name__)

DUE_SOON = timedelta(days=3)
LOOK_BACK = timedelta(days=120)
"""So long after a payment most banks still open a dispute; further back only what is open is asked for again."""


def note_dispute(dispute_id: str) -> None:
    """Ask how a dispute stands, and note it. Raises AttemptNotFound where its payment is none of ours; Unavailable."""
    found = payment_gateway.gateway().retrieve_dispute(dispute_id)
    _take(found, _sent_all_the_same(found))


def take_disputes() -> int:
    """Once an hour, for events that never came: every dispute of the last months, and each that is open. One that
    cannot be noted rings, and stops no other. Returns how many. Raises Unavailable.
    """
    gateway = payment_gateway.gateway()
    found = {each.id: each for each in gateway.list_disputes(clock.now() - LOOK_BACK)}
    for dispute_id in _open_ids():
        if dispute_id not in found:
            try:
                found[dispute_id] = gateway.retrieve_dispute(dispute_id)
            except PaymentCallRefused:
                log.exception("ALARM dispute %s cannot be asked about", dispute_id)
    heard = [(each, _sent_all_the_same(each)) for each in found.values()]  # all asked before anything is locked
    for each, sent in heard:
        try:
            with db.session.begin_nested():
                _take(each, sent)
        except AttemptNotFound:
            log.warning("the provider knows dispute %s of a payment that is none of ours", each.id)
        except Exception:
            log.exception("ALARM dispute %s cannot be noted", each.id)
    return len(found)


def watch_disputes() -> int:
    """Ring for each dispute that takes our evidence for three days or less, and for each that was lost and of which
    nobody took note. Returns how many.
    """
    now, rung = clock.now(), 0
    for row in db.session.scalars(select(DisputeRow).where(DisputeRow.seen_at.is_(None)).order_by(DisputeRow.id)):
        status = DisputeStatus(row.status)
        if status.needs_answer and row.due_at is not None and row.due_at - now <= DUE_SOON:
            log.error("ALARM dispute %s takes our evidence until %s", row.id, row.due_at.isoformat(timespec="minutes"))
        elif status is DisputeStatus.LOST:
            log.error("ALARM dispute %s is lost; what becomes of the contract is to be decided", row.id)
        else:
            continue
        rung += 1
    return rung


def see_dispute(dispute_id: str, by: UUID) -> None:
    """Somebody took note of how a dispute ended. Again, it changes nothing. Raises DisputeNotFound, also while it is
    open.
    """
    row = db.session.get(DisputeRow, dispute_id, with_for_update=True, populate_existing=True)
    if row is None or row.closed_at is None:
        raise DisputeNotFound
    if row.seen_at is None:
        row.seen_at, row.seen_by = clock.now(), by
        db.session.flush()


def _open_ids() -> list[str]:
    undecided = [status.value for status in DisputeStatus if status.is_open]
    return list(db.session.scalars(select(DisputeRow.id).where(DisputeRow.status.in_(undecided))))


def _sent_all_the_same(found: ProviderDispute) -> Mapping[str, str]:
    """Refunds of a payment that is lost which Stripe has made, by our id, though we know of no answer: those the bank
    did not overtake. Asked only where there may be some.
    """
    if found.payment_intent_id is None or found.status != DisputeStatus.LOST:
        return {}
    open_ones = (RefundRow.state == RefundState.REQUESTED.value) & RefundRow.provider_id.is_(None)
    of_it = exists().where(
        AttemptRow.payment_intent_id == found.payment_intent_id, RefundRow.attempt_id == AttemptRow.id
    )
    if not db.session.scalar(select(of_it.where(open_ones))):
        return {}
    return made_of(found.payment_intent_id)


def _take(found: ProviderDispute, sent: Mapping[str, str]) -> None:
    paid = select(AttemptRow.id).where(AttemptRow.payment_intent_id == found.payment_intent_id)
    attempt_id = db.session.scalar(paid) if found.payment_intent_id else None
    if attempt_id is None:
        raise AttemptNotFound
    attempt, _ = locked_attempt(attempt_id)
    row = db.session.get(DisputeRow, found.id, populate_existing=True)
    if row is None:
        row = DisputeRow(id=found.id, attempt_id=attempt.id, opened_at=found.opened_at, status="")
        db.session.add(row)
    before, now = row.status, DisputeStatus(found.status)
    row.status, row.reason, row.due_at = now.value, found.reason[:64], found.due_at
    row.amount_minor, row.currency = found.amount.minor, found.amount.currency
    db.session.flush()
    _book(attempt, found)
    body = {"amount": row.amount_minor, "currency": row.currency}
    if not before:
        log.warning("the bank of the customer disputes payment %s: %s", attempt.reference, found.id)
        record(attempt, EntryType.PAYMENT_DISPUTED, PROVIDER, **body)
    if not now.is_open and row.closed_at is None:
        row.closed_at = clock.now()
        db.session.flush()
        record(attempt, EntryType.DISPUTE_CLOSED, PROVIDER, **body, outcome=now.value)
        if now is DisputeStatus.LOST:
            _lose(attempt, found, sent)


def _book(attempt: AttemptRow, found: ProviderDispute) -> None:
    """What the bank took and gave again, each once, with the fee for it."""
    for each in found.movements:
        taken = each.amount.minor < 0
        event = LedgerEvent.DISPUTE_WITHDRAWN if taken else LedgerEvent.DISPUTE_REINSTATED
        for kind, amount in ((event, -each.amount if taken else each.amount), (LedgerEvent.PROVIDER_FEE, each.fee)):
            if amount:
                ledger.move(kind, each.id, amount, attempt_id=attempt.id, provider_object=found.id)


def _lose(attempt: AttemptRow, found: ProviderDispute, sent: Mapping[str, str]) -> None:
    """The customer has the money: what was to go back does not any more, the contracts bear the rest as far as they
    have it, and what nobody has is our loss.
    """
    taken = -sum((each.amount for each in found.movements), Money.zero(found.amount.currency))
    if taken.minor <= 0:
        return
    for refund in refunds_of(attempt.id):
        if str(refund.id) in sent and _is_open(refund):
            adopt(refund, sent[str(refund.id)])
    overtaken = _overtake(attempt, taken)
    rest = taken - overtaken
    held = -ledger.balance_of(attempt.id, LedgerAccount.CUSTOMER_HELD, taken.currency)
    of_held = min(rest, held) if held.minor > 0 else Money.zero(taken.currency)
    left, at = shares_left(attempt.id), clock.now()
    lines = bookkeeping.lost(taken, overtaken, of_held, left)
    ledger.post(LedgerEvent.DISPUTE_LOST, found.id, lines, attempt_id=attempt.id, at=at)
    if of_contracts := bookkeeping.to_be_had(rest - of_held, left):
        take_back(found.id, attempt.id, of_contracts, EVERYBODYS, at)


def _overtake(attempt: AttemptRow, taken: Money) -> Money:
    """What of the money had been asked to go back and was not sent: so much of that is settled by it."""
    rest = taken
    for refund in refunds_of(attempt.id):
        if _is_unsent(refund) and rest:
            amount = min(rest, refund.to_send)
            rest -= amount
            overtake(attempt, refund, amount)
    return taken - rest


def _is_unsent(refund: RefundRow) -> bool:
    return refund.state == RefundState.FAILED.value or _is_open(refund)


def _is_open(refund: RefundRow) -> bool:
    """Whether the provider is still to be asked for it, or was and its answer was lost."""
    return refund.state == RefundState.REQUESTED.value and refund.provider_id is None
