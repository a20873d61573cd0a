"""The register of practitioners: an insurer's owner enters a colleague's certificate, an admin of the marketplace
checks it, and either of them ends it. Nothing in it is overwritten.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from marketplace.accounts.models import AccountRow, PractitionerRow
from marketplace.accounts.queries.practitioners import practitioner_of
from marketplace.accounts.rules import practitioners as rules
from marketplace.accounts.services import checks
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    Account,
    AccountNotFound,
    AlreadyChecked,
    CertificateTaken,
    Desk,
    NewPractitioner,
    NewSecurityEvent,
    Practitioner,
    PractitionerNotFound,
    SecondPersonNeeded,
    SecurityEventType,
    Standing,
)
from marketplace.infra.db import constraint_of, db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids

_ONE_NUMBER = {"uq_accounts_practitioner_certificate", "uq_accounts_practitioner_registered"}
"""An insurer enters a number once; entering it takes it from nobody else, until one of them is checked."""


def propose_practitioner(new: NewPractitioner, by: Account) -> Practitioner:
    """A colleague's certificate is entered, to be checked. The name is the colleague's own at this desk.

    Raises Invalid(certificate_no, lines, valid_to), AccountNotFound (also for staff of others, or who left), and
    CertificateTaken where the insurer has entered the number already.
    """
    checks.practitioner(new, clock.today(ZONE))
    colleague = db.session.get(AccountRow, new.account_id)
    if colleague is None or colleague.insurer_id is None or colleague.insurer_id != by.insurer_id:
        raise AccountNotFound
    if colleague.disabled_at is not None:
        raise AccountNotFound
    row = PractitionerRow(
        id=ids.new_id(),
        insurer_id=colleague.insurer_id,
        account_id=colleague.id,
        name=colleague.name,
        certificate_no=rules.spelled(new.certificate_no),
        lines=list(new.lines),
        valid_from=new.valid_from,
        valid_to=new.valid_to,
        standing=Standing.PROPOSED.value,
        proposed_at=clock.now(),
        proposed_by=by.id,
    )
    with _one_number(), db.session.begin_nested():
        db.session.add(row)
    _note(SecurityEventType.PRACTITIONER_PROPOSED, row, by)
    return practitioner_of(row)


def check_practitioner(practitioner_id: UUID, by: Account, *, good: bool) -> Practitioner:
    """An admin compared the entry with the certificate. Raises PractitionerNotFound, AlreadyChecked,
    SecondPersonNeeded for whoever entered it or works for an insurer, and CertificateTaken where the number is
    registered for somebody else: one of the two is wrong.
    """
    row = _locked(practitioner_id)
    if by.role.desk is not Desk.BACKOFFICE or row.proposed_by == by.id:
        raise SecondPersonNeeded
    if row.standing != Standing.PROPOSED:
        raise AlreadyChecked
    with _one_number(), db.session.begin_nested():
        row.standing = (Standing.REGISTERED if good else Standing.REFUSED).value
        row.checked_at, row.checked_by = clock.now(), by.id
    _note(SecurityEventType.PRACTITIONER_CHECKED, row, by)
    return practitioner_of(row)


def end_practitioner(practitioner_id: UUID, by: Account) -> Practitioner:
    """Nobody answers by this certificate from now on; ending it again changes nothing.

    Raises PractitionerNotFound (also for another insurer's), AlreadyChecked for an entry that was refused.
    """
    row = _locked(practitioner_id)
    if by.role.desk is not Desk.BACKOFFICE and row.insurer_id != by.insurer_id:
        raise PractitionerNotFound
    if row.standing == Standing.REFUSED:
        raise AlreadyChecked
    if row.standing != Standing.ENDED:
        _end(row, by)
    return practitioner_of(row)


def end_practitioners_of(account_id: UUID, by: Account) -> None:
    """A colleague has left: the certificates by which they answered end with their access."""
    held = select(PractitionerRow).where(
        PractitionerRow.account_id == account_id,
        PractitionerRow.standing.in_([Standing.PROPOSED.value, Standing.REGISTERED.value]),
    )
    for row in db.session.scalars(held.order_by(PractitionerRow.id).with_for_update()):
        _end(row, by)


def _end(row: PractitionerRow, by: Account) -> None:
    """One that nobody checked yet never was in the public register, and does not come into it by ending."""
    row.standing = (Standing.REFUSED if row.checked_at is None else Standing.ENDED).value
    row.checked_at, row.checked_by = row.checked_at or clock.now(), row.checked_by or by.id
    row.ended_at, row.ended_by = clock.now(), by.id
    db.session.flush()
    _note(SecurityEventType.PRACTITIONER_ENDED, row, by)


@contextmanager
def _one_number() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if constraint_of(error) not in _ONE_NUMBER:
            raise
        raise CertificateTaken from error


def _locked(practitioner_id: UUID) -> PractitionerRow:
    row = db.session.get(PractitionerRow, practitioner_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise PractitionerNotFound
    return row


def _note(kind: SecurityEventType, row: PractitionerRow, by: Account) -> None:
    detail = {"practitioner_id": str(row.id), "standing": row.standing}
    record_security_event(NewSecurityEvent(kind, account_id=by.id, actor=by.role.value, detail=detail))
