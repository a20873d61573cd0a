"""Commission terms by version: the marketplace proposes them for a line from a day on, the insurer accepts.

In force on a day are the accepted terms that began last, so no two can overlap. They are public and never an input to
the order of a comparison.
"""

from uuid import UUID

from sqlalchemy.exc import IntegrityError

from marketplace.accounts.models import CommissionTermRow
from marketplace.accounts.queries import insurer, term_of
from marketplace.accounts.services import checks
from marketplace.accounts.services.security_events import record_security_event
from marketplace.accounts.values import (
    Account,
    CommissionTerm,
    NewSecurityEvent,
    NewTerm,
    SecurityEventType,
    TermExists,
    TermNotFound,
    TermTooLate,
)
from marketplace.infra.db import constraint_of, db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids


def propose_terms(new: NewTerm, by: Account) -> CommissionTerm:
    """Terms for the insurer to accept. Raises Invalid(basis_points, effective_from), InsurerNotFound, and TermExists
    where there are terms of this line from that day already.
    """
    insurer(new.insurer_id)
    checks.term(new, clock.today(ZONE))
    row = CommissionTermRow(
        id=ids.new_id(),
        insurer_id=new.insurer_id,
        line=new.line,
        basis_points=new.basis_points,
        effective_from=new.effective_from,
        set_at=clock.now(),
        set_by=by.id,
    )
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        if constraint_of(error) != "uq_accounts_commission_term_insurer_id":
            raise
        raise TermExists from error
    _note(SecurityEventType.TERMS_PROPOSED, row, by)
    return term_of(row)


def accept_terms(term_id: UUID, by: Account) -> CommissionTerm:
    """The insurer agrees; accepting again changes nothing. Raises TermNotFound (also for another insurer's), and
    TermTooLate once the day has come: nothing is agreed for the past.
    """
    row = db.session.get(CommissionTermRow, term_id, with_for_update=True, populate_existing=True)
    if row is None or row.insurer_id != by.insurer_id:
        raise TermNotFound
    if row.accepted_at is None:
        if row.effective_from < clock.today(ZONE):
            raise TermTooLate
        row.accepted_at, row.accepted_by = clock.now(), by.id
        db.session.flush()
        _note(SecurityEventType.TERMS_ACCEPTED, row, by)
    return term_of(row)


def _note(kind: SecurityEventType, row: CommissionTermRow, by: Account) -> None:
    record_security_event(
        NewSecurityEvent(kind, account_id=by.id, actor=by.role.value, detail={"term_id": str(row.id)})
    )
