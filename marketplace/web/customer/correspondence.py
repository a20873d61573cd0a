"""Mails that a page asks for: the accounts' requests become messages with whole addresses."""

from flask import current_app, url_for

from marketplace.accounts.values import MessageRequest
from marketplace.correspondence import services
from marketplace.correspondence.values import MessageKind, QueueMessage

_PATHS = {MessageKind.CONFIRM_ADDRESS: "account.confirm", MessageKind.PASSWORD_RESET: "account.reset"}


def absolute(path: str) -> str:
    """A whole address under the configured one; the Host header is never believed for links in mails."""
    return f"{current_app.config['PUBLIC_URL']}{path}"


def send(request: MessageRequest) -> None:
    """Queue the mail that accounts ask for, in this transaction."""
    kind = MessageKind(request.kind)
    context = dict(request.context)
    if "token" in context:
        context["link"] = absolute(url_for(_PATHS[kind], token=context.pop("token")))
    if kind is MessageKind.ADDRESS_IN_USE:
        context["sign_in_link"] = absolute(url_for("account.sign_in"))
        context["reset_link"] = absolute(url_for("account.reset_request"))
    services.queue(QueueMessage(kind, request.subject_key, request.recipient, request.locale, context))
