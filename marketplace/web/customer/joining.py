"""An insurer asks to come in, and whoever is invited to an insurer's desk accepts."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from marketplace.accounts import queries as accounts
from marketplace.accounts import services
from marketplace.accounts.values import EventOutcome, LinkRefused, SecurityEventType
from marketplace.infra.formatting import gettext as _
from marketplace.kernel.errors import Invalid
from marketplace.web import audit
from marketplace.web.customer.account import form_page, sent_page, welcome
from marketplace.web.customer.forms.account import NewPasswordForm
from marketplace.web.customer.forms.joining import InsurerForm
from marketplace.web.fields import Form
from marketplace.web.mails import send
from marketplace.web.pages import say

blueprint = Blueprint("joining", __name__)

# What a service speaks of, by the field in which it was typed.
_FIELDS = {"figure": "solvency", "as_of": "solvency_on", "source": "solvency_source", "name": "admin_name"}


@blueprint.route("/insurers/apply", methods=["GET", "POST"])
def apply() -> ResponseReturnValue:
    form = InsurerForm()
    if form.validate_on_submit():
        try:
            send(services.apply_as_insurer(form.to_value()))
        except Invalid as error:
            form.take_errors({_FIELDS.get(name, name): what for name, what in error.fields.items()})
        else:
            return sent_page(
                _("We have sent a mail to your administrator. We look at your application once its link was followed.")
            )
    return render_template("customer/joining/apply.html", form=form), 422 if form.errors else 200


@blueprint.route("/insurers/apply/<token>", methods=["GET", "POST"])
def confirm(token: str) -> ResponseReturnValue:
    """The link alone does nothing: programs follow links too."""
    form = Form()
    if form.validate_on_submit():
        application = services.confirm_applicant(token)
        return render_template("customer/joining/waiting.html", application=application)
    return form_page(form, _("Confirm the application"), _("Confirm"), _("Two people of ours look at it then."))


@blueprint.route("/join/<token>", methods=["GET", "POST"])
def join(token: str) -> ResponseReturnValue:
    """A password of their own; the second step is set up right after it."""
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            return welcome(services.accept_invitation(token, str(form.password.data)))
        except LinkRefused:
            audit.note(SecurityEventType.SIGN_IN, EventOutcome.REFUSED)
            raise
        except Invalid as error:
            form.take_errors(error.fields)
    invited = services.invitation(token)
    name = accounts.insurer(invited.insurer_id).legal_name
    words = _("%(name)s, you are invited to this desk: %(insurer)s.", name=invited.name, insurer=say(name))
    return form_page(form, _("Join the desk of an insurer"), _("Join"), words)
