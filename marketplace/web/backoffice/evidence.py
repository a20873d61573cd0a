"""From a policy number or the text of a complaint to verified evidence (T26-40, T26-48)."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField
from wtforms.validators import Length

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.oversight import queries, services
from marketplace.oversight.values import Look, Looked
from marketplace.web import access, evidence_file
from marketplace.web.evidence_file import AskForm
from marketplace.web.fields import lines_of_text, required

blueprint = Blueprint("evidence_desk", __name__, url_prefix="/admin/evidence")

LONGEST_TEXT = 4_000


class EvidenceForm(AskForm):
    text = TextAreaField(
        _l("Policy number, reference, mail address, or the text of a complaint"),
        [required(), lines_of_text, Length(max=LONGEST_TEXT)],
        render_kw={"rows": "5"},
    )


@blueprint.route("", methods=["GET", "POST"])
def search() -> ResponseReturnValue:
    """Sent, not asked for by an address: a complaint is personal. Each contract that is found is entered as read."""
    form, found = EvidenceForm(), None
    if form.validate_on_submit():
        found = queries.contracts_in(str(form.text.data))
        for sale in found:
            services.note_look(Look(sale, access.actor(), str(form.reason.data), Looked.FOUND))
    page = render_template("backoffice/evidence/search.html", form=form, found=found)
    return page, 422 if form.errors else 200


@blueprint.post("/contracts/<uuid:application_id>")
def ask(application_id: UUID) -> ResponseReturnValue:
    sale, form = queries.sale_of_application(application_id), AskForm()
    if not form.validate_on_submit():
        return render_template("backoffice/evidence/search.html", form=EvidenceForm(), found=(sale,)), 422
    return redirect(url_for(".bundle", bundle_id=evidence_file.ask(sale, str(form.reason.data))), 303)


@blueprint.get("/<uuid:bundle_id>")
def bundle(bundle_id: UUID) -> ResponseReturnValue:
    found = evidence_file.look(bundle_id)
    sale = queries.sale_of_application(found.application_id)
    return render_template(
        "backoffice/evidence/bundle.html",
        bundle=found,
        contract=sale.policy_number or sale.application_reference,
        entries=queries.readings_of(found.application_id),
    )


@blueprint.get("/<uuid:bundle_id>/evidence.zip")
def download(bundle_id: UUID) -> ResponseReturnValue:
    return evidence_file.taken(bundle_id)
