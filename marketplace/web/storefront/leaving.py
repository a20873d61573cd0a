"""What a browser says when a recorded page is left (checklist T26-06). Without script it says nothing; then a page was
left at the latest when the next one was entered.
"""

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from marketplace.traceability import services as traceability
from marketplace.web import access
from marketplace.web.security import csrf
from marketplace.web.tracing import entry_of

blueprint = Blueprint("leaving", __name__)


@blueprint.post("/left")
@csrf.exempt  # nobody knows the nonce of a page but who was sent it, and a session may have ended since
def left() -> ResponseReturnValue:
    """Raises EntryNotFound for a page that we did not send."""
    traceability.record_leaving(entry_of(request.form.get("nonce", "")), access.actor())
    return Response(status=204, mimetype="text/plain")
