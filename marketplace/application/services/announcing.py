"""What the applicant is told of the insurer's decision, by mail."""

from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.application.queries import application_view
from marketplace.application.values import ApplicationView, ConsentState, InsuredConsent, State
from marketplace.correspondence import services as correspondence
from marketplace.correspondence.values import MessageKind, QueueMessage, TrailOf
from marketplace.infra.letterhead import letterhead

KINDS = {State.REFERRED: MessageKind.APPLICATION_REFERRED, State.DECLINED: MessageKind.APPLICATION_DECLINED}


def tell_outcome(application_id: UUID) -> None:
    """Mail the applicant that a person will look at the application, or that it was declined; once."""
    view = application_view(application_id)
    application, people = view.application, view.application.people
    kind = KINDS.get(application.state)
    if kind is None or application.email is None or people is None:
        return
    context = {
        "name": people.applicant.name,
        "application_reference": application.reference,
        "product_name": view.offer.version.content.name.in_(application.locale),
        "insurer_name": accounts.insurer(application.insurer_id).legal_name.in_(application.locale),
        "application_link": f"{letterhead().public_url}/application/{application.id}",
    }
    trail = TrailOf(application.journey_id, application.id, application.insurer_id)
    correspondence.queue(
        QueueMessage(kind, str(application.id), application.email, application.locale, context, (), trail)
    )


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
