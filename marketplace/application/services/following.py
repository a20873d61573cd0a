"""What follows from a decision of underwriting, whoever made it: the state, and the offer on other terms."""

from marketplace.application import rules
from marketplace.application.models import ApplicationRow
from marketplace.application.values import Event, State
from marketplace.catalog.values import Outcome
from marketplace.infra.db import db
from marketplace.kernel import clock
from marketplace.quoting import queries as quoting
from marketplace.quoting import services as quotes
from marketplace.quoting.values import ChangedTerms, OfferOnTerms
from marketplace.traceability.values import Actor
from marketplace.underwriting.values import RecordedDecision

_EVENT_OF = {
    Outcome.ACCEPT: Event.ACCEPT,
    Outcome.LOAD: Event.COUNTER,
    Outcome.EXCLUDE: Event.COUNTER,
    Outcome.REFER: Event.REFER,
    Outcome.POSTPONE: Event.POSTPONE,
    Outcome.DECLINE: Event.DECLINE,
}


def follow(row: ApplicationRow, decision: RecordedDecision, actor: Actor, *, waited: bool) -> None:
    """Move a submitted application as was decided. `waited`: it was referred, and time went by.

    What is accepted as applied for but can hardly be paid any more, because deciding took so long, is offered once more
    at its price: the applicant sees the new days and agrees to them, like to any other terms (decision 36). Raises
    ProductWithdrawn, InsurerNotSelling where there is nothing to offer.
    """
    event = _EVENT_OF[decision.outcome]
    if event is Event.ACCEPT and waited:
        offer = quoting.offer(row.offer_id)
        if rules.must_be_renewed(offer, clock.business_now()):
            event = Event.COUNTER
        else:
            quoting.require_live(offer)
    if event is Event.COUNTER:
        _offer_on_terms(row, decision, actor, waited=waited)
    move(row, event)
    db.session.flush()


def move(row: ApplicationRow, event: Event) -> None:
    """Raises TransitionRefused."""
    row.state = rules.TRANSITIONS.next(State(row.state), event).value


def _offer_on_terms(row: ApplicationRow, decision: RecordedDecision, actor: Actor, *, waited: bool) -> None:
    extra = tuple(quoting.extra_premium(number, each) for number, each in enumerate(decision.terms.loadings, 1))
    terms = ChangedTerms(row.offer_id, str(decision.sha256), extra)
    made = quotes.offer_on_terms(OfferOnTerms(terms, waited, actor, row.id))
    row.offer_id, row.need_id, row.expires_at = made.id, made.need.id, made.expires_at
