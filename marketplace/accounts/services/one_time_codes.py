"""Codes of an authenticator app (TOTP, RFC 6238): the secret is shared once and kept sealed, each code works once."""

from uuid import UUID

import pyotp
from sqlalchemy import delete, or_, select, update

from marketplace.accounts import rules
from marketplace.accounts.models import AccountRow, OneTimeSecretRow
from marketplace.accounts.services import factors, hashes, tries
from marketplace.accounts.values import (
    AccountNotFound,
    FactorAdded,
    FactorChange,
    FactorNotFound,
    FactorRefused,
    OneTimeSecret,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock, ids

ISSUER = "Evenfold"


def begin_one_time_codes(account_id: UUID) -> OneTimeSecret:
    """Make a secret for an authenticator app. It counts once `confirm_one_time_codes` has seen a code of it."""
    db.session.execute(
        delete(OneTimeSecretRow).where(
            OneTimeSecretRow.account_id == account_id, OneTimeSecretRow.confirmed_at.is_(None)
        )
    )
    secret = pyotp.random_base32()  # 160 bits, as RFC 4226 recommends
    row = OneTimeSecretRow(
        id=ids.new_id(), account_id=account_id, secret=secret, last_step=None, created_at=clock.now()
    )
    db.session.add(row)
    db.session.flush()
    return _told(row, secret)


def secret_to_confirm(account_id: UUID) -> OneTimeSecret:
    """The secret that was begun and waits for its first code. Raises FactorNotFound."""
    row = _waiting(account_id)
    return _told(row, row.secret)


def confirm_one_time_codes(account_id: UUID, code: str, device: str | None = None) -> FactorAdded:
    """Take the authenticator into use: its app showed this code. Another one of the account is replaced by it.

    Raises FactorNotFound (nothing was begun), FactorRefused, FactorTriesUsedUp.
    """
    row = _waiting(account_id)
    _prove(account_id, (row,), code, device)
    db.session.execute(
        delete(OneTimeSecretRow).where(OneTimeSecretRow.account_id == account_id, OneTimeSecretRow.id != row.id)
    )
    row.confirmed_at = clock.now()
    return factors.added(account_id, FactorChange.AUTHENTICATOR_ADDED)


def prove_one_time_code(account_id: UUID, code: str, device: str | None = None) -> None:
    """Use the code up that the account's app shows now; `device` is the token of a browser that may be known.

    Raises FactorRefused and FactorTriesUsedUp.
    """
    rows = db.session.scalars(
        select(OneTimeSecretRow).where(
            OneTimeSecretRow.account_id == account_id, OneTimeSecretRow.confirmed_at.is_not(None)
        )
    )
    _prove(account_id, tuple(rows), code, device)


def _prove(account_id: UUID, rows: tuple[OneTimeSecretRow, ...], code: str, device: str | None) -> None:
    counted = factors.count_try(account_id, device)
    typed = "".join(code.split())
    if not any(_used_up(row, typed) for row in rows):
        raise FactorRefused(_("This code is not right or was used already. Please wait for the next one."))
    tries.give_back(*counted)


def _used_up(row: OneTimeSecretRow, code: str) -> bool:
    """Whether the code is that of a step not used yet; of two at the same instant the database lets one through."""
    app = pyotp.TOTP(row.secret, interval=rules.STEP_SECONDS)
    for step in rules.steps_allowed(clock.now()):
        if hashes.same(app.generate_otp(step), code):
            used = db.session.execute(
                update(OneTimeSecretRow)
                .where(OneTimeSecretRow.id == row.id)
                .where(or_(OneTimeSecretRow.last_step.is_(None), OneTimeSecretRow.last_step < step))
                .values(last_step=step, last_used_at=clock.now())
                .returning(OneTimeSecretRow.id)
            )
            return used.scalar_one_or_none() is not None
    return False


def _waiting(account_id: UUID) -> OneTimeSecretRow:
    row = db.session.scalar(
        select(OneTimeSecretRow).where(
            OneTimeSecretRow.account_id == account_id, OneTimeSecretRow.confirmed_at.is_(None)
        )
    )
    if row is None:
        raise FactorNotFound
    return row


def _told(row: OneTimeSecretRow, secret: str) -> OneTimeSecret:
    account = db.session.get(AccountRow, row.account_id)
    if account is None:
        raise AccountNotFound
    address = pyotp.TOTP(secret, interval=rules.STEP_SECONDS).provisioning_uri(name=account.email, issuer_name=ISSUER)
    return OneTimeSecret(row.id, secret, address)
