"""The register of practitioners: what insurers entered is compared with the certificate before it counts."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.web import access, consulting

blueprint = Blueprint("practitioner_desk", __name__, url_prefix="/admin/practitioners")


@blueprint.get("")
def practitioners() -> ResponseReturnValue:
    waiting, registered = accounts.practitioners_to_check(), accounts.registered_practitioners()
    return render_template(
        "backoffice/practitioners.html",
        waiting=waiting,
        registered=registered,
        insurers=accounts.insurers({each.insurer_id for each in (*waiting, *registered)}),
        validities=consulting.VALIDITIES,
        today=clock.today(ZONE),
    )


@blueprint.post("/<uuid:practitioner_id>/accept")
def accept(practitioner_id: UUID) -> ResponseReturnValue:
    services.check_practitioner(practitioner_id, access.here(), good=True)
    return _done(_("Registered. Everybody can look it up."))


@blueprint.post("/<uuid:practitioner_id>/refuse")
def refuse(practitioner_id: UUID) -> ResponseReturnValue:
    services.check_practitioner(practitioner_id, access.here(), good=False)
    return _done(_("Refused. The insurer may enter it anew."))


@blueprint.post("/<uuid:practitioner_id>/end")
def end(practitioner_id: UUID) -> ResponseReturnValue:
    services.end_practitioner(practitioner_id, access.here())
    return _done(_("Nobody answers by this certificate any more."))


def _done(said: str) -> ResponseReturnValue:
    flash(said)
    return redirect(url_for(".practitioners"), 303)
