"""The end of the road: declaration and decision in one transaction, conclusion, lapse."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from marketplace.application.models import ApplicationRow, locked
from marketplace.application.queries import read, view_of
from marketplace.application.queries.proofs import require_declared, require_proofs
from marketplace.application.queries.suiting import statement_of
from marketplace.application.services.following import follow, move
from marketplace.application.services.gate import Visit, confirm, enter, own_locked
from marketplace.application.values import (
    Acting,
    Application,
    ApplicationHeld,
    ApplicationMoved,
    ApplicationSubmitted,
    ApplicationView,
    ConfirmationKind,
    Event,
    People,
    State,
    Step,
    ToldChanged,
)
from marketplace.disclosure import queries as disclosure
from marketplace.disclosure.values import WordingKey
from marketplace.infra import watchlist
from marketplace.infra.db import db
from marketplace.infra.formatting import ZONE
from marketplace.infra.jobs import publish
from marketplace.kernel import clock
from marketplace.kernel.canonical import digest
from marketplace.quoting import queries as quoting
from marketplace.traceability.values import SYSTEM
from marketplace.underwriting.services import decide_by_guideline
from marketplace.underwriting.values import AssessApplication, RecordedDecision

# A payment begun before the offer expired may still arrive: Stripe keeps a Checkout Session open for 24 hours at most.
LAPSE_GRACE = timedelta(days=2)
LAPSE_BATCH = 500


def submit(by: Acting, application_id: UUID, told_sha256: str) -> Application:
    """The declaration on the review page; underwriting decides in the same transaction. With it the statement of
    demands and needs is frozen (EU-07), which becomes part of the contract.

    The result is accepted, accepted on other terms (countered), referred, postponed or declined; or it stays submitted,
    until somebody has looked at a name. A repeated submission changes nothing and gives the same result.
    `told_sha256` says what the page showed: exactly that is declared, or nothing. Raises ToldChanged when something
    was told otherwise meanwhile (in another tab), StepNotReached naming the step that is missing, and the refusals of
    `live_offer`: cover never starts before the day on which it was applied for.
    """
    row = own_locked(by, application_id)
    if row.submitted_at is not None:
        return read(row)
    visit = enter(by, application_id, Step.REVIEW)
    if visit.view.told_sha256 != told_sha256:
        raise ToldChanged
    row.statement = statement_of(visit.view, clock.today(ZONE))
    _declare(visit)
    move(row, Event.SUBMIT)
    row.submitted_at = clock.now()
    db.session.flush()
    if _is_listed(visit.view.application.people):
        publish(ApplicationHeld(row.id))
    else:
        follow(row, _decide(visit.view), SYSTEM, waited=False)
    publish(ApplicationSubmitted(row.id, State(row.state)))
    return read(row)


def release_held(application_id: UUID) -> None:
    """Whoever looked at an application that waited has nothing against it: it is decided on, and the applicant told.
    One that does not wait (any more) stays as it is. Raises ProductWithdrawn, InsurerNotSelling.
    """
    row = locked(application_id)
    if row.state != State.SUBMITTED or row.erased_at is not None:
        return
    follow(row, _decide(view_of(row)), SYSTEM, waited=True)
    publish(ApplicationMoved(row.id, State(row.state)))


def refuse_held(application_id: UUID) -> None:
    """An application that waited is not concluded, and the applicant is told that, and no reason."""
    row = locked(application_id)
    if row.state != State.SUBMITTED or row.erased_at is not None:
        return
    move(row, Event.DECLINE)
    db.session.flush()
    publish(ApplicationMoved(row.id, State(row.state)))


def _is_listed(people: People | None) -> bool:
    """Whether a name of it is on the list of those with whom nothing is concluded before somebody looked (O13-44)."""
    current = watchlist.current()
    if current is None or people is None:
        return False
    return any(current.matches(each.name, each.birth_on) for each in (people.applicant, people.insured_person))


def conclude(application_id: UUID) -> Application:
    """A contract was made of it. For the order that was paid; a repeat changes nothing.

    Raises TransitionRefused unless it was accepted, IdentityNotProven, InsuredNotConsenting, DeclarationOutdated.
    """
    row = locked(application_id)
    if row.state != State.CONTRACTED:
        offer = quoting.offer(row.offer_id)
        require_proofs(row, read(row).people, offer)
        require_declared(row, offer)
        move(row, Event.CONCLUDE)
        db.session.flush()
    return read(row)


def lapse_overdue() -> int:
    """Let applications lapse whose offer expired unpaid some time ago; at most a batch at a time. What waits for its
    insurer does not lapse, however long that takes (decision 36). Returns how many did.
    """
    overdue = db.session.scalars(
        select(ApplicationRow)
        .where(
            ApplicationRow.state.in_([State.STARTED.value, State.ACCEPTED.value, State.COUNTERED.value]),
            ApplicationRow.expires_at < clock.business_now() - LAPSE_GRACE,
        )
        .order_by(ApplicationRow.expires_at, ApplicationRow.id)
        .limit(LAPSE_BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    for row in overdue:
        move(row, Event.LAPSE)
    db.session.flush()
    return len(overdue)


def _declare(visit: Visit) -> None:
    row, view = visit.row, visit.view
    wording = disclosure.wording(WordingKey.APPLICATION_DECLARATION, row.locale)
    body = {
        "offer_id": row.offer_id,
        "product_version_id": row.product_version_id,
        "content_sha256": view.offer.content_sha256,
        "tariff_root": view.offer.tariff_root,
        "premium_minor": view.offer.premium.minor,
        "currency": view.offer.premium.currency,
        "start_on": view.offer.need.start_on,
        "declaration_version": wording.version,
        "declaration_sha256": wording.sha256,
        "documents": [each.document.sha256 for each in view.documents],
        "exclusions_sha256": view.exclusions_sha256,
        "told_sha256": view.told_sha256,
        "statement_sha256": digest(row.statement),
    }
    confirm(visit, ConfirmationKind.DECLARATION, view.told_sha256, body)


def _decide(view: ApplicationView) -> RecordedDecision:
    application = view.application
    return decide_by_guideline(
        AssessApplication(
            application_id=application.id,
            journey_id=application.journey_id,
            insurer_id=application.insurer_id,
            guideline=view.offer.version.content.guideline,
            answers=application.answers,
        )
    )
