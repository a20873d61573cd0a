"""Post what happened to money, in the transaction in which it happened, once."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import exists, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.money import Money
from marketplace.payment.models import LedgerEntryRow, LedgerLineRow
from marketplace.payment.rules import bookkeeping
from marketplace.payment.rules.bookkeeping import Line
from marketplace.payment.services.rows import attempt_row
from marketplace.payment.values import LedgerAccount, LedgerEvent, Share

_OF_PREMIUMS = (LedgerEvent.PREMIUM, LedgerEvent.REFUND_REQUESTED, LedgerEvent.DISPUTE_LOST)
"""What the premium of a payment stands in, and what took from it; what was sent to insurers is another matter."""


def post(
    event: LedgerEvent,
    cause: object,
    lines: Sequence[Line],
    *,
    attempt_id: UUID | None = None,
    provider_object: str | None = None,
) -> bool:
    """Post an entry, unless it was posted before for this cause; whether it was new. Nothing to post is nothing."""
    if not lines:
        return False
    if not bookkeeping.is_balanced(lines):
        raise ValueError(f"the lines of {event} do not balance")
    entry = {
        "id": ids.new_id(),
        "event": event.value,
        "cause": str(cause),
        "attempt_id": attempt_id,
        "provider_object": provider_object,
        "posted_at": clock.now(),
    }
    once = upsert(LedgerEntryRow).values(entry).on_conflict_do_nothing(constraint="uq_payment_ledger_entry_once")
    if db.session.execute(once.returning(LedgerEntryRow.id)).scalar_one_or_none() is None:
        return False
    rows = [
        {
            "entry_id": entry["id"],
            "number": number,
            "account": line.account.value,
            "insurer_id": line.insurer_id,
            "amount_minor": line.amount.minor,
            "currency": line.amount.currency,
        }
        for number, line in enumerate(lines, 1)
    ]
    db.session.execute(insert(LedgerLineRow), rows)
    return True


def move(
    event: LedgerEvent,
    cause: object,
    amount: Money,
    *,
    attempt_id: UUID | None = None,
    provider_object: str | None = None,
) -> bool:
    """Post an event that moves one amount from one account to another, as `post` does."""
    lines = bookkeeping.move(event, amount)
    return post(event, cause, lines, attempt_id=attempt_id, provider_object=provider_object)


def is_posted(event: LedgerEvent, cause: object) -> bool:
    wanted = LedgerEntryRow.event == event.value, LedgerEntryRow.cause == str(cause)
    return bool(db.session.scalar(select(exists().where(*wanted))))


def balance_of(attempt_id: UUID, account: LedgerAccount, currency: str) -> Money:
    """What an account stands at because of an attempt: debits less credits."""
    wanted = LedgerEntryRow.attempt_id == attempt_id, LedgerLineRow.account == account.value
    total = db.session.scalar(
        select(func.sum(LedgerLineRow.amount_minor))
        .join(LedgerEntryRow, LedgerEntryRow.id == LedgerLineRow.entry_id)
        .where(*wanted, LedgerLineRow.currency == currency)
    )
    return Money(int(total or 0), currency)


def shares_left(attempt_id: UUID, insurer_id: UUID | None = None) -> tuple[Share, ...]:
    """What has not gone back of the premiums that an attempt paid, by insurer or of this one; nothing before the
    contracts are concluded.
    """
    minor = func.sum(LedgerLineRow.amount_minor)
    of_insurer = LedgerLineRow.account == LedgerAccount.INSURER_PAYABLE.value
    rows = db.session.execute(
        select(
            LedgerLineRow.insurer_id,
            LedgerLineRow.currency,
            (-minor).label("premium"),
            (-func.coalesce(minor.filter(~of_insurer), 0)).label("commission"),
        )
        .join(LedgerEntryRow, LedgerEntryRow.id == LedgerLineRow.entry_id)
        .where(LedgerEntryRow.attempt_id == attempt_id, LedgerEntryRow.event.in_([each.value for each in _OF_PREMIUMS]))
        .where(LedgerLineRow.insurer_id.is_not(None))
        .group_by(LedgerLineRow.insurer_id, LedgerLineRow.currency)
        .order_by(LedgerLineRow.insurer_id)
    )
    shares = (
        Share(row.insurer_id, Money(int(row.premium), row.currency), Money(int(row.commission), row.currency))
        for row in rows
    )
    return tuple(share for share in shares if share.premium and insurer_id in {None, share.insurer_id})


def book_premiums(attempt_id: UUID, shares: Sequence[Share]) -> None:
    """The contracts that an attempt paid for are concluded: what was held for its customer is owed to their insurers.

    Raises AttemptNotFound.
    """
    post(LedgerEvent.PREMIUM, attempt_row(attempt_id).id, bookkeeping.premiums(shares), attempt_id=attempt_id)
