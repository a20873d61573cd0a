"""Mails that a page asks for: the accounts' requests become messages with whole addresses."""

from flask import current_app, url_for

from marketplace.accounts.values import MessageRequest
from marketplace.correspondence import services
from marketplace.correspondence.values import MessageKind, QueueMessage

# What a message links to besides its token: the name in its template, and the page.
_LINKS = {
    MessageKind.ADDRESS_IN_USE: {"sign_in_link": "account.sign_in", "reset_link": "account.reset_request"},
    MessageKind.NO_ACCOUNT: {"register_link": "account.register"},
    MessageKind.NEW_DEVICE: {"security_link": "security.overview", "reset_link": "account.reset_request"},
    MessageKind.PASSWORD_CHANGED: {"reset_link": "account.reset_request"},
    MessageKind.SECOND_STEP_GUESSED: {"reset_link": "account.reset_request"},
    MessageKind.FACTOR_CHANGED: {"security_link": "security.overview", "reset_link": "account.reset_request"},
}
_PATHS = {
    MessageKind.CONFIRM_ADDRESS: "account.confirm",
    MessageKind.PASSWORD_RESET: "account.reset",
    MessageKind.CONFIRM_APPLICANT: "joining.confirm",
}


def absolute(path: str) -> str:
    """A whole address under the configured one; the Host header is never believed for links in mails."""
    return f"{current_app.config['PUBLIC_URL']}{path}"


def send(request: MessageRequest) -> None:
    """Queue the mail that accounts ask for, in this transaction."""
    kind = MessageKind(request.kind)
    context = dict(request.context)
    if "token" in context:
        context["link"] = absolute(url_for(_PATHS[kind], token=context.pop("token")))
    context |= {name: absolute(url_for(endpoint)) for name, endpoint in _LINKS.get(kind, {}).items()}
    services.queue(QueueMessage(kind, request.subject_key, request.recipient, request.locale, context))
