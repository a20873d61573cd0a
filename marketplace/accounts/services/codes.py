"""Prove a mail address by a code of six digits: at the entry of an application, and to find a purchase."""

from collections.abc import Mapping
from uuid import UUID

from marketplace.accounts import rules
from marketplace.accounts.queries import account, account_of
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
    known = customers.with_address(address)
    if known is not None and Role(known.role).is_staff:
        return address_in_use(address, known.locale)
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
        raise CodeRefused(_("This code does not open this account."))
    db.session.flush()
    return account_of(row)


def request_identity_code(account_id: UUID, session_id: UUID, source: str) -> MessageRequest:
    """Make a code by which the person of this session shows to be there still; the mail to queue.

    Raises AccountNotFound and TooManyTries.
    """
    owner = account(account_id)
    tries.count((Bucket.CODE_OF_SOURCE, rules.counted_source(source)), (Bucket.CODE_OF_ADDRESS, owner.email))
    challenge_id, code = challenges.issue_code(CodePurpose.CONFIRM_IDENTITY, owner.email, {"session": str(session_id)})
    context: dict[str, str | int] = {"code": code, "minutes": rules.minutes(CodePurpose.CONFIRM_IDENTITY)}
    return MessageRequest("confirm_identity_code", str(challenge_id), owner.email, owner.locale, context)


def prove_identity_code(account_id: UUID, session_id: UUID, code: str, source: str) -> None:
    """Use the code up; it works for the session that asked for it only. Raises TooManyTries and CodeRefused."""
    owner = account(account_id)
    payload = challenges.use_code(CodePurpose.CONFIRM_IDENTITY, owner.email, code, rules.counted_source(source))
    if payload["session"] != str(session_id):
        raise CodeRefused(_("This code was asked for by another browser. Please ask for a new one."))


def address_in_use(address: str, locale: str) -> MessageRequest:
    """What the owner of the address is told instead; the page says the same as always."""
    return MessageRequest("address_in_use", str(ids.new_id()), address, locale)
