"""What a browser says when a recorded page is left (checklist T26-06). Without script it says nothing; then a page was
left at the latest when the next one was entered.
"""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from marketplace.traceability import services as traceability
from marketplace.web import access
from marketplace.web.security import csrf
from marketplace.web.tracing import left_page

blueprint = Blueprint("leaving", __name__)


@blueprint.post("/left")
@csrf.exempt  # what is told is signed by us and was given to whoever was sent the page; a session may have ended since
def left() -> ResponseReturnValue:
    """Raises FormNotCurrent for a page that we did not send."""
    traceability.record_leaving(left_page(), access.actor())
    return Response(status=204, mimetype="text/plain")
