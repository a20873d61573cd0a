"""Whose certificates an insurer's owner enters: only these answer customers, once the marketplace checked them."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import AccountNotFound, CertificateTaken
from marketplace.infra.formatting import ZONE
from marketplace.infra.formatting import gettext as _
from marketplace.kernel import clock
from marketplace.kernel.errors import Invalid
from marketplace.web import access, consulting, error_pages
from marketplace.web.insurer.desk import own_insurer_id
from marketplace.web.insurer.forms.consultation import PractitionerForm, practitioner_form

blueprint = Blueprint("insurer_practitioners", __name__, url_prefix="/insurer/practitioners")


@blueprint.get("")
def practitioners() -> ResponseReturnValue:
    return _page(practitioner_form(accounts.staff_of(own_insurer_id())))


@blueprint.post("/enter")
def enter() -> ResponseReturnValue:
    """A colleague's certificate, to be checked by the marketplace."""
    form = practitioner_form(accounts.staff_of(own_insurer_id()))
    if form.validate_on_submit():
        try:
            services.propose_practitioner(form.to_value(), access.here())
        except Invalid as error:
            form.take_errors(error.fields)
        except CertificateTaken as error:
            form.take_errors({"certificate_no": error_pages.words_of(error)})
        except AccountNotFound:
            form.take_errors({"colleague": _("Please choose one of the values offered.")})
        else:
            flash(_("Entered. The marketplace compares it with the certificate."))
            return redirect(url_for(".practitioners"), 303)
    return _page(form)


@blueprint.post("/<uuid:practitioner_id>/end")
def end(practitioner_id: UUID) -> ResponseReturnValue:
    services.end_practitioner(practitioner_id, access.here())
    flash(_("Nobody answers by this certificate any more."))
    return redirect(url_for(".practitioners"), 303)


def _page(form: PractitionerForm) -> ResponseReturnValue:
    page = render_template(
        "insurer/practitioners.html",
        practitioners=accounts.practitioners_of(own_insurer_id()),
        standings=consulting.STANDINGS,
        validities=consulting.VALIDITIES,
        today=clock.today(ZONE),
        form=form,
    )
    return page, 422 if form.errors else 200
