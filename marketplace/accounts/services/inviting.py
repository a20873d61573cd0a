"""Let somebody in at an insurer's desk: a link by mail, a password of their own, then a second step like all staff."""

from uuid import UUID

from marketplace.accounts import rules
from marketplace.accounts.queries import insurer
from marketplace.accounts.services import challenges, checks, customers
from marketplace.accounts.services.entering import create_staff
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    OPERATOR,
    Account,
    AccountExists,
    CodePurpose,
    Desk,
    Fault,
    Invitation,
    MessageRequest,
    NewInvitation,
    NewSecurityEvent,
    NewStaff,
    Role,
    SecurityEventType,
)
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid


def invite_staff(new: NewInvitation, by: Account | None) -> MessageRequest:
    """The mail that invites somebody to an insurer's desk; its link works once, for a week. Without `by` a command.

    An earlier link of the same address stops with the first that is used. Raises Invalid(email, name, role),
    InsurerNotFound, AccountExists.
    """
    party = insurer(new.insurer_id)
    address, name = checks.address(new.email), checks.person_name(new.name)
    if new.role.desk is not Desk.INSURER:
        raise Invalid({"role": checks.words(Fault.ROLE_OF_OTHERS)})
    _refuse_known(address)
    payload = {"insurer_id": str(new.insurer_id), "name": name, "role": new.role.value, "locale": new.locale}
    challenge_id, token = challenges.issue_link(CodePurpose.JOIN_INSURER, address, payload)
    record_security_event(
        NewSecurityEvent(
            SecurityEventType.STAFF_INVITED,
            account_id=by.id if by else None,
            actor=by.role.value if by else OPERATOR,
            detail={"insurer_id": str(new.insurer_id), "role": new.role.value},
        )
    )
    days = rules.LIFETIMES[CodePurpose.JOIN_INSURER].days
    context: dict[str, str | int] = {"token": token, "days": days, "insurer_name": party.legal_name.in_(new.locale)}
    return MessageRequest("join_insurer", str(challenge_id), address, new.locale, context)


def invitation(token: str) -> Invitation:
    """The invitation behind a link that still works. Raises LinkRefused."""
    challenge = challenges.open_link(CodePurpose.JOIN_INSURER, token)
    told = challenge.payload
    return Invitation(UUID(told["insurer_id"]), challenge.email, told["name"], Role(told["role"]))


def accept_invitation(token: str, password: str) -> Account:
    """The account of whoever was invited, with this password; the link works no more.

    Raises LinkRefused, Invalid(password) after which the link still works, and AccountExists.
    """
    challenge = challenges.open_link(CodePurpose.JOIN_INSURER, token)
    told = challenge.payload
    checks.new_password(password, challenge.email, told["name"])
    _refuse_known(challenge.email)
    challenges.use_link(challenge)
    return create_staff(
        NewStaff(challenge.email, told["name"], Role(told["role"]), password, UUID(told["insurer_id"]), told["locale"])
    )


def _refuse_known(address: str) -> None:
    if customers.with_address(address) is not None:
        raise AccountExists(_("There is an account with this address already."))
