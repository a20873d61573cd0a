"""Open a customer's account: the password counts only once the address is confirmed, by whoever chose it.

Nothing is kept of a registration but its challenge until then, so nobody can occupy another's address. The link alone
does not do: the password has to be typed with it. Otherwise somebody could register a stranger's address with a
password of their own, and wait for the stranger to follow the link and buy.
"""

from marketplace.accounts import rules
from marketplace.accounts.queries import account_of
from marketplace.accounts.services import asking, challenges, checks, customers, hashes, tries
from marketplace.accounts.services.codes import address_in_use
from marketplace.accounts.values import Account, Bucket, CodePurpose, MessageRequest, SignInRefused
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _


def register_customer(
    email: str, password: str, name: str, source: str, locale: str, *, device: str | None = None
) -> MessageRequest:
    """Begin a registration and return the mail to queue: a link to confirm, or that the address is in use.

    The same is done either way. An address that was proven by code only (a purchase as a guest) is not in use. The mail
    does not say the name: whoever typed it may be somebody else than who reads it. Raises Invalid(email, password,
    name) and TooManyTries (LinksOnTheirWay where it is the address).
    """
    address, called = checks.address(email), checks.person_name(name)
    checks.new_password(password, address, called)
    account = customers.with_address(address)
    asking.count_link(CodePurpose.CONFIRM_ADDRESS, address, account, source, device)
    payload = {"name": called, "locale": locale, "password_hash": hashes.of_password(password)}
    challenge_id, token = challenges.issue_link(CodePurpose.CONFIRM_ADDRESS, address, payload)
    if account is not None and account.password_hash is not None:
        return address_in_use(address, account.locale)  # nobody is told the link that was made
    return MessageRequest(
        kind="confirm_address",
        subject_key=str(challenge_id),
        recipient=address,
        locale=locale,
        context={"token": token, "minutes": rules.minutes(CodePurpose.CONFIRM_ADDRESS)},
    )


def confirm_address(token: str, password: str, source: str) -> Account:
    """Finish a registration with the password chosen at its beginning; the account may sign in from now on.

    An account that was made by a purchase as a guest is kept and gets this password. Raises LinkRefused, SignInRefused
    (another password than the one chosen; the link still works) and TooManyTries.
    """
    challenge = challenges.open_link(CodePurpose.CONFIRM_ADDRESS, token)
    network = rules.counted_source(source)
    counted = (Bucket.SIGN_IN_OF_SOURCE, network), (Bucket.SIGN_IN_OF_PAIR, f"{network} {challenge.email}")
    tries.count(*counted)
    if not hashes.fits(challenge.payload["password_hash"], password):
        raise SignInRefused(_("This is not the password you chose when you registered."))
    tries.give_back(*counted)
    challenges.use_link(challenge)
    row = customers.proven(challenge.email, challenge.payload["locale"])
    if row is None or row.password_hash is not None:
        raise challenges.refused_link()
    row.password_hash = challenge.payload["password_hash"]
    row.name = challenge.payload["name"]
    db.session.flush()
    return account_of(row)
