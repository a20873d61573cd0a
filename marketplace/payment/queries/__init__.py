"""Ask about payments. Values only; no row leaves."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import String, and_, cast, exists, func, or_, select

from marketplace.catalog.values import PaymentMethod
from marketplace.infra import payment_gateway
from marketplace.infra.db import db
from marketplace.infra.payment_gateway import Session
from marketplace.kernel.money import Money
from marketplace.payment.models import (
    AttemptRow,
    BalanceCheckRow,
    LedgerEntryRow,
    LedgerLineRow,
    MovementRow,
    ProviderEventRow,
    RefundRow,
    lost_of,
    refunds_of,
    waiting_wishes,
)
from marketplace.payment.queries.mandates import mandate, mandate_of, mandate_value
from marketplace.payment.queries.refund_desk import desk, disputes, refund_value, unfinished, wish, wish_value
from marketplace.payment.queries.shares import (
    is_disputed,
    latest_share_lines,
    overdue,
    owed_at,
    premium_left,
    returned_of,
    share_days,
    share_lines,
    standing_of,
    transfer_of,
    unreturned_of,
)
from marketplace.payment.rules import settling
from marketplace.payment.values import (
    AccountTotal,
    Attempt,
    AttemptNotFound,
    AttemptState,
    BalanceCheck,
    Holding,
    LedgerAccount,
    Payer,
    Purpose,
    Refund,
    RefundNotFound,
    RefundState,
    Unexplained,
)

__all__ = [
    "account_totals",
    "attempt",
    "attempt_value",
    "attempts_of",
    "desk",
    "disputes",
    "event_counts",
    "goes_back_of",
    "holdings",
    "is_disputed",
    "last_balance_checks",
    "latest_share_lines",
    "left_of",
    "mandate",
    "mandate_of",
    "mandate_value",
    "overdue",
    "owed_at",
    "premium_left",
    "received",
    "refund",
    "refund_value",
    "refundable",
    "refunds_for",
    "returned_of",
    "share_days",
    "share_lines",
    "standing_of",
    "subjects_paid_as",
    "transfer_of",
    "unexplained",
    "unfinished",
    "unknown_since",
    "unreturned_of",
    "wish",
    "wish_value",
]


def attempt(attempt_id: UUID) -> Attempt:
    """Raises AttemptNotFound."""
    row = db.session.get(AttemptRow, attempt_id)
    if row is None:
        raise AttemptNotFound
    return attempt_value(row)


def payer_of(attempt_id: UUID) -> Payer:
    """Who paid, as far as it is known and not erased. Raises AttemptNotFound."""
    row = db.session.get(AttemptRow, attempt_id)
    if row is None:
        raise AttemptNotFound
    return Payer(row.payer, row.instrument)


def attempts_of(purpose: Purpose, subject_id: UUID) -> tuple[Attempt, ...]:
    """Every attempt to pay for the subject, first to last."""
    wanted = (AttemptRow.purpose == purpose.value, AttemptRow.subject_id == subject_id)
    rows = db.session.scalars(select(AttemptRow).where(*wanted).order_by(AttemptRow.number))
    return tuple(attempt_value(row) for row in rows)


def subjects_paid_as(purpose: Purpose, names: Iterable[str]) -> frozenset[UUID]:
    """What was paid for by payments that the provider calls so: the ids of its pages and of payments, as they stand on
    its receipts.
    """
    wanted = list(names)
    called = or_(AttemptRow.payment_intent_id.in_(wanted), AttemptRow.session_id.in_(wanted))
    return frozenset(
        db.session.scalars(select(AttemptRow.subject_id).where(AttemptRow.purpose == purpose.value, called))
    )


def refunds_for(purpose: Purpose, subject_id: UUID) -> tuple[Refund, ...]:
    """All money that went or goes back for the subject, oldest request first."""
    rows = db.session.scalars(
        select(RefundRow)
        .join(AttemptRow, AttemptRow.id == RefundRow.attempt_id)
        .where(AttemptRow.purpose == purpose.value, AttemptRow.subject_id == subject_id)
        .order_by(RefundRow.requested_at, RefundRow.id)
    )
    return tuple(refund_value(row) for row in rows)


def refundable(attempt_id: UUID) -> Money:
    """What may still be asked to go back of a payment: neither asked for, nor waiting, nor taken back by a bank."""
    left = left_of(attempt_id)
    return settling.refundable(
        left, Money(sum(each.amount_minor for each in waiting_wishes(attempt_id)), left.currency)
    )


def left_of(attempt_id: UUID) -> Money:
    """What came in by a payment, that no bank took back and nobody has asked to go back."""
    found = attempt(attempt_id)
    if found.received is None:
        return Money.zero(found.amount.currency)
    currency = found.received.currency
    gone = sum((each.to_send for each in refunds_of(attempt_id)), Money.zero(currency))
    return settling.refundable(found.received, gone + lost_of(attempt_id, currency))


def goes_back_of(contract_id: UUID, currency: str) -> Money:
    """What goes back to the customer who withdraws from a contract: of each payment for it what has not gone back of
    its premium, and no more than is left of the payment.
    """
    paid = unreturned_of(contract_id)
    return sum((min(each, left_of(attempt_id)) for attempt_id, each in paid.items()), Money.zero(currency))


def holdings(purpose: Purpose, subject_ids: Iterable[UUID]) -> dict[UUID, Holding]:
    """By subject, how its money stands, in one question; as the database has it now, whatever was read before."""
    wanted = list(subject_ids)
    under_way = [state.value for state in RefundState if not state.is_back]
    returning = exists().where(RefundRow.attempt_id == AttemptRow.id, RefundRow.state.in_(under_way))
    moving = or_(AttemptRow.settled_at.is_(None), AttemptRow.state == AttemptState.REFUND_PENDING.value, returning)
    rows = db.session.execute(
        select(
            AttemptRow.subject_id,
            func.bool_or(moving).label("moving"),
            func.bool_or(AttemptRow.state == AttemptState.SUCCEEDED.value).label("held"),
        )
        .where(AttemptRow.purpose == purpose.value, AttemptRow.subject_id.in_(wanted))
        .group_by(AttemptRow.subject_id)
    )
    found = {row.subject_id: settling.holding(moving=row.moving, held=row.held) for row in rows}
    return {subject_id: found.get(subject_id, Holding.NOTHING) for subject_id in wanted}


def event_counts() -> Mapping[tuple[str, str], int]:
    """How many events of each (type, outcome) came in; outcome `waiting` is not handled yet."""
    outcome = func.coalesce(ProviderEventRow.outcome, "waiting")
    rows = db.session.execute(
        select(ProviderEventRow.type, outcome, func.count())
        .group_by(ProviderEventRow.type, outcome)
        .order_by(ProviderEventRow.type, outcome)
    )
    return {(kind, how): number for kind, how, number in rows}


def unknown_since(since: datetime) -> tuple[Session, ...]:
    """Pages that were paid at the provider since `since` and belong to no attempt of ours: those of a database that
    lost its latest hours, or of another system on the same account. Newest first. Raises Unavailable.
    """
    paid = [
        page for page in payment_gateway.gateway().list_sessions(since, "complete") if page.payment_status == "paid"
    ]
    own_id = cast(AttemptRow.id, String)
    known = set(db.session.scalars(select(own_id).where(own_id.in_([page.our_id for page in paid]))))
    return tuple(page for page in paid if page.our_id not in known)


def attempt_value(row: AttemptRow) -> Attempt:
    return Attempt(
        id=row.id,
        purpose=Purpose(row.purpose),
        subject_id=row.subject_id,
        reference=row.reference,
        number=row.number,
        amount=Money(row.amount_minor, row.currency),
        state=AttemptState(row.state),
        url=row.url,
        journey_id=row.journey_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        received=received(row),
        succeeded_at=row.succeeded_at,
        settled_at=row.settled_at,
        method=_method(row.method),
        mandate_id=row.mandate_id,
        failure=row.failure,
    )


def _method(named: str | None) -> PaymentMethod | None:
    return next((each for each in PaymentMethod if each.value == named), None)


def refund(refund_id: UUID) -> Refund:
    """Raises RefundNotFound."""
    row = db.session.get(RefundRow, refund_id)
    if row is None:
        raise RefundNotFound
    return refund_value(row)


def received(row: AttemptRow) -> Money | None:
    if row.received_minor is None or row.received_currency is None:
        return None
    return Money(row.received_minor, row.received_currency)


def account_totals() -> tuple[AccountTotal, ...]:
    """What each account of the ledger stands at, by currency and insurer: debits less credits."""
    total = func.sum(LedgerLineRow.amount_minor)
    key = LedgerLineRow.account, LedgerLineRow.currency, LedgerLineRow.insurer_id
    rows = db.session.execute(select(*key, total.label("total")).group_by(*key).order_by(*key))
    return tuple(
        AccountTotal(LedgerAccount(row.account), Money(int(row.total), row.currency), row.insurer_id) for row in rows
    )


def last_balance_checks() -> tuple[BalanceCheck, ...]:
    """What the provider and the ledger said when they were compared last, by currency; empty before the first time."""
    last = select(func.max(BalanceCheckRow.checked_at)).scalar_subquery()
    rows = db.session.scalars(
        select(BalanceCheckRow).where(BalanceCheckRow.checked_at == last).order_by(BalanceCheckRow.currency)
    )
    return tuple(
        BalanceCheck(row.checked_at, Money(row.provider_minor, row.currency), Money(row.ledger_minor, row.currency))
        for row in rows
    )


def unexplained() -> tuple[Unexplained, ...]:
    """Whose money the provider and the ledger say something else of, oldest first. What is only minutes old may be on
    its way into either.
    """
    there = (
        select(
            func.coalesce(MovementRow.subject, MovementRow.id).label("moved"),
            MovementRow.currency,
            func.sum(MovementRow.amount_minor - MovementRow.fee_minor).label("minor"),
            func.max(MovementRow.moved_at).label("at"),
        )
        .group_by("moved", MovementRow.currency)
        .subquery()
    )
    here = (
        select(
            func.coalesce(LedgerEntryRow.provider_object, cast(LedgerEntryRow.id, String)).label("moved"),
            LedgerLineRow.currency,
            func.sum(LedgerLineRow.amount_minor).label("minor"),
            func.max(LedgerEntryRow.posted_at).label("at"),
        )
        .join(LedgerLineRow, LedgerLineRow.entry_id == LedgerEntryRow.id)
        .where(LedgerLineRow.account == LedgerAccount.PROVIDER_BALANCE.value)
        .group_by("moved", LedgerLineRow.currency)
        .subquery()
    )
    same = and_(there.c.moved == here.c.moved, there.c.currency == here.c.currency)
    theirs, ours = func.coalesce(there.c.minor, 0), func.coalesce(here.c.minor, 0)
    rows = db.session.execute(
        select(
            func.coalesce(there.c.moved, here.c.moved).label("moved"),
            func.coalesce(there.c.currency, here.c.currency).label("currency"),
            (theirs - ours).label("minor"),
            func.greatest(there.c.at, here.c.at).label("since"),
        )
        .select_from(there.join(here, same, full=True))
        .where(theirs != ours)
        .order_by("since", "moved")
    )
    return tuple(Unexplained(row.moved, Money(int(row.minor), row.currency), row.since) for row in rows)
