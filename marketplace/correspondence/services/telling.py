"""What insurers' staff are told of their desk."""

from uuid import UUID

from marketplace.accounts import queries as account_queries
from marketplace.accounts import services as accounts
from marketplace.correspondence.services.sending import queue
from marketplace.correspondence.values import MessageKind, QueueMessage
from marketplace.infra.letterhead import letterhead


def invite_staff(invitation_id: UUID) -> None:
    """Whoever is invited to an insurer's desk gets the link, once, while the invitation stands."""
    request = accounts.issue_invitation(invitation_id)
    if request is not None:
        context = dict(request.context)
        context["link"] = f"{letterhead().public_url}/join/{context.pop('token')}"
        queue(QueueMessage(MessageKind(request.kind), request.subject_key, request.recipient, request.locale, context))


def tell_withdrawn(invitation_id: UUID) -> None:
    """Whoever was invited learns that the link opens nothing any more; nobody whose link never left."""
    found = account_queries.invitation_told(invitation_id)
    if found is not None:
        told, locale = found
        _tell_of_a_desk(MessageKind.INVITATION_WITHDRAWN, str(told.id), told.email, locale, told.insurer_id)


def tell_access_ended(account_id: UUID) -> None:
    """Whoever worked at an insurer's desk learns that it opens no more."""
    account = account_queries.account(account_id)
    if account.insurer_id is not None:
        _tell_of_a_desk(MessageKind.ACCESS_ENDED, str(account.id), account.email, account.locale, account.insurer_id)


def _tell_of_a_desk(kind: MessageKind, key: str, recipient: str, locale: str, insurer_id: UUID) -> None:
    said = account_queries.insurer(insurer_id).legal_name.in_(locale)
    queue(QueueMessage(kind, key, recipient, locale, {"insurer_name": said}))
