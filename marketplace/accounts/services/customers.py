"""The account of a customer whose address is proven; made when it is proven for the first time."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from marketplace.accounts.models import AccountRow
from marketplace.accounts.queries import address_index
from marketplace.accounts.values import Role
from marketplace.infra.db import db
from marketplace.kernel import clock, ids


def with_address(email: str) -> AccountRow | None:
    return db.session.scalar(select(AccountRow).where(AccountRow.email_index == address_index(email)))


def proven(email: str, locale: str) -> AccountRow | None:
    """The customer with this proven address, found or made; None when it is a member of staff's or disabled.

    Locked until the end of the transaction, so that two proofs at once make one account and set one password.
    """
    now, index = clock.now(), address_index(email)
    wanted = select(AccountRow).where(AccountRow.email_index == index)
    held = wanted.with_for_update().execution_options(populate_existing=True)
    row = db.session.scalars(held).one_or_none()
    if row is None:
        _make(email, index, locale)
        row = db.session.scalars(held).one()
    if Role(row.role).is_staff or row.disabled_at is not None:
        return None
    row.confirmed_at = row.confirmed_at or now
    return row


def _make(email: str, index: str, locale: str) -> None:
    """A customer's account for this address, unless another proof made one meanwhile."""
    account_id, now = ids.new_id(), clock.now()
    db.session.execute(
        upsert(AccountRow)
        .values(
            id=account_id,
            email_sealed=AccountRow.email.sealed(account_id, account_id, email),
            email_index=index,
            role=Role.CUSTOMER.value,
            locale=locale,
            confirmed_at=now,
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=[AccountRow.email_index])
    )
