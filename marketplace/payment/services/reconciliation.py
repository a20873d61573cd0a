"""Find what no webhook told us: paid pages, pages that ran out, refunds under way; and shares whose day has come."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from marketplace.accounts import queries as accounts
from marketplace.accounts.values import PayeeState
from marketplace.infra import jobs, payment_gateway
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.kernel import clock
from marketplace.payment.models import AttemptRow, MandateRow, RefundRow, ReversalRow, TransferRow, frozen
from marketplace.payment.rules.settling import CLOCK_MARGIN
from marketplace.payment.rules.transferring import REFUSAL_REST
from marketplace.payment.services.charging import defer_charge
from marketplace.payment.services.shares import defer_reversal, defer_transfer
from marketplace.payment.values import MandateState, ReversalState, TransferState

# Younger ones are on their ordinary way: the customer is paying, the webhook is coming.
ATTEMPTS_AFTER = timedelta(seconds=5)
REFUNDS_AFTER = timedelta(minutes=1)
TRANSFERS_AFTER = timedelta(minutes=1)
CHARGES_AFTER = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
BATCH = 200


def reconcile() -> int:
    """Defer the settling of every attempt and refund that should be settled. Returns how many were deferred.

    One listing per hundred completed pages since the oldest unsettled attempt, instead of one question per attempt.
    """
    now = clock.now()
    queued = jobs.is_due("payment.send_overdue_refund", refund_id=RefundRow.id)
    late = (
        RefundRow.settled_at.is_(None),
        RefundRow.requested_at < now - REFUNDS_AFTER,
        _is_to_be_asked(now),
        not_(queued),
    )
    refunds = db.session.scalars(select(RefundRow.id).where(*late).order_by(RefundRow.requested_at)).all()
    for refund_id in refunds:
        jobs.defer("payment.send_overdue_refund", refund_id=refund_id)
    charges = _reconcile_cards(now)
    queued = jobs.is_due("payment.settle_overdue", attempt_id=AttemptRow.id)
    on_a_page = AttemptRow.settled_at.is_(None), AttemptRow.mandate_id.is_(None)
    unsettled = *on_a_page, AttemptRow.created_at < now - ATTEMPTS_AFTER, not_(queued)
    attempts = db.session.scalars(select(AttemptRow).where(*unsettled).order_by(AttemptRow.created_at)).all()
    if not attempts:
        return len(refunds) + charges
    completed = _completed({row.id for row in attempts}, since=attempts[0].created_at - CLOCK_MARGIN)
    reach(At.PAGES_LISTED)
    for attempt_id, session_id in completed.items():
        jobs.defer("payment.settle_overdue", attempt_id=attempt_id, session_id=session_id)
    reach(At.OVERDUE_DEFERRED)
    ran_out = [row.id for row in attempts if row.id not in completed and row.expires_at < now - CLOCK_MARGIN]
    for attempt_id in ran_out:
        jobs.defer("payment.settle_overdue", attempt_id=attempt_id)
    return len(refunds) + charges + len(completed) + len(ran_out)


def _reconcile_cards(now: datetime) -> int:
    """Charges whose answer was lost, and cards that are to be kept or forgotten and of which nothing was heard."""
    hanging = (
        AttemptRow.settled_at.is_(None),
        AttemptRow.mandate_id.is_not(None),
        AttemptRow.created_at < now - CHARGES_AFTER,
        not_(jobs.is_waiting("payment.send_charge", attempt_id=AttemptRow.id)),
    )
    asked = (
        MandateRow.state == MandateState.ASKED.value,
        MandateRow.asked_at < now - CHARGES_AFTER,
        not_(jobs.is_waiting("payment.settle_mandate", mandate_id=MandateRow.id)),
    )
    ended = (
        MandateRow.ended_at < now - CHARGES_AFTER,
        MandateRow.detached_at.is_(None),
        not_(jobs.is_waiting("payment.detach_card", mandate_id=MandateRow.id)),
    )
    charges = _first(AttemptRow.id, AttemptRow.created_at, *hanging)
    given, left = (_first(MandateRow.id, MandateRow.asked_at, *which) for which in (asked, ended))
    for attempt_id in charges:
        defer_charge(attempt_id)
    for mandate_id in given:
        jobs.defer("payment.settle_mandate", mandate_id=mandate_id)
    for mandate_id in left:
        jobs.defer("payment.detach_card", mandate_id=mandate_id)
    return len(charges) + len(given) + len(left)


def _is_to_be_asked(now: datetime) -> ColumnElement[bool]:
    """Of a refund: one that was not sent, unless a bank disputes its payment; one that was, after pauses as long as it
    has been under way, an hour at the most. Banks take days, and the webhook tells most of it.
    """
    unsent = RefundRow.provider_id.is_(None)
    under_way = RefundRow.looked_at - func.coalesce(RefundRow.asked_at, RefundRow.requested_at)
    looked_at_lately = RefundRow.looked_at > now - func.least(under_way, LONGEST_PAUSE)
    return or_(
        and_(unsent, not_(frozen(RefundRow.attempt_id))),
        and_(not_(unsent), or_(RefundRow.looked_at.is_(None), not_(looked_at_lately))),
    )


def reconcile_transfers() -> int:
    """Defer the sending of every share of an insurer that is due and whose insurer can be paid, and of everything that
    hangs. Returns how many were deferred.
    """
    now = clock.now()
    ready = [payee.insurer_id for payee in accounts.payees().values() if payee.state is PayeeState.READY]
    rested = or_(TransferRow.asked_at.is_(None), TransferRow.asked_at <= now - REFUSAL_REST)
    due = (
        TransferRow.state == TransferState.WAITING.value,
        TransferRow.due_at <= clock.business_now(),
        TransferRow.insurer_id.in_(ready),
        rested,
        not_(frozen(TransferRow.attempt_id)),
        not_(jobs.is_due("payment.release_transfer", transfer_id=TransferRow.id)),
    )
    hanging = (
        TransferRow.state == TransferState.ASKED.value,
        TransferRow.asked_at < now - TRANSFERS_AFTER,
        not_(jobs.is_due("payment.send_transfer", transfer_id=TransferRow.id)),
    )
    refused = and_(ReversalRow.failure.is_not(None), ReversalRow.asked_at > now - REFUSAL_REST)
    returning = (
        ReversalRow.state == ReversalState.ASKED.value,
        ReversalRow.asked_at < now - TRANSFERS_AFTER,
        not_(refused),
        not_(jobs.is_due("payment.send_reversal", reversal_id=ReversalRow.id)),
    )
    released = _first(TransferRow.id, TransferRow.due_at, *due)
    asked = _first(TransferRow.id, TransferRow.due_at, *hanging)
    coming_back = _first(ReversalRow.id, ReversalRow.booked_at, *returning)
    for transfer_id in released:
        jobs.defer("payment.release_transfer", transfer_id=transfer_id)
    for transfer_id in asked:
        defer_transfer(transfer_id)
    for reversal_id in coming_back:
        defer_reversal(reversal_id)
    return len(released) + len(asked) + len(coming_back)


def _first(
    wanted: InstrumentedAttribute[UUID], order: InstrumentedAttribute[datetime], *which: ColumnElement[bool]
) -> list[UUID]:
    return list(db.session.scalars(select(wanted).where(*which).order_by(order, wanted).limit(BATCH)))


def _completed(attempt_ids: set[UUID], since: datetime) -> dict[UUID, str]:
    """Which of the attempts have a completed page at the provider, with its id there."""
    ours = {str(attempt_id): attempt_id for attempt_id in attempt_ids}
    return {
        ours[session.our_id]: session.id
        for session in payment_gateway.gateway().list_sessions(since, "complete")
        if session.our_id in ours
    }
