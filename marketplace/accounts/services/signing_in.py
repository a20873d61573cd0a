"""Sign in by password, change it, and set a new one by link. For staff it is the first of two steps."""

from uuid import UUID

from sqlalchemy import select

from marketplace.accounts import rules
from marketplace.accounts.models import AccountRow
from marketplace.accounts.queries import account_of
from marketplace.accounts.services import asking, challenges, checks, customers, devices, hashes, sessions, tries
from marketplace.accounts.values import (
    Account,
    AccountNotFound,
    Bucket,
    CodePurpose,
    Ended,
    LinkNeeded,
    MessageRequest,
    SignInRefused,
    TooManyTries,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock, ids


def authenticate(email: str, password: str, source: str, device: str | None = None) -> Account:
    """The account that this address and password open.

    The same refusal after the same work for a wrong password, an unknown address, a disabled account and one without a
    password. `device` is the token of a browser: one that was signed in to the account before does not suffer from what
    strangers try elsewhere. Raises SignInRefused, Invalid(email), TooManyTries (then even the right password is refused
    until the window ends), and LinkNeeded after very many tries of strangers: the address is proven by mail instead.
    """
    address = checks.address(email)
    row = customers.with_address(address)
    known = devices.is_known(row.id if row else None, device)
    counted = _count_own(f"browser {device}", address) if known else _count_of_stranger(address, source)
    fits = hashes.fits(row.password_hash if row else None, password)
    if not fits or row is None or row.password_hash is None or row.disabled_at is not None:
        raise SignInRefused(_("This address and password do not belong together."))
    tries.give_back(*counted)
    if hashes.outdated(row.password_hash):
        row.password_hash = hashes.of_password(password)
        db.session.flush()
    return account_of(row)


def prove_password(account_id: UUID, password: str) -> None:
    """The person of this account is there still; counted apart from what is tried without being signed in.

    Raises AccountNotFound, SignInRefused, TooManyTries.
    """
    row = _locked(account_id)
    counted = _count_own("signed in", row.email)
    if not hashes.fits(row.password_hash, password):
        raise SignInRefused(_("This is not your present password."))
    tries.give_back(*counted)


def change_password(
    account_id: UUID, old: str, new: str, keep: UUID | None = None, device: str | None = None
) -> MessageRequest:
    """Set a new password after the old one was given; every session but `keep` ends, and no browser but `device` is
    known any more. Returns the mail about it.

    Raises AccountNotFound, SignInRefused (wrong old password, or none was ever set), Invalid(password), TooManyTries.
    """
    prove_password(account_id, old)
    return _set_password(_locked(account_id), new, keep, device)


def request_password_reset(email: str, source: str, locale: str, *, device: str | None = None) -> MessageRequest:
    """Make a link to a new password and return the mail to queue; to an unknown address, the mail that says so.

    The page says the same and the same is done either way. Raises Invalid(email) and TooManyTries (LinksOnTheirWay
    where it is the address).
    """
    address = checks.address(email)
    known = customers.with_address(address)
    asking.count_link(CodePurpose.RESET_PASSWORD, address, known, source, device)
    challenge_id, token = challenges.issue_link(CodePurpose.RESET_PASSWORD, address, {})
    if known is None or known.disabled_at is not None:
        return MessageRequest("no_account", str(challenge_id), address, locale)
    return MessageRequest(
        kind="password_reset",
        subject_key=str(challenge_id),
        recipient=address,
        locale=locale,
        context={"token": token, "minutes": rules.minutes(CodePurpose.RESET_PASSWORD)},
    )


def reset_password(token: str, password: str, device: str | None = None) -> tuple[Account, MessageRequest]:
    """Set a new password by link; the address is confirmed by it, every session ends, and no browser but `device` is
    known any more. Returns the mail about it.

    An account made by a purchase as a guest gets its first password this way too. Second steps stay as they are: the
    link replaces the password only. Raises LinkRefused, and Invalid(password), after which the link still works.
    """
    challenge = challenges.open_link(CodePurpose.RESET_PASSWORD, token)
    known = customers.with_address(challenge.email)
    if known is None or known.disabled_at is not None:
        raise challenges.refused_link()
    checks.new_password(password, known.email, known.name)
    challenges.use_link(challenge)
    row = _locked(known.id)
    row.confirmed_at = row.confirmed_at or clock.now()
    notice = _set_password(row, password, device=device)
    return account_of(row), notice


def _count_own(whose: str, address: str) -> tuple[tries.Counted, ...]:
    """Count a try of a browser that the account knows, or of somebody signed in: strangers use none of it up, not even
    in the same network.
    """
    counted = ((Bucket.SIGN_IN_OF_PAIR, f"{whose} {address}"),)
    tries.count(*counted)
    return counted


def _count_of_stranger(address: str, source: str) -> tuple[tries.Counted, ...]:
    """Count a try of this source, of this source at this address, and at this address, where a mailed link helps."""
    network = rules.counted_source(source)
    counted: tuple[tries.Counted, ...] = (
        (Bucket.SIGN_IN_OF_SOURCE, network),
        (Bucket.SIGN_IN_OF_PAIR, f"{network} {address}"),
    )
    tries.count(*counted)
    of_address = (Bucket.SIGN_IN_OF_ADDRESS, address)
    try:
        tries.count(of_address)
    except TooManyTries as error:
        raise LinkNeeded(error.retry_at) from None
    return (*counted, of_address)


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


def _set_password(
    row: AccountRow, password: str, keep: UUID | None = None, device: str | None = None
) -> MessageRequest:
    checks.new_password(password, row.email, row.name)
    row.password_hash = hashes.of_password(password)
    db.session.flush()
    sessions.end_sessions(row.id, Ended.PASSWORD_CHANGED, keep, device)
    return MessageRequest("password_changed", str(ids.new_id()), row.email, row.locale)
