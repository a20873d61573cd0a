"""Who somebody is, proven on a page of the verifier's own (T26-27): begun here, shown there, asked after here.

Our row is first and committed before anybody is asked; the verifier is asked outside of every lock; what it says by an
event or by a customer who comes back only makes us ask it. Each outcome is an attempt, kept once.
"""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from marketplace.accounts.services import count_identity, give_identity_back
from marketplace.application import rules
from marketplace.application.models import ApplicationRow, IdentityCheckRow, IdentitySessionRow, locked
from marketplace.application.queries.proofs import person_json, person_of, session_of, shown_json
from marketplace.application.services.gate import Visit, enter
from marketplace.application.services.identifying import keep
from marketplace.application.values import (
    Acting,
    IdentityOutcome,
    IdentitySession,
    Person,
    ProvenPerson,
    SessionState,
    Step,
    StepNotReached,
    Whose,
)
from marketplace.infra import identity, jobs
from marketplace.infra.db import db
from marketplace.infra.identity import HostedCheck, HostedState
from marketplace.kernel import clock, ids
from marketplace.kernel.identity import Flaw
from marketplace.traceability.values import PROVIDER

FIRST_LOOK = timedelta(minutes=5)
PAGE_LASTS = timedelta(hours=48)
"""docs.stripe.com/api/identity/verification_sessions/object: so long an address leads to the page."""
LOOKS_AT_ONCE = 100


def begin_identity(by: Acting, application_id: UUID) -> IdentitySession:
    """A check of the applicant on the verifier's page; one that is under way goes on.

    Raises TooManyTries, IdentityUnavailable where no such verifier is configured, StepNotReached where nothing is to be
    proven.
    """
    visit = enter(by, application_id, Step.IDENTITY)
    view, people = visit.view, visit.view.application.people
    if not view.identity_missing or people is None:
        raise StepNotReached(view.next_step)
    return begin(visit, people.applicant, Whose.APPLICANT)


def begin(visit: Visit, person: Person, whose: Whose) -> IdentitySession:
    """Of another person than is told now, what was begun before ends here, and is closed there."""
    method, subject = identity.hosted().method, ProvenPerson(person.name, person.birth_on)
    for row in _open_rows(visit.row.id, whose):
        if person_of(row.person) == subject and row.method == method:
            return session_of(row)
        _end(row, SessionState.ENDED)
        if row.reference is not None:
            jobs.defer("application.close_identity", reference=row.reference)
    count_identity(visit.row.id, whose.value)
    now = clock.now()
    row = IdentitySessionRow(
        id=ids.new_id(),
        application_id=visit.row.id,
        whose=whose.value,
        method=method,
        state=SessionState.WAITING.value,
        page_version_id=visit.by.page_version_id,
        opened_at=now,
        look_at=now + FIRST_LOOK,
    )
    row.person = person_json(subject)
    db.session.add(row)
    db.session.flush()
    return session_of(row)


def lead_to_verifier(session_id: UUID, return_url: str) -> str | None:
    """The address of the verifier's page, for one visit; None where it does not wait for anybody (any more).

    For a session that is committed; nothing is locked meanwhile. Raises IdentityUnavailable, and then nothing is lost:
    asked again, the verifier finds what it made before.
    """
    verifier, reference = identity.hosted(), _reference(session_id)
    found = verifier.begin(str(session_id), return_url) if reference is None else verifier.look_up(reference)
    db.session.execute(
        update(IdentitySessionRow)
        .where(IdentitySessionRow.id == session_id, IdentitySessionRow.reference.is_(None))
        .values(reference=found.reference)
    )
    if found.state is not HostedState.WAITING:
        settle(found)
    return found.url


def settle_identity(reference: str) -> bool:
    """Ask the verifier how a check of this name stands, and keep what came out of it. False: it is none of ours.

    Raises IdentityUnavailable.
    """
    return settle(identity.hosted().look_up(reference))


def look_after_identity(session_id: UUID) -> None:
    """The same for one of ours, whether the verifier told us or not; one that waits for longer than its page can be
    reached has run out. Raises IdentityUnavailable.
    """
    reference = _reference(session_id)
    if reference is not None and settle(identity.hosted().look_up(reference)):
        row = db.session.get_one(IdentitySessionRow, session_id)
        if row.closed_at is not None or clock.now() < row.opened_at + PAGE_LASTS:
            return
        jobs.defer("application.close_identity", reference=reference)
    _run_out(session_id)


