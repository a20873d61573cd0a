"""Close a customer's account for good: nobody can sign in, and who it was is not known any more."""

from uuid import UUID

from sqlalchemy import delete, select, update

from marketplace.accounts.models import AccountRow, ChallengeRow, DeviceRow, SessionRow
from marketplace.accounts.queries import account_of
from marketplace.accounts.values import Account, AccountNotFound, NotACustomersAccount, Role
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock


def locked_account(account_id: UUID) -> Account:
    """The account, held until the end of the transaction. Raises AccountNotFound, for a closed or disabled one too."""
    return account_of(_locked(account_id))


def held_account(account_id: UUID) -> Account:
    """The account, which nobody closes before this transaction ends; several may hold it at once. Whoever begins
    something that closing waits for begins with this. Raises AccountNotFound, for a closed or disabled one too.
    """
    return account_of(_locked(account_id, shared=True))


def close_account(account_id: UUID) -> None:
    """Take address, name, password, codes, browsers and sessions away and destroy the account's key. The row stays,
    because contracts name it; whoever proves the same address later gets a new account.

    Raises AccountNotFound, and NotACustomersAccount for staff, whose accounts are disabled by an administrator.
    """
    row = _locked(account_id)
    if Role(row.role).is_staff:
        raise NotACustomersAccount
    db.session.execute(delete(ChallengeRow).where(ChallengeRow.email_index == row.email_index))
    db.session.execute(delete(DeviceRow).where(DeviceRow.account_id == account_id))
    db.session.execute(delete(SessionRow).where(SessionRow.account_id == account_id))
    gone = dict.fromkeys(("email_sealed", "email_index", "name_sealed", "password_hash")) | {"disabled_at": clock.now()}
    db.session.execute(update(AccountRow).where(AccountRow.id == account_id).values(gone))
    vault.destroy(account_id)


def _locked(account_id: UUID, *, shared: bool = False) -> AccountRow:
    row = db.session.scalars(
        select(AccountRow)
        .where(AccountRow.id == account_id, AccountRow.disabled_at.is_(None))
        .with_for_update(read=shared)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise AccountNotFound
    return row
