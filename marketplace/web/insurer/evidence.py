"""Evidence of an insurer's own sales. Another's does not exist here (T26-52)."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.oversight import queries
from marketplace.oversight.values import Sale, SaleNotFound
from marketplace.web import access, evidence_file
from marketplace.web.evidence_file import AskForm
from marketplace.web.insurer.desk import own_insurer_id

blueprint = Blueprint("insurer_evidence", __name__, url_prefix="/insurer")


@blueprint.route("/sales/<uuid:sale_id>/evidence", methods=["GET", "POST"])
def ask(sale_id: UUID) -> ResponseReturnValue:
    """Of a contract: before there is one, nothing may be sealed yet, and a desk makes no keys (ADR 0007)."""
    sale, form = queries.sale(sale_id, only_insurer=own_insurer_id()), AskForm()
    if sale.application_id is None or sale.policy_id is None:
        raise SaleNotFound
    if form.validate_on_submit():
        return redirect(url_for(".bundle", bundle_id=evidence_file.ask(sale, str(form.reason.data))), 303)
    page = render_template(
        "insurer/evidence/ask.html",
        form=form,
        sale=sale,
        contract=_name(sale),
        bundles=queries.bundles_of(sale.application_id, access.here().id),
    )
    return page, 422 if form.errors else 200


@blueprint.get("/evidence/<uuid:bundle_id>")
def bundle(bundle_id: UUID) -> ResponseReturnValue:
    found = evidence_file.look(bundle_id)
    sale = queries.sale_of_application(found.application_id)
    return render_template("insurer/evidence/bundle.html", bundle=found, sale=sale, contract=_name(sale))


@blueprint.get("/evidence/<uuid:bundle_id>/evidence.zip")
def download(bundle_id: UUID) -> ResponseReturnValue:
    return evidence_file.taken(bundle_id)


def _name(sale: Sale) -> str:
    return sale.policy_number or sale.application_reference or ""
