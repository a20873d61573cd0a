"""Let somebody in at an insurer's desk: a link by mail, a password of their own, then a second step like all staff.

An invitation is a row of its insurer, sealed with the insurer's key, so that its own administrator can make it in the
insurer's scope. The link is made by a job after the commit, together with the mail (`issue_invitation`): codes, links
and mails are rows of the marketplace, which no insurer's scope may write (ADR 0007).
"""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, select, update

from marketplace.accounts.models import AccountRow, InvitationRow
from marketplace.accounts.queries import address_index, insurer, invitation_of
from marketplace.accounts.rules import insurers as party_rules
from marketplace.accounts.services import challenges, checks, customers
from marketplace.accounts.services.entering import create_staff
from marketplace.accounts.services.practitioners import end_practitioners_of
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.services.sessions import disable_account
from marketplace.accounts.values import (
    AccessEnded,
    Account,
    AccountExists,
    AccountNotFound,
    Desk,
    Fault,
    InsurerNotFound,
    Invitation,
    InvitationNotFound,
    InvitationOutcome,
    InvitationWithdrawn,
    LastAdministrator,
    MessageRequest,
    NewInvitation,
    NewSecurityEvent,
    NewStaff,
    Role,
    SecurityEventType,
    StaffInvited,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import gettext as _
from marketplace.infra.jobs import publish
from marketplace.kernel import clock, ids
from marketplace.kernel.errors import Invalid

LINK = "join_insurer"


def invite_staff(new: NewInvitation, by: Account) -> Invitation:
    """Somebody is asked to work at an insurer's desk; the link works once, for a week. Another one to the same address
    takes the place of the first.

    Raises Invalid(email, name, role), InsurerNotFound (also for staff of another insurer), AccountExists where this
    scope sees whose the address is. An insurer's own administrator learns of no other account: whoever is invited does.
    """
    if by.insurer_id not in {None, new.insurer_id}:
        raise InsurerNotFound
    insurer(new.insurer_id)
    address, name = checks.address(new.email), checks.person_name(new.name)
    if new.role.desk is not Desk.INSURER:
        raise Invalid({"role": checks.words(Fault.ROLE_OF_OTHERS)})
    _refuse_known(address)
    index, now = address_index(address), clock.now()
    _end(InvitationOutcome.WITHDRAWN, InvitationRow.insurer_id == new.insurer_id, InvitationRow.email_index == index)
    row = InvitationRow(
        id=ids.new_id(),
        insurer_id=new.insurer_id,
        role=new.role.value,
        locale=new.locale,
        name=name,
        email=address,
        email_index=index,
        invited_at=now,
        invited_by=by.id,
        expires_at=now + party_rules.INVITATION_LASTS,
    )
    db.session.add(row)
    db.session.flush()
    _note(SecurityEventType.STAFF_INVITED, by, insurer_id=str(new.insurer_id), role=new.role.value)
    publish(StaffInvited(row.id))
    return invitation_of(row)


def issue_invitation(invitation_id: UUID) -> MessageRequest | None:
    """Make the link and the mail that brings it, once; None where that was done, or the invitation is over."""
    row = db.session.get(InvitationRow, invitation_id, with_for_update=True, populate_existing=True)
    if row is None or row.secret_hash is not None or row.ended_at is not None:
        return None
    token = challenges.new_token()
    row.secret_hash = challenges.token_hash(LINK, token)
    db.session.flush()
    said = insurer(row.insurer_id).legal_name.in_(row.locale)
    context: dict[str, str | int] = {
        "token": token, "days": party_rules.INVITATION_LASTS.days, "insurer_name": said,
    }  # fmt: skip
    return MessageRequest(LINK, str(row.id), row.email, row.locale, context)


def invitation(token: str) -> Invitation:
    """The invitation behind a link that still works. Raises LinkRefused."""
    return invitation_of(_opened(token))


def accept_invitation(token: str, password: str) -> Account:
    """The account of whoever was invited, with this password; no link to this address works any more.

    Raises LinkRefused, Invalid(password) after which the link still works, and AccountExists.
    """
    row = _opened(token)
    checks.new_password(password, row.email, row.name)
    _refuse_known(row.email)
    row.ended_at, row.outcome = clock.now(), InvitationOutcome.ACCEPTED.value
    db.session.flush()
    _end(InvitationOutcome.WITHDRAWN, InvitationRow.email_index == row.email_index)
    return create_staff(NewStaff(row.email, row.name, Role(row.role), password, row.insurer_id, row.locale))


def withdraw_invitation(invitation_id: UUID, by: Account) -> None:
    """The link opens nothing any more; withdrawing again changes nothing. Raises InvitationNotFound (also for another
    insurer's, and for one that was accepted).
    """
    row = db.session.get(InvitationRow, invitation_id, with_for_update=True, populate_existing=True)
    if row is None or row.insurer_id != by.insurer_id or row.outcome == InvitationOutcome.ACCEPTED.value:
        raise InvitationNotFound
    if row.ended_at is None:
        row.ended_at, row.outcome = clock.now(), InvitationOutcome.WITHDRAWN.value
        db.session.flush()
        _note(SecurityEventType.INVITATION_WITHDRAWN, by, invitation_id=str(row.id))
        publish(InvitationWithdrawn(row.id))


def end_access(account_id: UUID, by: Account) -> None:
    """A colleague works at the insurer's desk no more: every session ends with this commit, keys of machines stay.
    Ending it again changes nothing.

    Raises AccountNotFound (also for another insurer's), LastAdministrator for the only one who could invite others.
    """
    rows = db.session.scalars(
        select(AccountRow)
        .where(AccountRow.insurer_id == by.insurer_id, AccountRow.insurer_id.is_not(None))
        .order_by(AccountRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    row = next((each for each in rows if each.id == account_id), None)
    if row is None:
        raise AccountNotFound
    if row.disabled_at is not None:
        return
    admins = {each.id for each in rows if each.role == Role.INSURER_ADMIN.value and each.disabled_at is None}
    if admins == {account_id}:
        raise LastAdministrator
    disable_account(account_id, by)
    end_practitioners_of(account_id, by)
    publish(AccessEnded(account_id))


def forget() -> None:
    """Drop invitations a day after they ended or ran out, with whom they name."""
    before = clock.now() - challenges.KEPT_AFTER_THE_END
    over = (InvitationRow.ended_at < before) | (InvitationRow.expires_at < before)
    db.session.execute(delete(InvitationRow).where(over))


def _opened(token: str) -> InvitationRow:
    wanted = (
        InvitationRow.secret_hash == challenges.token_hash(LINK, token),
        InvitationRow.ended_at.is_(None),
        InvitationRow.expires_at > clock.now(),
    )
    row = db.session.scalar(
        select(InvitationRow).where(*wanted).with_for_update().execution_options(populate_existing=True)
    )
    if row is None:
        raise challenges.refused_link()
    return row


def _end(outcome: InvitationOutcome, *which: ColumnElement[bool]) -> None:
    db.session.execute(
        update(InvitationRow)
        .where(*which, InvitationRow.ended_at.is_(None))
        .values(ended_at=clock.now(), outcome=outcome.value)
    )


def _refuse_known(address: str) -> None:
    if customers.with_address(address) is not None:
        raise AccountExists(_("There is an account with this address already."))


def _note(kind: SecurityEventType, by: Account, **detail: str) -> None:
    record_security_event(NewSecurityEvent(kind, account_id=by.id, actor=by.role.value, detail=detail))
