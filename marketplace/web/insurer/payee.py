"""How an insurer is paid: its administrator opens its account at Stripe, on Stripe's own pages, and comes back."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.infra.formatting import gettext as _
from marketplace.infra.payment_gateway import PaymentsUnavailable
from marketplace.web import access, parties
from marketplace.web.fields import Form
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.insurer.forms.payee import payee_form
from marketplace.web.mails import absolute
from marketplace.web.transaction import commit_now

blueprint = Blueprint("insurer_payee", __name__, url_prefix="/insurer/payee")


@blueprint.get("")
def payee() -> ResponseReturnValue:
    """How it stands. A link of Stripe's that was used or is too old leads here as well."""
    return _page(payee_form())


@blueprint.post("/go")
def go() -> ResponseReturnValue:
    """On to Stripe. Our row first; the account there is opened once, however often this is sent."""
    found = accounts.payee(own_insurer_id())
    form = Form() if found else payee_form(sent=True)
    if not form.validate_on_submit():
        return _page(form)
    if found is None:
        services.begin_payee(access.here(), str(form["country"].data))
        commit_now()
    back, again = (absolute(url_for(endpoint)) for endpoint in (".returned", ".payee"))
    return redirect(services.open_payee(own_insurer_id(), again, back), 303)


@blueprint.get("/returned")
def returned() -> ResponseReturnValue:
    """Back from Stripe: ask it now, whatever the browser says, instead of waiting for its word."""
    found = accounts.payee(own_insurer_id())
    if found is not None:
        try:
            services.refresh_payee(found.id)
        except PaymentsUnavailable:
            flash(_("Stripe does not answer at the moment. We ask it again within the hour."))
    return redirect(url_for(".payee"), 303)


def _page(form: Form) -> ResponseReturnValue:
    found = accounts.payee(own_insurer_id())
    page = render_template("insurer/payee.html", payee=found, form=form, due=parties.due(found))
    return page, 422 if form.errors else 200
