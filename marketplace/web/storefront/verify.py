"""The public checks: of a policy by its number and code (status only, no personal data, O13-04), and of the evidence of
a contract, which happens in the browser (T26-41).
"""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import StringField
from wtforms.validators import Length

from marketplace.infra.formatting import lazy_gettext as _l
from marketplace.policy import queries as policy
from marketplace.traceability import queries as trail
from marketplace.web.fields import Form, printable, required

blueprint = Blueprint("verify", __name__)


class CheckForm(Form):
    number = StringField(
        _l("Policy number"), [required(), Length(max=40), printable], description=_l("On the first page of the policy.")
    )
    code = StringField(
        _l("Check code"), [required(), Length(max=20), printable], description=_l("Printed beside the square code.")
    )


@blueprint.route("/verify", methods=["GET", "POST"])
def check() -> ResponseReturnValue:
    """A link from the policy fills the form in; the person presses the button."""
    form = CheckForm(data={"number": request.args.get("number", ""), "code": request.args.get("code", "")})
    answer, asked = None, False
    if form.validate_on_submit():
        answer, asked = policy.check(str(form.number.data), str(form.code.data)), True
    return render_template("storefront/verify.html", form=form, answer=answer, asked=asked), 422 if form.errors else 200


@blueprint.get("/verify/evidence")
def evidence() -> ResponseReturnValue:
    """A page that takes files and sends nothing."""
    return render_template("storefront/evidence.html", stamps=trail.newest_stamps())
