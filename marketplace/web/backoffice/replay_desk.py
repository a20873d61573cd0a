"""What was done on a page, played again beside the page as it was sent: asked for with a reason, which is entered as a
reading of the evidence before anything is shown (T26-48).
"""

from base64 import b64encode
from uuid import UUID

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue

from marketplace.oversight import queries as oversight
from marketplace.oversight import services
from marketplace.web import access
from marketplace.web.backoffice import replay
from marketplace.web.evidence_file import AskForm
from marketplace.web.sale_file import refuse_restricted

blueprint = Blueprint("replay_desk", __name__, url_prefix="/admin/sales/<uuid:sale_id>/recordings")


@blueprint.route("/<uuid:entry_id>", methods=["GET", "POST"])
def recording(sale_id: UUID, entry_id: UUID) -> ResponseReturnValue:
    """Raises RecordingNotFound, Restricted."""
    sale, form, address = oversight.sale(sale_id), AskForm(), None
    refuse_restricted(sale, access.actor())
    found = oversight.recording(sale_id, entry_id)
    if not replay.origin():
        raise replay.NoReplay
    if form.validate_on_submit():
        services.note_replay(sale, entry_id, access.actor(), str(form.reason.data))
        address, g.framed_origin = replay.address_of(sale_id, entry_id), replay.origin()
    picture = None if found.picture is None else b64encode(found.picture).decode()
    page = render_template(
        "backoffice/replay.html", sale=sale, found=found, form=form, address=address, picture=picture
    )
    return page, 422 if form.errors else 200
