"""Take over the provider's own account of our money, post what only it knows of, and compare the two."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.infra import payment_gateway
from marketplace.infra.db import db
from marketplace.infra.failpoints import At, reach
from marketplace.infra.payment_gateway import Movement
from marketplace.kernel import clock
from marketplace.kernel.money import Money
from marketplace.payment import queries
from marketplace.payment.models import BalanceCheckRow, MovementRow
from marketplace.payment.services import ledger
from marketplace.payment.values import LedgerAccount, LedgerEvent

MARGIN = timedelta(days=1)
"""So far back it is asked again: what the provider dates back by less than this is not missed."""

_BEGINNING = datetime(2011, 1, 1, tzinfo=UTC)  # before there was Stripe
_PAYOUTS = {"payout", "payout_cancel", "payout_failure"}


def take_movements() -> int:
    """Take over what moved our balance since last time, with fees and payouts, which nobody else tells us of; then note
    what the provider says that we have, and what the ledger says. Returns how many were new. Raises Unavailable.
    """
    newest = db.session.scalar(select(func.max(MovementRow.moved_at)))
    since = newest - MARGIN if newest else _BEGINNING
    gateway = payment_gateway.gateway()
    moved, balance = list(gateway.list_movements(since)), gateway.balance()  # all asked before anything is written
    reach(At.MOVEMENTS_LISTED)
    new = sum(map(_take, moved))
    reach(At.MOVEMENTS_TAKEN)
    _compare(balance)
    return new


def _take(found: Movement) -> bool:
    row = {
        "id": found.id,
        "type": found.type,
        "subject": found.subject,
        "amount_minor": found.amount.minor,
        "fee_minor": found.fee.minor,
        "currency": found.amount.currency,
        "moved_at": found.moved_at,
    }
    once = upsert(MovementRow).values(row).on_conflict_do_nothing(index_elements=[MovementRow.id])
    if db.session.execute(once.returning(MovementRow.id)).scalar_one_or_none() is None:
        return False
    moved = found.subject or found.id
    if found.fee:
        ledger.move(LedgerEvent.PROVIDER_FEE, found.id, found.fee, provider_object=moved)
    if found.type in _PAYOUTS:
        ledger.move(LedgerEvent.PAID_OUT, found.id, -found.amount, provider_object=moved)
    return True


def _compare(balance: Iterable[Money]) -> None:
    theirs = {total.currency: total.minor for total in balance}
    ours = {
        each.total.currency: each.total.minor
        for each in queries.account_totals()
        if each.account is LedgerAccount.PROVIDER_BALANCE
    }
    now = clock.now()
    rows = [
        {
            "checked_at": now,
            "currency": currency,
            "provider_minor": theirs.get(currency, 0),
            "ledger_minor": ours.get(currency, 0),
        }
        for currency in sorted(theirs.keys() | ours.keys())
    ]
    if rows:
        db.session.execute(insert(BalanceCheckRow), rows)
