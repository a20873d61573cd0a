"""Sign in by password, change it, and set a new one by link. Customers and staff alike; staff have no other way yet."""

from uuid import UUID

from sqlalchemy import select

from marketplace.accounts import rules
from marketplace.accounts.models import AccountRow
from marketplace.accounts.queries import account_of
from marketplace.accounts.services import challenges, checks, customers, hashes, tries
from marketplace.accounts.values import (
    Account,
    AccountNotFound,
    Bucket,
    CodePurpose,
    MessageRequest,
    SignInRefused,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock


def authenticate(email: str, password: str, source: str) -> Account:
    """The account that this address and password open.

    The same refusal after the same work for a wrong password, an unknown address and an account without a password.
    Raises SignInRefused, Invalid(email), and TooManyTries: then even the right password is refused until the window
    ends.
    """
    address = checks.address(email)
    counted = _count_sign_in(address, source)
    row = customers.with_address(address)
    if not hashes.fits(row.password_hash if row else None, password) or row is None or row.password_hash is None:
        raise SignInRefused(_("This address and password do not belong together."))
    tries.give_back(*counted)
    if hashes.outdated(row.password_hash):
        row.password_hash = hashes.of_password(password)
        db.session.flush()
    return account_of(row)


def change_password(account_id: UUID, old: str, new: str, source: str) -> Account:
    """Set a new password after the old one was given; every session signed in before has ended.

    Raises AccountNotFound, SignInRefused (wrong old password, or none was ever set), Invalid(password), TooManyTries.
    """
    row = _locked(account_id)
    counted = _count_sign_in(row.email, source)
    if not hashes.fits(row.password_hash, old):
        raise SignInRefused(_("This is not your present password."))
    tries.give_back(*counted)
    return _set_password(row, new)


def request_password_reset(email: str, source: str, locale: str) -> MessageRequest | None:
    """Make a link to a new password and return the mail to queue; None for an unknown address.

    The page says the same either way. Raises Invalid(email) and TooManyTries.
    """
    address = checks.address(email)
    tries.count((Bucket.CODE_OF_SOURCE, rules.counted_source(source)), (Bucket.CODE_OF_ADDRESS, address))
    challenge_id, token = challenges.issue_link(CodePurpose.RESET_PASSWORD, address, {})
    if customers.with_address(address) is None:
        return None
    return MessageRequest(
        kind="password_reset",
        subject_key=str(challenge_id),
        recipient=address,
        locale=locale,
        context={"token": token, "minutes": rules.minutes(CodePurpose.RESET_PASSWORD)},
    )


def reset_password(token: str, password: str) -> Account:
    """Set a new password by link; the address is confirmed by it, and every session signed in before has ended.

    An account made by a purchase as a guest gets its first password this way too. Raises LinkRefused, and
    Invalid(password), after which the link still works.
    """
    challenge = challenges.open_link(CodePurpose.RESET_PASSWORD, token)
    known = customers.with_address(challenge.email)
    if known is None:
        raise challenges.refused_link()
    checks.new_password(password, known.email, known.name)
    challenges.use_link(challenge)
    row = _locked(known.id)
    row.confirmed_at = row.confirmed_at or clock.now()
    return _set_password(row, password)


def _count_sign_in(address: str, source: str) -> tuple[tries.Counted, ...]:
    counted = ((Bucket.SIGN_IN_OF_SOURCE, rules.counted_source(source)), (Bucket.SIGN_IN_OF_ADDRESS, address))
    tries.count(*counted)
    return counted


def _locked(account_id: UUID) -> AccountRow:
    row = db.session.scalar(
        select(AccountRow)
        .where(AccountRow.id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise AccountNotFound
    return row


def _set_password(row: AccountRow, password: str) -> Account:
    checks.new_password(password, row.email, row.name)
    row.password_hash = hashes.of_password(password)
    row.session_epoch += 1
    db.session.flush()
    return account_of(row)
