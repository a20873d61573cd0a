"""An insurer's account at Stripe: our row first, one account for it however often it is asked for, then its people.

As with payments (ADR 0004): the row is committed before Stripe hears of it, its id stands in Stripe's metadata, its
idempotency key finds the same account after a lost answer, and only Stripe's present answer is believed. Nothing of its
bank or its people is kept here.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from marketplace.accounts.models import PayeeRow
from marketplace.accounts.queries import insurer, payee_of
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.services import checks
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    Account,
    InsurerNotFound,
    NewSecurityEvent,
    Payee,
    PayeeMismatch,
    PayeeNotFound,
    PayeeState,
    SecurityEventType,
)
from marketplace.infra import jobs, payment_gateway
from marketplace.infra.db import apart, db
from marketplace.infra.payment_gateway import NewAccount, ProviderAccount
from marketplace.kernel import clock, ids

CLOCK_MARGIN = timedelta(minutes=1)


def begin_payee(by: Account, country: str) -> Payee:
    """The row of the insurer's account, to be committed before `open_payee`; asking again changes nothing.

    Raises Invalid(country), InsurerNotFound.
    """
    checks.payee_country(country)
    if by.insurer_id is None:
        raise InsurerNotFound
    values = {
        "id": ids.new_id(),
        "insurer_id": by.insurer_id,
        "name": insurer(by.insurer_id).legal_name.en,
        "country": country,
        "created_at": clock.now(),
        "created_by": by.id,
    }
    made = db.session.scalar(insert(PayeeRow).values(values).on_conflict_do_nothing().returning(PayeeRow.id))
    row = _of_insurer(by.insurer_id)
    if made is not None:
        record_security_event(
            NewSecurityEvent(
                SecurityEventType.PAYEE_BEGUN, account_id=by.id, actor=by.role.value, detail={"payee_id": str(row.id)}
            )
        )
    return payee_of(row)


def open_payee(insurer_id: UUID, refresh_url: str, return_url: str) -> str:
    """Where at Stripe the people of the insurer go on: the first call opens its account, each makes a new link.

    Raises PayeeNotFound, Unavailable or Refused when Stripe does not open it.
    """
    row = _of_insurer(insurer_id)
    if row.account_id is None:
        _require_committed(row.id)
        _keep(row.id, _opened(row), clock.now())
    account_id = str(_of_insurer(insurer_id).account_id)
    return payment_gateway.gateway().create_account_link(account_id, refresh_url, return_url)


def refresh_payee(payee_id: UUID, account_id: str | None = None) -> Payee:
    """Ask Stripe how the account stands and keep that. `account_id`: by which Stripe spoke of it, where our note of its
    name was lost. Raises PayeeNotFound, PayeeMismatch, Unavailable.
    """
    row = _row(payee_id)
    name = row.account_id or account_id
    if name is None:
        return payee_of(row)
    asked_at = clock.now()
    return _keep(payee_id, payment_gateway.gateway().retrieve_account(name), asked_at)


def refresh_payees() -> None:
    """Have every account asked for that was opened: what no event told us is found within the hour."""
    opened = select(PayeeRow.id).where(PayeeRow.account_id.is_not(None)).order_by(PayeeRow.id)
    for payee_id in db.session.scalars(opened):
        jobs.defer("accounts.refresh_payee", payee_id=payee_id)


def _require_committed(payee_id: UUID) -> None:
    """No account is opened for a row that may still be rolled back, so another connection has to see it."""
    with apart() as connection:
        if connection.execute(select(PayeeRow.id).where(PayeeRow.id == payee_id)).one_or_none() is None:
            raise PayeeNotFound


def _opened(row: PayeeRow) -> ProviderAccount:
    """The account for this row: looked for first where Stripe may have forgotten the key of an earlier call."""
    gateway = payment_gateway.gateway()
    if clock.now() - row.created_at > party_rules.PAYEE_KEY_TRUSTED_FOR:
        for found in gateway.list_accounts(row.created_at - CLOCK_MARGIN):
            if found.metadata.get("payee_id") == str(row.id):
                return found
    metadata = {"payee_id": str(row.id), "insurer_id": str(row.insurer_id)}
    return gateway.create_account(NewAccount(row.name, row.country, metadata, f"payee-{row.id}"))


def _keep(payee_id: UUID, seen: ProviderAccount, asked_at: datetime) -> Payee:
    """What Stripe said, unless a later answer is kept already."""
    if seen.metadata.get("payee_id") != str(payee_id):
        raise PayeeMismatch
    row = db.session.get(PayeeRow, payee_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise PayeeNotFound
    if row.account_id not in {None, seen.id}:
        raise PayeeMismatch
    row.account_id = seen.id
    if row.seen_at is None or asked_at > row.seen_at:
        row.charges_enabled, row.payouts_enabled = seen.charges_enabled, seen.payouts_enabled
        row.details_submitted, row.disabled_reason = seen.details_submitted, seen.disabled_reason
        row.due, row.seen_at = list(seen.due), asked_at
    db.session.flush()
    payee = payee_of(row)
    if payee.state is PayeeState.RESTRICTED:
        jobs.defer("accounts.stop_unpayable", insurer_id=payee.insurer_id)  # whoever asks may not stop it
    return payee


def _row(payee_id: UUID) -> PayeeRow:
    row = db.session.get(PayeeRow, payee_id, populate_existing=True)
    if row is None:
        raise PayeeNotFound
    return row


def _of_insurer(insurer_id: UUID) -> PayeeRow:
    row = db.session.scalar(
        select(PayeeRow).where(PayeeRow.insurer_id == insurer_id).execution_options(populate_existing=True)
    )
    if row is None:
        raise PayeeNotFound
    return row
