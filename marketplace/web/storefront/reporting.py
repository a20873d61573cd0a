"""Where anybody reports a site or material that pretends to be ours (O13-40). No account and no name are asked for."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField, TextAreaField
from wtforms.validators import Length, Optional

from marketplace.accounts.services import checks
from marketplace.disclosure import services
from marketplace.disclosure.values import NewReport
from marketplace.infra.formatting import current_locale
from marketplace.infra.formatting import gettext as _
from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.infra.letterhead import letterhead
from marketplace.kernel.errors import Invalid
from marketplace.web.fields import Form, lines_of_text, printable, required

blueprint = Blueprint("reporting", __name__)

LONGEST_PLACE = 500
LONGEST_WORDS = 2000
LONGEST_ADDRESS = 254


class SiteReportForm(Form):
    place = StringField(
        _l("Where it is"),
        [required(), Length(max=LONGEST_PLACE), printable],
        description=_l("The address of the page, the number that called, or where the paper or advertisement was."),
    )
    words = TextAreaField(
        _l("What you saw"),
        [required(), lines_of_text, Length(max=LONGEST_WORDS)],
        description=_l("Please send no identity, account or card numbers."),
        render_kw={"rows": "6"},
    )
    email = StringField(
        _l("Mail address, if you want an answer"),
        [Optional(), Length(max=LONGEST_ADDRESS), printable],
        description=_l("We use it for this answer alone."),
        render_kw={"type": "email", "autocomplete": "email", "inputmode": "email", "spellcheck": "false"},
    )

    def to_value(self) -> NewReport:
        """The report of a valid form. Raises Invalid(email) for what is no address."""
        email = checks.address(str(self.email.data)) if self.email.data else ""
        return NewReport(str(self.place.data), str(self.words.data), email, current_locale())


@blueprint.route("/report-fake-site", methods=["GET", "POST"])
def report() -> ResponseReturnValue:
    form = SiteReportForm()
    if form.validate_on_submit():
        try:
            taken = services.take_report(form.to_value())
        except Invalid as error:
            form.take_errors(error.fields)
        else:
            flash(_("Thank you. Your report has the number %(number)s. We look at it.", number=taken.reference))
            return redirect(url_for(".report"), 303)
    page = render_template("storefront/report.html", form=form, ours=letterhead())
    return page, 422 if form.errors else 200
