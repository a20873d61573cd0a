"""Stop an insurer's sales at once, by one person, or by nobody where it cannot be paid any more; let them begin and go
on, by two. Contracts go on all the while.

An insurer that was admitted is held back until its first sale is allowed: by two people as well, once somebody has come
in at its desk, commission is agreed and its account at Stripe is ready.
"""

from uuid import UUID

from sqlalchemy import select

from marketplace.accounts.models import AccountRow, InsurerRow, SuspensionRow
from marketplace.accounts.queries import payee, suspension_of, terms_in_force
from marketplace.accounts.services import checks
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    Account,
    AdministratorMissing,
    AlreadySuspended,
    InsurerNotFound,
    InsurerSuspended,
    LiftingAsked,
    NewSecurityEvent,
    NotSelling,
    NotSuspended,
    PayeeMissing,
    PayeeState,
    Role,
    SecondPersonNeeded,
    SecurityEventType,
    Suspension,
    TermsMissing,
)
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.jobs import publish
from marketplace.kernel import clock, ids

BY_STRIPE = "its account at Stripe is restricted"


def hold_back(insurer_id: UUID, by: Account) -> None:
    """An admitted insurer sells nothing before two people let it, by the same steps that lift a suspension."""
    row = SuspensionRow(
        id=ids.new_id(),
        insurer_id=insurer_id,
        before_first_sale=True,
        reason="",
        suspended_at=clock.now(),
        suspended_by=by.id,
    )
    db.session.add(row)
    db.session.flush()


def suspend_insurer(insurer_id: UUID, reason: str, by: Account) -> Suspension:
    """Stop the insurer's sales with this commit. Raises Invalid(reason), InsurerNotFound, AlreadySuspended, NotSelling
    where it never began to sell: lifting would let it sell without the steps before.
    """
    told = checks.reason(reason)
    insurer = _locked(insurer_id)
    held = _in_force(insurer_id)
    if held is not None and not held.before_first_sale:
        raise AlreadySuspended
    if not insurer.active:
        raise NotSelling
    row = SuspensionRow(
        id=ids.new_id(),
        insurer_id=insurer_id,
        before_first_sale=False,
        reason=told,
        suspended_at=clock.now(),
        suspended_by=by.id,
    )
    db.session.add(row)
    insurer.active = False
    db.session.flush()
    _note(SecurityEventType.INSURER_SUSPENDED, insurer_id, by)
    publish(InsurerSuspended(insurer_id))
    return suspension_of(row)


def stop_unpayable(insurer_id: UUID) -> None:
    """Stop the sales of an insurer whose account at Stripe is restricted; where they are stopped already, or it works
    again, nothing. Two people let them go on, once it works. Raises InsurerNotFound.
    """
    insurer, account = _locked(insurer_id), payee(insurer_id)
    if not insurer.active or account is None or account.state is not PayeeState.RESTRICTED:
        return
    row = SuspensionRow(
        id=ids.new_id(),
        insurer_id=insurer_id,
        before_first_sale=False,
        reason=BY_STRIPE,
        suspended_at=clock.now(),
    )
    db.session.add(row)
    insurer.active = False
    db.session.flush()
    record_security_event(
        NewSecurityEvent(SecurityEventType.INSURER_SUSPENDED, actor="system", detail={"insurer_id": str(insurer_id)})
    )
    publish(InsurerSuspended(insurer_id))


def ask_to_lift(insurer_id: UUID, reason: str, by: Account) -> Suspension:
    """The first of two people says that sales may begin or go on. Raises Invalid(reason), NotSuspended, LiftingAsked,
    PayeeMissing; before the first sale AdministratorMissing, TermsMissing.
    """
    told = checks.reason(reason)
    row = _suspended(insurer_id)
    if row.lifting_by is not None:
        raise LiftingAsked
    _refuse_unready(row)
    row.lifting_reason, row.lifting_at, row.lifting_by = told, clock.now(), by.id
    db.session.flush()
    _note(SecurityEventType.LIFTING_ASKED, insurer_id, by)
    return suspension_of(row)


def lift_suspension(insurer_id: UUID, by: Account) -> Suspension:
    """The second of two people agrees: sales begin or go on with this commit. Raises NotSuspended, SecondPersonNeeded,
    PayeeMissing; before the first sale AdministratorMissing, TermsMissing.
    """
    row = _suspended(insurer_id)
    if row.lifting_by is None or row.lifting_by == by.id:
        raise SecondPersonNeeded
    _refuse_unready(row)
    row.lifted_at, row.lifted_by = clock.now(), by.id
    _locked(insurer_id).active = True
    db.session.flush()
    begins = SecurityEventType.INSURER_STARTED if row.before_first_sale else SecurityEventType.INSURER_RESUMED
    _note(begins, insurer_id, by)
    return suspension_of(row)


def refuse_lifting(insurer_id: UUID, by: Account) -> Suspension:
    """What was asked is taken back or not agreed to: the sales stay stopped. Raises NotSuspended."""
    row = _suspended(insurer_id)
    row.lifting_reason, row.lifting_at, row.lifting_by = None, None, None
    db.session.flush()
    _note(SecurityEventType.LIFTING_REFUSED, insurer_id, by)
    return suspension_of(row)


def _refuse_unready(row: SuspensionRow) -> None:
    """Raises PayeeMissing for an insurer that cannot be paid, AdministratorMissing, TermsMissing for one that lacks
    something to sell at first.
    """
    account = payee(row.insurer_id)
    if not row.before_first_sale:
        if account is not None and account.state is PayeeState.RESTRICTED:
            raise PayeeMissing
        return
    at_its_desk = select(AccountRow.id).where(
        AccountRow.insurer_id == row.insurer_id,
        AccountRow.role == Role.INSURER_ADMIN.value,
        AccountRow.disabled_at.is_(None),
    )
    if db.session.scalar(select(at_its_desk.exists())) is not True:
        raise AdministratorMissing
    if not any(term.insurer_id == row.insurer_id for term in terms_in_force(clock.today(ZONE))):
        raise TermsMissing
    if account is None or account.state is not PayeeState.READY:
        raise PayeeMissing


def _locked(insurer_id: UUID) -> InsurerRow:
    row = db.session.get(InsurerRow, insurer_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise InsurerNotFound
    return row


def _in_force(insurer_id: UUID) -> SuspensionRow | None:
    return db.session.scalar(
        select(SuspensionRow)
        .where(SuspensionRow.insurer_id == insurer_id, SuspensionRow.lifted_at.is_(None))
        .execution_options(populate_existing=True)
    )


def _suspended(insurer_id: UUID) -> SuspensionRow:
    """The suspension in force, decided on by one person at a time."""
    _locked(insurer_id)
    row = _in_force(insurer_id)
    if row is None:
        raise NotSuspended
    return row


def _note(kind: SecurityEventType, insurer_id: UUID, by: Account) -> None:
    record_security_event(
        NewSecurityEvent(kind, account_id=by.id, actor=by.role.value, detail={"insurer_id": str(insurer_id)})
    )
