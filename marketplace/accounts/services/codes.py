"""Prove a mail address by a code of six digits: at the entry of an application, and to find a purchase.

The code works in the browser that asked for it and nowhere else; the browser keeps the challenge's id for that.
"""

from collections.abc import Mapping
from uuid import UUID

from marketplace.accounts import rules
from marketplace.accounts.queries import account, account_of
from marketplace.accounts.services import asking, challenges, checks, customers
from marketplace.accounts.values import Account, CodePurpose, CodeRefused, CodeRequest, MessageRequest, Role
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import ids

_MESSAGES: Mapping[CodePurpose, str] = {
    CodePurpose.APPLICATION_EMAIL: "application_code",
    CodePurpose.FIND_PURCHASE: "find_purchase_code",
    CodePurpose.CONSULTATION_EMAIL: "consultation_code",
}


def request_code(
    email: str, purpose: CodePurpose, source: str, locale: str, *, device: str | None = None
) -> CodeRequest:
    """Make a code for this address, known or not: the mail to queue, and what the browser that asked has to keep.

    A member of staff's address gets no code but the message that the address is taken; the same is done for it.
    `device` is the token by which the browser may be known. Raises Invalid(email) and TooManyTries (CodesUsedUp where
    it is the address).
    """
    kind = _MESSAGES[purpose]
    address = checks.address(email)
    known = customers.with_address(address)
    asking.count_code(address, known, source, device)
    challenge_id, code = challenges.issue_code(purpose, address, {"locale": locale})
    if known is not None and Role(known.role).is_staff:
        return CodeRequest(challenge_id, address_in_use(address, known.locale))
    mail = MessageRequest(
        kind=kind,
        subject_key=str(challenge_id),
        recipient=address,
        locale=locale,
        context={"code": code, "minutes": rules.minutes(purpose)},
    )
    return CodeRequest(challenge_id, mail)


def prove_code(
    email: str, purpose: CodePurpose, challenge_id: UUID | None, code: str, source: str, *, device: str | None = None
) -> Account:
    """Use the code up and return the customer whose address it proves, made without a password the first time.

    `challenge_id` is what the browser kept when it asked. Raises Invalid(email), TooManyTries of the source (at a
    browser that the account does not know), or CodeRefused: wrong, used, too old, tried five times, asked for by
    another browser, or not a customer's.
    """
    address = checks.address(email)
    counted = asking.guesses(customers.with_address(address), source, device)
    payload = challenges.use_code(purpose, address, challenge_id, code, *counted)
    row = customers.proven(address, payload["locale"])
    if row is None:
        raise CodeRefused(_("This code does not open this account."))
    db.session.flush()
    return account_of(row)


def request_identity_code(account_id: UUID, session_id: UUID) -> CodeRequest:
    """Make a code by which the person of this session shows to be there still. Counted for the session alone.

    Raises AccountNotFound and TooManyTries.
    """
    owner = account(account_id)
    asking.count_code_of_session(session_id)
    challenge_id, code = challenges.issue_code(CodePurpose.CONFIRM_IDENTITY, owner.email, {"session": str(session_id)})
    context: dict[str, str | int] = {"code": code, "minutes": rules.minutes(CodePurpose.CONFIRM_IDENTITY)}
    mail = MessageRequest("confirm_identity_code", str(challenge_id), owner.email, owner.locale, context)
    return CodeRequest(challenge_id, mail)


def prove_identity_code(account_id: UUID, session_id: UUID, challenge_id: UUID | None, code: str) -> None:
    """Use the code up; it works for the session that asked for it only. Raises CodeRefused."""
    owner = account(account_id)
    payload = challenges.use_code(CodePurpose.CONFIRM_IDENTITY, owner.email, challenge_id, code)
    if payload["session"] != str(session_id):
        raise challenges.asked_elsewhere()


def address_in_use(address: str, locale: str) -> MessageRequest:
    """What the owner of the address is told instead; the page says the same as always."""
    return MessageRequest("address_in_use", str(ids.new_id()), address, locale)
