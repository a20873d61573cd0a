"""What the applicant is told of the insurer's decision, by mail."""

from uuid import UUID

from marketplace.accounts import queries as accounts
from marketplace.application.queries import application_view
from marketplace.application.values import State
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
