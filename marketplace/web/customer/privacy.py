"""A customer's own data: a copy of it, requests about it, and closing the account."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts.values import SecurityEventType
from marketplace.application import queries as applications
from marketplace.application.values import ConsentGiven
from marketplace.catalog import queries as catalog
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.text import LocalizedText
from marketplace.privacy import queries, services
from marketplace.privacy.values import RequestKind
from marketplace.web import access, audit, papers
from marketplace.web.customer.forms.privacy import KINDS, CloseForm, ExportForm, RequestForm

blueprint = Blueprint("privacy", __name__)


@blueprint.get("/account/data")
def overview() -> ResponseReturnValue:
    account = access.here()
    return render_template(
        "customer/privacy/overview.html",
        consents=_consents(account.id),
        exports=queries.exports_of(account.id),
        requests=queries.requests_of(account.id),
        kinds=KINDS,
    )


def _consents(account_id: UUID) -> list[tuple[ConsentGiven, LocalizedText]]:
    """What the person consented to, each with the product it was for."""
    given = applications.health_consents_of(account_id)
    products = catalog.product_versions({each.application.product_version_id for each in given})
    return [(each, products[each.application.product_version_id].content.name) for each in given]


@blueprint.route("/account/data/copy", methods=["GET", "POST"])
def export() -> ResponseReturnValue:
    form = ExportForm()
    if form.validate_on_submit():
        services.ask_export(access.here().id)
        audit.note(SecurityEventType.DATA_EXPORTED)
        flash(_("We are making the copy. We mail you when it is ready."))
        return redirect(url_for(".overview"), 303)
    return render_template("customer/privacy/export.html", form=form), 422 if form.errors else 200


@blueprint.get("/account/data/copies/<uuid:export_id>.zip")
def download(export_id: UUID) -> ResponseReturnValue:
    return papers.download(queries.export_bytes(export_id, access.here().id), "application/zip", "evenfold-my-data.zip")


@blueprint.route("/account/data/ask", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    form = RequestForm()
    if form.validate_on_submit():
        asked = services.ask_request(access.here().id, RequestKind(form.kind.data), str(form.words.data))
        flash(_("We have your request %(reference)s.", reference=asked.reference))
        return redirect(url_for(".overview"), 303)
    page = render_template("customer/privacy/ask.html", form=form)
    return page, 422 if form.errors else 200


@blueprint.route("/account/close", methods=["GET", "POST"])
def close() -> ResponseReturnValue:
    """Says what is erased and what is kept; the button does it. Afterwards nobody is signed in."""
    account, form = access.here(), CloseForm()
    preview = queries.closing_preview(account.id)
    if form.validate_on_submit() and preview.held:
        services.refuse_closing(account.id, access.actor())
        flash(_("The account stays: there is an open dispute about a contract of yours. Nothing was erased."))
        return redirect(url_for(".close"), 303)
    if form.validate_on_submit() and not preview.unfinished:
        access.sign_out()
        services.close_account(account.id)
        return redirect(url_for(".closed"), 303)
    page = render_template("customer/privacy/close.html", form=form, preview=preview, account=account)
    return page, 422 if form.errors else 200


@blueprint.get("/account-closed")
def closed() -> ResponseReturnValue:
    return render_template("customer/privacy/closed.html")
