"""The demonstration's inbox: every mail that would have been sent, with its attachments. Never in production."""

from uuid import UUID

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.correspondence import queries as correspondence
from marketplace.correspondence.values import AttachedFile
from marketplace.kernel.errors import NotFound
from marketplace.web import papers

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")

# A mail is somebody else's page: it may show words and pictures of its own, run nothing and reach nothing.
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-popups"
)


@blueprint.get("")
def messages() -> ResponseReturnValue:
    recipient = request.args.get("to", "").strip().lower() or None
    return render_template("hooks/inbox.html", messages=correspondence.inbox(recipient=recipient), recipient=recipient)


@blueprint.get("/<uuid:message_id>")
def message(message_id: UUID) -> ResponseReturnValue:
    return render_template(
        "hooks/message.html",
        message=correspondence.message(message_id),
        parts=correspondence.message_parts(message_id),
    )


@blueprint.get("/<uuid:message_id>/body")
def body(message_id: UUID) -> ResponseReturnValue:
    """The mail's HTML for its sandboxed frame."""
    response = Response(correspondence.message_parts(message_id).html, mimetype="text/html")
    response.headers["Content-Security-Policy"] = MAIL_POLICY
    return response


@blueprint.get("/<uuid:message_id>/files/<int:number>")
def attachment(message_id: UUID, number: int) -> ResponseReturnValue:
    files = correspondence.message_parts(message_id).files
    if number >= len(files):
        raise NotFound
    return _download(files[number])


@blueprint.get("/<uuid:message_id>/source")
def source(message_id: UUID) -> ResponseReturnValue:
    """The exact bytes of the mail (RFC 5322)."""
    return _download(AttachedFile(f"{message_id}.eml", "message/rfc822", correspondence.message_eml(message_id)))


def _download(file: AttachedFile) -> Response:
    return papers.download(file.content, file.media_type, file.name)
