"""What the applicant is told of the insurer's decision, by mail. What it rests on stands on the page it leads to."""

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from marketplace.accounts import queries as accounts
from marketplace.application.queries import application_view
from marketplace.application.values import ApplicationView, ConsentState, InsuredConsent, State
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import MessageKind, QueueMessage, TrailOf
from marketplace.infra.formatting import ZONE
from marketplace.infra.letterhead import letterhead
from marketplace.underwriting import queries as underwriting
from marketplace.underwriting.values import RecordedDecision

KINDS = {
    State.REFERRED: MessageKind.APPLICATION_REFERRED,
    State.ACCEPTED: MessageKind.APPLICATION_ACCEPTED,
    State.COUNTERED: MessageKind.APPLICATION_COUNTERED,
    State.POSTPONED: MessageKind.APPLICATION_POSTPONED,
    State.DECLINED: MessageKind.APPLICATION_DECLINED,
    State.REFUSED: MessageKind.APPLICATION_REFUSED,
}


def tell_outcome(application_id: UUID, *, moved: bool) -> None:
    """Mail the applicant how the application stands, once: that a person looks at it, that it was accepted after that,
    on which other terms, postponed or declined, or that the other terms were refused. Nothing is mailed of what the
    applicant saw happen: an acceptance at once, and agreeing to other terms. `moved`: it came there after its
    submission.
    """
    view = application_view(application_id)
    kind = KINDS.get(view.application.state)
    decision = underwriting.decision_of(application_id)
    if kind is None:
        return
    if decision is None:
        if kind is MessageKind.APPLICATION_DECLINED:
            _queue(view, kind, str(application_id), {})
        return
    if kind is MessageKind.APPLICATION_ACCEPTED and (not moved or view.counter is not None):
        return
    _queue(view, kind, str(application_id), _days(view, kind, decision))


def tell_asked(application_id: UUID, number: int) -> None:
    """Mail the applicant that the insurer has a question; what it asks stands on the page alone."""
    view = application_view(application_id)
    if view.application.state is State.REFERRED:
        _queue(view, MessageKind.APPLICATION_ASKED, f"{application_id}:{number}", {})


def _days(view: ApplicationView, kind: MessageKind, decision: RecordedDecision) -> dict[str, str]:
    """The day on which the message turns, where there is one."""
    if kind in {MessageKind.APPLICATION_ACCEPTED, MessageKind.APPLICATION_COUNTERED}:
        last = (view.offer.expires_at - timedelta(seconds=1)).astimezone(ZoneInfo(ZONE)).date()
        return {"held_until": last.isoformat()}
    if kind is MessageKind.APPLICATION_POSTPONED and decision.terms.until is not None:
        return {"again_on": decision.terms.until.isoformat()}
    return {}


def _queue(view: ApplicationView, kind: MessageKind, about: str, days: dict[str, str]) -> None:
    application, people = view.application, view.application.people
    if application.email is None or people is None:
        return
    context: dict[str, Any] = {
        "name": people.applicant.name,
        "application_reference": application.reference,
        "product_name": view.offer.version.content.name.in_(application.locale),
        "insurer_name": accounts.insurer(application.insurer_id).legal_name.in_(application.locale),
        "application_link": f"{letterhead().public_url}/application/{application.id}",
        **days,
    }
    trail = TrailOf(application.journey_id, application.id, application.insurer_id)
    correspondence.queue(QueueMessage(kind, about, application.email, application.locale, context, (), trail))


def tell_insured(view: ApplicationView, consent: InsuredConsent, link: str) -> None:
    """Mail the insured who wants to insure them, and the link."""
    application, people = view.application, view.application.people
    if people is None or consent.email is None:
        return
    context = {
        "name": people.insured_person.name,
        "applicant_name": people.applicant.name,
        "product_name": view.offer.version.content.name.in_(application.locale),
        "insurer_name": accounts.insurer(application.insurer_id).legal_name.in_(application.locale),
        "link": link,
        "days": (consent.expires_at - consent.asked_at).days,
    }
    trail = TrailOf(application.journey_id, application.id, application.insurer_id)
    kind = MessageKind.INSURED_ASKED
    correspondence.queue(QueueMessage(kind, str(consent.id), consent.email, application.locale, context, (), trail))


def tell_insured_answered(view: ApplicationView, consent: InsuredConsent) -> None:
    """Mail the applicant that the insured agreed, or did not."""
    application, people = view.application, view.application.people
    if people is None or application.email is None:
        return
    context = {
        "name": people.applicant.name,
        "insured_name": people.insured_person.name,
        "agreed": consent.state is ConsentState.GIVEN,
        "application_reference": application.reference,
        "product_name": view.offer.version.content.name.in_(application.locale),
        "application_link": f"{letterhead().public_url}/application/{application.id}",
    }
    trail = TrailOf(application.journey_id, application.id, application.insurer_id)
    kind = MessageKind.INSURED_ANSWERED
    correspondence.queue(QueueMessage(kind, str(consent.id), application.email, application.locale, context, (), trail))
