"""What a browser records of what is done on a page of an application (T26-06, decision 21). The entry page told of it.
Without script nothing is recorded so, and everything else is.
"""

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from marketplace.traceability import queries as trail
from marketplace.traceability import services as traceability
from marketplace.traceability.values import EntryNotFound
from marketplace.web.customer.road import RECORDED
from marketplace.web.security import csrf
from marketplace.web.tracing import entry_of

blueprint = Blueprint("interactions", __name__)

NONCE = "Page-Nonce"


@blueprint.post("/recording")
@csrf.exempt  # nobody knows the nonce of a page but who was sent it; the header is none that another site may set
def record() -> ResponseReturnValue:
    """A part of a recording, in the order in which it was sent or not. Raises EntryNotFound for every page but those on
    which this is told of.
    """
    view_id = entry_of(request.headers.get(NONCE, ""))
    if trail.page_version(trail.view_kept(view_id).page_version_id).page not in RECORDED:
        raise EntryNotFound
    traceability.keep_interactions(view_id, request.get_data(cache=False))
    return Response(status=204, mimetype="text/plain")
