"""Who somebody is, proven by a document on a page of its own (T26-27, T26-28)."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from marketplace.accounts.services import count_identity, give_identity_back
from marketplace.application.models import IdentityCheckRow
from marketplace.application.queries.proofs import check_of, shown_json
from marketplace.application.services.gate import Visit, enter, record, sealed
from marketplace.application.values import Acting, IdentityCheck, IdentityOutcome, Person, Step, StepNotReached, Whose
from marketplace.infra import identity
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids
from marketplace.kernel.identity import Claim, IdentityDocument
from marketplace.traceability.values import EntryType


def prove_identity(by: Acting, application_id: UUID, document: IdentityDocument) -> IdentityCheck:
    """Ask the verifier whether this document is the applicant's. What is proven already is not asked again.

    Raises TooManyTries (with when to try again), IdentityUnavailable, StepNotReached where it is not asked.
    """
    visit = enter(by, application_id, Step.IDENTITY)
    view, people = visit.view, visit.view.application.people
    if view.identity is not None:
        return view.identity
    if not view.identity_missing or people is None:
        raise StepNotReached(view.next_step)
    return judge(visit, people.applicant, Whose.APPLICANT, document)


def judge(visit: Visit, person: Person, whose: Whose, document: IdentityDocument) -> IdentityCheck:
    """Whether the document is this person's. Each attempt is kept and entered, a refused one too, which is for whoever
    calls to commit. Raises TooManyTries, IdentityUnavailable.
    """
    verifier, check_id, application_id = identity.verifier(), ids.new_id(), visit.row.id
    count_identity(application_id, whose.value)
    claim = Claim(person.name, person.birth_on, person.sex)
    verdict = verifier.verify(claim, document, clock.today(ZONE), str(check_id))
    row = IdentityCheckRow(
        id=check_id,
        application_id=application_id,
        whose=whose.value,
        method=verifier.method,
        reference=verdict.reference,
        outcome=(IdentityOutcome.VERIFIED if verdict.flaw is None else IdentityOutcome.REFUSED).value,
        flaw=verdict.flaw and verdict.flaw.value,
        checked_at=clock.now(),
    )
    _keep(visit, row, shown_json(person, document))
    if verdict.flaw is None:
        give_identity_back(application_id, whose.value)
    return check_of(row)


def _keep(visit: Visit, row: IdentityCheckRow, shown: Mapping[str, Any]) -> None:
    """The row and its entry: method, reference, outcome and reason; document and person as salted hashes only."""
    row.shown = dict(shown)
    db.session.add(row)
    db.session.flush()
    proven = row.outcome == IdentityOutcome.VERIFIED
    body = {
        "check_id": row.id,
        "whose": row.whose,
        "method": row.method,
        "reference": row.reference,
        "outcome": row.outcome,
        "flaw": row.flaw,
        "document": sealed(shown["document"]),
        "person": sealed(shown["person"]),
    }
    record(visit.by, visit.row, EntryType.IDENTITY_VERIFIED if proven else EntryType.IDENTITY_REFUSED, body)
