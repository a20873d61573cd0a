"""What a browser says when a recorded page is left (checklist T26-06). Without script it says nothing; then a page was
left at the latest when the next one was entered.
"""

from uuid import UUID

from flask import Blueprint, Response, current_app, session
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from wtforms import HiddenField

from marketplace.application import queries as applications
from marketplace.kernel.errors import NotFound
from marketplace.traceability import services as traceability
from marketplace.web import access
from marketplace.web.fields import Form, required
from marketplace.web.tracing import current_journey, seen_page_version

blueprint = Blueprint("leaving", __name__)


class LeavingForm(Form):
    """The version that was seen, and at which address."""

    seen = HiddenField(validators=[required()])
    page = HiddenField(validators=[required()])


@blueprint.post("/left")
def left() -> ResponseReturnValue:
    """Raises FormNotCurrent for a page that we did not send, ApplicationNotFound for one of somebody else."""
    form = LeavingForm()
    if not form.validate():
        return Response(status=422, mimetype="text/plain")
    version_id = seen_page_version(form.page.data)
    traceability.record_leaving(_journey_of(str(form.page.data)), version_id, access.actor())
    return Response(status=204, mimetype="text/plain")


def _journey_of(path: str) -> UUID:
    """Pages of an application belong to its journey, whatever the browser's own is; all others to that one."""
    mine = current_journey() if "journey" in session else None
    try:
        _, told = current_app.url_map.bind("").match(path)
    except HTTPException:
        raise NotFound from None
    if "application_id" in told and mine is not None:
        customer = access.customer()
        return applications.own_application(told["application_id"], mine, customer.id if customer else None).journey_id
    if mine is None:
        raise NotFound
    return mine
