"""Forget what was told in an application that never became a contract (GDPR article 17, PIPL article 47), or whose
contract need not be kept any more.
"""

from uuid import UUID

from sqlalchemy import update

from marketplace.application.models import (
    ApplicationRow,
    IdentityCheckRow,
    IdentitySessionRow,
    InsuredConsentRow,
    locked,
)
from marketplace.application.rules import TRANSITIONS
from marketplace.application.values import ContractKept, Erased, Event, State
from marketplace.infra import vault
from marketplace.infra.db import db
from marketplace.kernel import clock

_FINAL = {State.DECLINED, State.POSTPONED, State.REFUSED, State.LAPSED, State.CONTRACTED}


def erase_application(application_id: UUID) -> Erased | None:
    """Take out persons, answers, what was stated of needs, identity documents, address and whose it was, destroy the
    key of everything sealed about the application, and let it lapse if it was not at its end. Its number, product and
    states stay. None: it was erased before. Nothing of it is opened for that.

    Raises ApplicationNotFound, and ContractKept where a contract was made of it.
    """
    row = locked(application_id)
    if row.state == State.CONTRACTED:
        raise ContractKept
    return _erase(row)


def erase_contracted(application_id: UUID) -> Erased | None:
    """The same of an application whose contract is at its end and was kept long enough, which privacy knows.

    Raises ApplicationNotFound.
    """
    return _erase(locked(application_id))


def _erase(row: ApplicationRow) -> Erased | None:
    if row.erased_at is not None:
        return None
    _empty(row)
    if State(row.state) not in _FINAL:
        row.state = TRANSITIONS.next(State(row.state), Event.LAPSE).value
    row.erased_at = clock.now()
    db.session.flush()
    vault.destroy(row.id)
    return Erased(row.id, row.journey_id, row.insurer_id, row.need_id)


def _empty(row: ApplicationRow) -> None:
    row.persons_sealed = row.answers_sealed = row.email_sealed = None
    row.circumstances_sealed = row.statement_sealed = None
    row.account_id = None
    db.session.execute(
        update(IdentityCheckRow).where(IdentityCheckRow.application_id == row.id).values(shown_sealed=None)
    )
    db.session.execute(
        update(IdentitySessionRow).where(IdentitySessionRow.application_id == row.id).values(person_sealed=None)
    )
    db.session.execute(
        update(InsuredConsentRow).where(InsuredConsentRow.application_id == row.id).values(email_sealed=None)
    )
