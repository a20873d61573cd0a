"""Post what happened to money, in the transaction in which it happened, once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.infra.db import db
from marketplace.kernel import clock, ids
from marketplace.kernel.money import Money
from marketplace.payment.models import LedgerEntryRow, LedgerLineRow
from marketplace.payment.rules import bookkeeping
from marketplace.payment.rules.bookkeeping import Line
from marketplace.payment.values import LedgerAccount, LedgerEvent


def post(
    event: LedgerEvent,
    cause: object,
    lines: Sequence[Line],
    *,
    attempt_id: UUID | None = None,
    provider_object: str | None = None,
    at: datetime | None = None,
) -> bool:
    """Post an entry, unless it was posted before for this cause; whether it was new. Nothing to post is nothing. `at`:
    the same instant as what it is posted with.
    """
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
        "posted_at": at or clock.now(),
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