def look_after_identities() -> int:
    """Defer asking after what is under way, the sooner the younger it is. Returns how many are asked after."""
    now = clock.now()
    rows = db.session.scalars(
        select(IdentitySessionRow)
        .where(IdentitySessionRow.closed_at.is_(None), IdentitySessionRow.look_at <= now)
        .order_by(IdentitySessionRow.look_at, IdentitySessionRow.id)
        .limit(LOOKS_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.look_at = now + max(FIRST_LOOK, now - row.opened_at)
        jobs.defer("application.look_after_identity", session_id=row.id)
    db.session.flush()
    return len(rows)


def close_identity(reference: str) -> None:
    """Nobody shows anything for it any more. Raises IdentityUnavailable."""
    identity.hosted().close(reference)


def forget_identity(application_id: UUID) -> None:
    """What was shown to the verifier for an application that was erased is taken out of its books too. Raises
    IdentityUnavailable.
    """
    rows = db.session.scalars(
        select(IdentitySessionRow.reference).where(
            IdentitySessionRow.application_id == application_id, IdentitySessionRow.reference.is_not(None)
        )
    ).all()
    for reference in filter(None, rows):
        identity.hosted().forget(reference)


def settle(found: HostedCheck) -> bool:
    """Keep how a check stands, as the verifier itself said; what is kept already changes nothing. False: not ours."""
    row = db.session.scalars(
        select(IdentitySessionRow).where(IdentitySessionRow.id == _our_id(found.our_id))
    ).one_or_none()
    if row is None:
        return False
    application = locked(row.application_id)
    db.session.refresh(row)
    if row.closed_at is not None or row.reference not in {None, found.reference}:
        return True
    row.reference = found.reference
    if application.erased_at is not None:
        _end(row, SessionState.ENDED)
    elif found.state is HostedState.PROCESSING:
        row.state = SessionState.PROCESSING.value
    else:
        _keep_outcome(application, row, found)
    db.session.flush()
    return True


def _keep_outcome(application: ApplicationRow, row: IdentitySessionRow, found: HostedCheck) -> None:
    """An attempt came to its end: it proved the person, or somebody else, or nothing."""
    subject = person_of(row.person)
    flaw = _flaw(found, subject)
    if found.state is HostedState.WAITING:
        row.state = SessionState.WAITING.value
        if flaw is None or row.seen == (seen := f"{found.report or found.reference} {flaw}"):
            return
        row.seen = seen
    else:
        proven = found.state is HostedState.VERIFIED and flaw is None
        _end(row, SessionState.VERIFIED if proven else SessionState.ENDED)
    _keep(application, row, _attempt(row, found, flaw))
    if flaw is None:
        give_identity_back(application.id, row.whose)


def _flaw(found: HostedCheck, subject: ProvenPerson | None) -> Flaw | None:
    """A genuine document of somebody else proves nothing about the one who applies."""
    if found.state is HostedState.CANCELED:
        return found.flaw or Flaw.CANCELED
    if found.state is not HostedState.VERIFIED:
        return found.flaw
    if found.person is None or found.person.birth_on is None or subject is None:
        return Flaw.UNCLEAR
    return rules.flaw_of_document(found.person.first_name, found.person.last_name, found.person.birth_on, subject)


def _attempt(row: IdentitySessionRow, found: HostedCheck, flaw: Flaw | None) -> IdentityCheckRow:
    return IdentityCheckRow(
        id=ids.new_id(),
        application_id=row.application_id,
        whose=row.whose,
        method=row.method,
        reference=found.report or found.reference,
        outcome=(IdentityOutcome.VERIFIED if flaw is None else IdentityOutcome.REFUSED).value,
        flaw=flaw and flaw.value,
        checked_at=clock.now(),
    )


def _keep(application: ApplicationRow, row: IdentitySessionRow, attempt: IdentityCheckRow) -> None:
    """On the page where it was begun, by what the verifier says."""
    attempt.shown = shown_json(person_of(row.person), None)
    keep(application, attempt, row.page_version_id, PROVIDER)


def _run_out(session_id: UUID) -> None:
    """Nobody came to the page while it could be reached, or the verifier never heard of it."""
    row = db.session.get_one(IdentitySessionRow, session_id)
    application = locked(row.application_id)
    db.session.refresh(row)
    if row.closed_at is not None or clock.now() < row.opened_at + PAGE_LASTS:
        return
    _end(row, SessionState.ENDED)
    if row.reference is not None and application.erased_at is None:
        ended = HostedCheck(row.reference, HostedState.CANCELED, str(row.id))
        _keep(application, row, _attempt(row, ended, Flaw.ABANDONED))
    db.session.flush()


def _end(row: IdentitySessionRow, state: SessionState) -> None:
    row.state, row.closed_at = state.value, clock.now()


def _open_rows(application_id: UUID, whose: Whose) -> list[IdentitySessionRow]:
    return list(
        db.session.scalars(
            select(IdentitySessionRow).where(
                IdentitySessionRow.application_id == application_id,
                IdentitySessionRow.whose == whose.value,
                IdentitySessionRow.closed_at.is_(None),
            )
        )
    )


def _reference(session_id: UUID) -> str | None:
    return db.session.scalars(select(IdentitySessionRow.reference).where(IdentitySessionRow.id == session_id)).one()


def _our_id(told: str | None) -> UUID | None:
    try:
        return UUID(told or "")
    except ValueError:
        return None
