"""Who somebody is, proven by a document on a page of its own (T26-27, T26-28)."""

from uuid import UUID

from marketplace.accounts.services import count_identity, give_identity_back
from marketplace.application.models import ApplicationRow, IdentityCheckRow
from marketplace.application.queries import read
from marketplace.application.queries.proofs import check_of, proof_beside, shown_json
from marketplace.application.services.gate import Visit, actor_of, enter, sealed
from marketplace.application.values import (
    Acting,
    IdentityCheck,
    IdentityOutcome,
    Person,
    ProvenPerson,
    Step,
    StepNotReached,
    Whose,
)
from marketplace.infra import identity
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.kernel import clock, ids
from marketplace.kernel.identity import Claim, IdentityDocument
from marketplace.traceability.services import record_act
from marketplace.traceability.values import Act, Actor, EntryType


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
    row.shown = shown_json(ProvenPerson(person.name, person.birth_on), document)
    keep(visit.row, row, visit.by.page_version_id, actor_of(visit.by))
    if verdict.flaw is None:
        give_identity_back(application_id, whose.value)
    return check_of(row)


def carry_identity(by: Acting, application_id: UUID) -> IdentityCheck | None:
    """The proof that the applicant gave a short while ago in another application of the same basket and visit, where it
    is of exactly the person told here: it counts here too, with an entry that names it. None where there is none.

    Raises StepNotReached.
    """
    visit = enter(by, application_id, Step.IDENTITY)
    return carry(visit.row, by) if visit.view.identity_missing else None


def carry(row: ApplicationRow, by: Acting) -> IdentityCheck | None:
    """The same for an application that is locked and whose applicant is not proven."""
    found = proof_beside(read(row))
    if found is None:
        return None
    carried = IdentityCheckRow(
        id=ids.new_id(),
        application_id=row.id,
        whose=Whose.APPLICANT.value,
        method=found.method,
        reference=found.reference,
        outcome=IdentityOutcome.VERIFIED.value,
        checked_at=clock.now(),
        follows_id=found.id,
    )
    carried.shown = shown_json(found.person, found.document)
    keep(row, carried, by.page_version_id, actor_of(by))
    return check_of(carried)


def keep(application: ApplicationRow, row: IdentityCheckRow, page_version_id: str, actor: Actor) -> None:
    """The row and its entry: method, reference, outcome and reason; document and person as salted hashes only."""
    db.session.add(row)
    db.session.flush()
    proven, shown = row.outcome == IdentityOutcome.VERIFIED, row.shown or {}
    body = {
        "check_id": row.id,
        "whose": row.whose,
        "method": row.method,
        "reference": row.reference,
        "outcome": row.outcome,
        "flaw": row.flaw,
        "document": sealed(shown.get("document")),
        "person": sealed(shown.get("person")),
    }
    record_act(
        Act(
            journey_id=application.journey_id,
            type=EntryType.IDENTITY_VERIFIED if proven else EntryType.IDENTITY_REFUSED,
            body=body if row.follows_id is None else {**body, "follows": row.follows_id},
            actor=actor,
            application_id=application.id,
            insurer_id=application.insurer_id,
            page_version_id=page_version_id,
        )
    )
