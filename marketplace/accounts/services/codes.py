"""Prove a mail address by a code of six digits: at the entry of an application, and to find a purchase."""

from collections.abc import Mapping

from marketplace.accounts import rules
from marketplace.accounts.queries import account_of
from marketplace.accounts.services import challenges, checks, customers, tries
from marketplace.accounts.values import (
    Account,
    Bucket,
    CodePurpose,
    CodeRefused,
    MessageRequest,
    Role,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import ids

_MESSAGES: Mapping[CodePurpose, str] = {
    CodePurpose.APPLICATION_EMAIL: "application_code",
    CodePurpose.FIND_PURCHASE: "find_purchase_code",
}


def request_code(email: str, purpose: CodePurpose, source: str, locale: str) -> MessageRequest:
    """Make a code for this address, known or not, and return the mail to queue.

    A member of staff's address gets no code but the message that the address is taken. Raises Invalid(email) and
    TooManyTries (of the source, or of the address).
    """
    kind = _MESSAGES[purpose]
    address = checks.address(email)
    tries.count((Bucket.CODE_OF_SOURCE, rules.counted_source(source)), (Bucket.CODE_OF_ADDRESS, address))
    account = customers.with_address(address)
    if account is not None and Role(account.role).is_staff:
        return address_in_use(address, account.locale)
    challenge_id, code = challenges.issue_code(purpose, address, {"locale": locale})
    return MessageRequest(
        kind=kind,
        subject_key=str(challenge_id),
        recipient=address,
        locale=locale,
        context={"code": code, "minutes": rules.minutes(purpose)},
    )


def prove_code(email: str, purpose: CodePurpose, code: str, source: str) -> Account:
    """Use the code up and return the customer whose address it proves, made without a password the first time.

    Raises Invalid(email), TooManyTries of the source, or CodeRefused: wrong, used, too old, tried five times, or not
    a customer's.
    """
    address = checks.address(email)
    payload = challenges.use_code(purpose, address, code, rules.counted_source(source))
    row = customers.proven(address, payload["locale"])
    if row is None:
        raise CodeRefused(_("This code does not open an account of staff."))
    db.session.flush()
    return account_of(row)


def address_in_use(address: str, locale: str) -> MessageRequest:
    """What the owner of the address is told instead; the page says the same as always."""
    return MessageRequest("address_in_use", str(ids.new_id()), address, locale)
