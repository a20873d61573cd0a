"""What insurers uploaded and approved, and the marketplace accepts for sale or refuses (O13-45)."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.infra.formatting import gettext as _
from marketplace.listing import queries as listing
from marketplace.listing import services
from marketplace.listing.values import Upload, UploadNotFound, UploadState
from marketplace.web import access, upload_file
from marketplace.web.upload_file import ReasonForm
from marketplace.web.upload_words import STATES

blueprint = Blueprint("listing_review", __name__, url_prefix="/admin/catalogs")

MOST_SHOWN = 100
_SHOWN = (UploadState.APPROVED, UploadState.PUBLISHED, UploadState.REJECTED)
"""What stood or stands before the marketplace; an insurer's drafts are its own."""


@blueprint.get("")
def waiting() -> ResponseReturnValue:
    """What waits for acceptance first, then what was decided."""
    found = listing.uploads_in(_SHOWN, MOST_SHOWN)
    return render_template(
        "backoffice/catalogs.html",
        waiting=[each for each in found if each.state is UploadState.APPROVED],
        decided=[each for each in found if each.state is not UploadState.APPROVED],
        insurers=accounts.insurers({each.insurer_id for each in found}),
        states=STATES,
    )


@blueprint.get("/<uuid:upload_id>")
def upload(upload_id: UUID) -> ResponseReturnValue:
    return upload_file.upload_page(_before_us(upload_id))


@blueprint.get("/<uuid:upload_id>/products/<int:number>")
def product(upload_id: UUID, number: int) -> ResponseReturnValue:
    return upload_file.product_page(_before_us(upload_id), number)


@blueprint.route("/<uuid:upload_id>/products/<int:number>/premiums", methods=["GET", "POST"])
def premiums(upload_id: UUID, number: int) -> ResponseReturnValue:
    return upload_file.premiums_page(_before_us(upload_id), number)


@blueprint.get("/<uuid:upload_id>/products/<int:number>/difference")
def difference(upload_id: UUID, number: int) -> ResponseReturnValue:
    return upload_file.difference_page(_before_us(upload_id), number)


@blueprint.get("/<uuid:upload_id>/documents/<filename>")
def document(upload_id: UUID, filename: str) -> ResponseReturnValue:
    return upload_file.document(_before_us(upload_id), filename)


@blueprint.post("/<uuid:upload_id>/accept")
def accept(upload_id: UUID) -> ResponseReturnValue:
    services.accept_upload(_before_us(upload_id).id, access.actor())
    return _back(upload_id, _("The catalog is accepted for sale."))


@blueprint.post("/<uuid:upload_id>/refuse")
def refuse(upload_id: UUID) -> ResponseReturnValue:
    found, form = _before_us(upload_id), ReasonForm()
    if not form.validate_on_submit():
        return upload_file.upload_page(found, form)
    services.refuse_upload(found.id, str(form.reason.data), access.actor())
    return _back(upload_id, _("The catalog is refused; the insurer reads the reason."))


def _before_us(upload_id: UUID) -> Upload:
    found = listing.upload(upload_id)
    if found.state not in _SHOWN:
        raise UploadNotFound
    return found


def _back(upload_id: UUID, said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(url_for(".upload", upload_id=upload_id), 303)
