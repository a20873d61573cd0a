"""Insurers that want to come in: two people of the marketplace approve, one rejects with a reason."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import InsurerApplication, InsurerApplicationNotFound
from marketplace.infra import storage
from marketplace.infra.formatting import gettext as _
from marketplace.web import access, parties
from marketplace.web.backoffice.forms.insurers import RejectionForm
from marketplace.web.mails import send
from marketplace.web.papers import download

blueprint = Blueprint("applicant_desk", __name__, url_prefix="/admin/insurers/applications")


@blueprint.get("")
def applicants() -> ResponseReturnValue:
    found = accounts.insurer_applications()
    return render_template("backoffice/applicants/list.html", applications=found, states=parties.APPLICANT_STATES)


@blueprint.get("/<uuid:applicant_id>")
def applicant(applicant_id: UUID) -> ResponseReturnValue:
    return _page(accounts.insurer_application(applicant_id), RejectionForm(None))


@blueprint.get("/<uuid:applicant_id>/papers/<int:number>")
def paper(applicant_id: UUID, number: int) -> ResponseReturnValue:
    """A paper as it was sent: a stranger's file, which no browser opens by itself."""
    documents = accounts.insurer_application(applicant_id).documents
    if number >= len(documents):
        raise InsurerApplicationNotFound
    return download(storage.get(documents[number].sha256), "application/octet-stream", f"{number}.pdf")


@blueprint.post("/<uuid:applicant_id>/approve")
def approve(applicant_id: UUID) -> ResponseReturnValue:
    """The first of two people, or the second."""
    decided = services.approve_applicant(applicant_id, access.here())
    if decided.insurer_id is None:
        flash(_("Approved. Another person has to approve it too."))
        return redirect(url_for(".applicant", applicant_id=applicant_id), 303)
    flash(_("The insurer is here. Its administrator was invited by mail."))
    return redirect(url_for("party_desk.insurer", insurer_id=decided.insurer_id), 303)


@blueprint.post("/<uuid:applicant_id>/reject")
def reject(applicant_id: UUID) -> ResponseReturnValue:
    form = RejectionForm()
    if not form.validate_on_submit():
        return _page(accounts.insurer_application(applicant_id), form)
    decided = services.reject_applicant(applicant_id, str(form.reason.data), access.here())
    send(decided.mail)
    flash(_("Rejected. The reason is on its way."))
    return redirect(url_for(".applicant", applicant_id=applicant_id), 303)


def _page(found: InsurerApplication, form: RejectionForm) -> ResponseReturnValue:
    people = {who for who in (found.approved_by, found.decided_by) if who is not None}
    page = render_template(
        "backoffice/applicants/applicant.html",
        asked=found,
        form=form,
        me=access.here(),
        names=accounts.names_of(people),
        regions=parties.regions_of(found.details.insurer),
        states=parties.APPLICANT_STATES,
    )
    return page, 422 if form.errors else 200
